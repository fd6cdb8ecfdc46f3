using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Deterministic.Gateway.Http;

/// <summary>The body of a request as it comes over the wire, still compressed: at most so many bytes, and not slower
/// than the limits say. The server's own least rate is an average since the body's start, so after a fast start it
/// would let a body stand still for hours; here every part after the first has its own time.</summary>
internal sealed class WireBody(Stream body, int sizeMax, ConnectionLimits limits, CancellationToken aborted) : Stream
{
    /// <summary>Up to here the server's average is enough.</summary>
    private const int WatchedFrom = 64 << 10;

    private readonly long _partSize = Math.Max(1, (long)(limits.RateMin * limits.Grace.TotalSeconds));
    private CancellationTokenSource? _patience;
    private long _size;
    private long _partEnd;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => _size; set => throw new NotSupportedException(); }

    /// <exception cref="RequestException">Too large, or too slow.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_size >= WatchedFrom && _size >= _partEnd) BeginPart();
        int read;
        try
        {
            read = await body.ReadAsync(buffer, _patience?.Token ?? aborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            throw RequestException.TooSlow();
        }
        _size += read;
        if (_size > sizeMax) throw RequestException.TooLarge();
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _patience?.Dispose();
        base.Dispose(disposing);
    }

    private void BeginPart()
    {
        _patience ??= CancellationTokenSource.CreateLinkedTokenSource(aborted);
        _patience.CancelAfter(limits.Grace);
        _partEnd = _size + _partSize;
    }
}
