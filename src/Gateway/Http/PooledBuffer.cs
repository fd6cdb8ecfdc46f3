using System;
using System.Buffers;

namespace Deterministic.Gateway.Http;

/// <summary>Bytes written one after the other into a pooled array that grows, up to the largest that there
/// is.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private const int SizeFirst = 4096;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(SizeFirst);
    private int _size;

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _size);

    public void Advance(int count) => _size += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Fit(Math.Max(1, sizeHint));
        return _bytes.AsMemory(_size);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _size = 0;
    }

    private void Fit(int more)
    {
        if (_bytes.Length - _size >= more) return;
        long wanted = Math.Max(Math.Min(2L * _bytes.Length, Array.MaxLength), (long)_size + more);
        if (wanted > Array.MaxLength)
        {
            throw RequestException.Invalid(
                "the answer is larger than this server can send; lower top_k or limit, or name fewer attributes");
        }
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)wanted);
        Written.Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
