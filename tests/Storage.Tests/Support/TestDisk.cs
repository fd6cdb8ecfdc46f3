using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A disk in memory. Operations complete when told to, in drawn order; what has not completed at a crash is
/// torn: each of its sectors is old or new.</summary>
internal sealed class TestDisk(long size, int seed) : IDisk
{
    private const int SectorSize = Limits.SectorSize;
    private readonly Random _random = new(seed);
    private readonly List<(uint Token, long Offset, NativeBuffer Buffer, byte[]? Written)> _pending = [];

    public byte[] Image { get; } = new byte[size];

    public bool Idle => _pending.FindIndex(each => (each.Token & Held) == 0) < 0;

    /// <summary>Operations with any of these bits in their tokens do not complete.</summary>
    public uint Held { get; set; }

    public long Writes { get; private set; }

    /// <summary>Reads of these offsets give garbage.</summary>
    public HashSet<long> Rotten { get; } = [];

    public void Read(uint token, long offset, NativeBuffer buffer) => _pending.Add((token, offset, buffer, null));

    public void Write(uint token, long offset, NativeBuffer buffer)
    {
        foreach (var other in _pending)
            Assert(other.Written is null || other.Offset != offset, "two writes to one place at once");
        _pending.Add((token, offset, buffer, buffer.Span.ToArray()));
    }

    /// <summary>Where an operation that is held reads or writes.</summary>
    public bool TryFindHeld(out long offset)
    {
        int held = _pending.FindIndex(each => (each.Token & Held) != 0);
        offset = held < 0 ? 0 : _pending[held].Offset;
        return held >= 0;
    }

    /// <summary>Completes one operation and says which.</summary>
    public uint Complete()
    {
        int chosen;
        do chosen = _random.Next(_pending.Count);
        while ((_pending[chosen].Token & Held) != 0);
        var (token, offset, buffer, written) = _pending[chosen];
        _pending.RemoveAt(chosen);
        if (written is null)
        {
            Image.AsSpan((int)offset, (int)buffer.Length).CopyTo(buffer.Span);
            if (Rotten.Contains(offset)) buffer.Span[300] ^= 1;
            return token;
        }
        Writes++;
        written.CopyTo(Image.AsSpan((int)offset));
        return token;
    }

    public void Crash()
    {
        foreach (var (_, offset, _, written) in _pending)
            for (int at = 0; written is not null && at < written.Length; at += SectorSize)
                if (_random.Next(2) == 0) written.AsSpan(at, SectorSize).CopyTo(Image.AsSpan((int)offset + at));
        _pending.Clear();
    }

    private static void Assert(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException(what);
    }
}
