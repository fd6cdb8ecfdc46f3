using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.TestSupport;

/// <summary>A disk in memory whose operations complete in the order in which they were asked for. It grows as it is
/// written.</summary>
/// <param name="image">What it holds at first; it stays as it is.</param>
public sealed class QueueDisk(byte[]? image = null) : IDisk
{
    private readonly Queue<(uint Token, long Offset, NativeBuffer Buffer, bool Write)> _queue = new();
    private readonly SortedDictionary<long, byte[]> _sectors = [];

    public void Read(uint token, long offset, NativeBuffer buffer) => _queue.Enqueue((token, offset, buffer, false));

    public void Write(uint token, long offset, NativeBuffer buffer) => _queue.Enqueue((token, offset, buffer, true));

    /// <summary>Carries out the oldest operation; false if there is none.</summary>
    public bool TryComplete(out uint token)
    {
        token = 0;
        if (!_queue.TryDequeue(out var operation)) return false;
        token = operation.Token;
        for (int at = 0; at < operation.Buffer.Length; at += Limits.SectorSize)
        {
            Span<byte> part = operation.Buffer.Slice(at, Limits.SectorSize);
            if (operation.Write) _sectors[operation.Offset + at] = part.ToArray();
            else if (_sectors.TryGetValue(operation.Offset + at, out byte[]? sector)) sector.CopyTo(part);
            else if (image is not null) image.AsSpan((int)operation.Offset + at, part.Length).CopyTo(part);
            else part.Clear();
        }
        return true;
    }

    /// <summary>A copy of the image as it is by now.</summary>
    public byte[] Copy()
    {
        byte[] copy = [.. image ?? []];
        foreach ((long offset, byte[] sector) in _sectors) sector.CopyTo(copy.AsSpan((int)offset));
        return copy;
    }
}
