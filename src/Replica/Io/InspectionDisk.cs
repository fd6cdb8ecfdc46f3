using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Replica.Io;

/// <summary>A disk over a file that must not change: reads come from the file, writes are kept in memory and read from
/// there.</summary>
internal sealed class InspectionDisk(DataFileSource source) : IDisk
{
    private readonly Queue<(uint Token, IoResult Result)> _completions = new();
    private readonly Dictionary<long, byte[]> _written = [];

    public void Read(uint token, long offset, NativeBuffer buffer)
    {
        bool read = true;
        if (_written.TryGetValue(offset, out byte[]? bytes)) bytes.CopyTo(buffer.Span);
        else read = source.TryRead(offset, buffer.Span);
        _completions.Enqueue((token, read ? IoResult.Ok : IoResult.ReadFailed));
    }

    public void Write(uint token, long offset, NativeBuffer buffer)
    {
        _written[offset] = buffer.Span.ToArray();
        _completions.Enqueue((token, IoResult.Ok));
    }

    public bool TryComplete(out uint token, out IoResult result)
    {
        bool any = _completions.TryDequeue(out (uint Token, IoResult Result) completion);
        (token, result) = completion;
        return any;
    }
}
