using System;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Memory;

/// <summary>Native memory in three phases: take regions, seal, release. After <see cref="Seal"/> nothing can be taken,
/// so whatever a replica will ever use is known before its first request. Regions are sector-aligned on demand, as
/// direct disk access needs; they start zeroed.</summary>
public sealed unsafe class StaticMemory : IDisposable
{
    /// <summary>Regions are cut from chunks of this size. It is more than what allocators ever keep for themselves when
    /// it is freed (32 MiB in glibc), so that every chunk is of fresh pages, whose zeroes cost nothing until they are
    /// touched: also where replicas are made and dropped by the thousand.</summary>
    private const long ChunkSize = 64L << 20;

    private readonly System.Collections.Generic.List<nint> _chunks = [];
    private nuint _free;
    private nuint _end;
    private bool _sealed;

    public long TakenBytes { get; private set; }

    /// <summary>Told of parts of regions whose content is not needed any more, to let the system have their pages until
    /// they are written again. Without it they stay.</summary>
    public System.Action<NativeBuffer>? PagesReturn { get; set; }

    /// <summary>Takes a zeroed region. Large regions cost address space at once and memory only when touched.</summary>
    public NativeBuffer Take(long size, int alignment = 64)
    {
        Check.That(!_sealed);
        Check.That(size > 0);
        Check.That(alignment > 0 && (alignment & (alignment - 1)) == 0);
        TakenBytes += size;
        nuint start = Align(_free, alignment);
        if (_end - _free < (nuint)size || _end - start < (nuint)size || start > _end)
        {
            TakeChunk(size, alignment);
            start = Align(_free, alignment);
        }
        _free = start + (nuint)size;
        Check.That(_free <= _end);
        return new NativeBuffer((byte*)start, size);
    }

    /// <summary>What a part of a region holds is not needed any more; it may read as zeroes from now on.</summary>
    public void GiveBack(NativeBuffer part) => PagesReturn?.Invoke(part);

    public void Seal()
    {
        Check.That(!_sealed);
        _sealed = true;
    }

    public void Dispose()
    {
        foreach (nint chunk in _chunks) NativeMemory.Free((void*)chunk);
        _chunks.Clear();
        _free = _end = 0;
    }

    private static nuint Align(nuint address, int alignment) =>
        (address + (nuint)alignment - 1) & ~((nuint)alignment - 1);

    private void TakeChunk(long sizeMin, int alignment)
    {
        nuint size = checked((nuint)long.Max(sizeMin, ChunkSize) + (nuint)alignment);
        nint chunk = (nint)NativeMemory.AllocZeroed(size);
        _chunks.Add(chunk);
        _free = (nuint)chunk;
        _end = _free + size;
    }
}

/// <summary>A region of native memory: a pointer and a length in bytes. Valid until its <see cref="StaticMemory"/> is
/// disposed.</summary>
public readonly unsafe struct NativeBuffer(byte* pointer, long length)
{
    public byte* Pointer { get; } = pointer;
    public long Length { get; } = length;
    public bool IsEmpty => Length == 0;

    public Span<byte> Span => new(Pointer, checked((int)Length));

    public Span<byte> Slice(long offset, int size)
    {
        Check.That(offset >= 0 && size >= 0 && offset <= Length - size);
        return new Span<byte>(Pointer + offset, size);
    }

    public NativeBuffer Part(long offset, long size)
    {
        Check.That(offset >= 0 && size >= 0 && offset <= Length - size);
        return new NativeBuffer(Pointer + offset, size);
    }

    /// <summary>The region as elements of <typeparamref name="T"/>.</summary>
    public Span<T> As<T>() where T : unmanaged => new(Pointer, checked((int)(Length / sizeof(T))));
}
