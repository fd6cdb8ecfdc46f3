using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A disk in memory. Operations complete when told to, in drawn order; what has not completed at a crash is
/// torn: each of its sectors is old or new. A write takes its bytes when it completes, as a device may. Allocates
/// nothing once it has had as many operations under way as it ever has.</summary>
internal sealed class TestDisk(long size, int seed) : IDisk
{
    private const int SectorSize = Limits.SectorSize;
    private readonly Random _random = new(seed);
    private readonly List<(uint Token, long Offset, NativeBuffer Buffer, bool Write)> _pending = [];

    public byte[] Image { get; } = new byte[size];

    public bool Idle
    {
        get
        {
            foreach (var (token, _, _, _) in _pending) if ((token & Held) == 0) return false;
            return true;
        }
    }

    /// <summary>Operations with any of these bits in their tokens do not complete.</summary>
    public uint Held { get; set; }

    public long Writes { get; private set; }

    /// <summary>Reads of these offsets give garbage.</summary>
    public HashSet<long> Rotten { get; } = [];

    public void Read(uint token, long offset, NativeBuffer buffer) => _pending.Add((token, offset, buffer, false));

    public void Write(uint token, long offset, NativeBuffer buffer)
    {
        foreach (var other in _pending)
            Assert(!other.Write || other.Offset != offset, "two writes to one place at once");
        _pending.Add((token, offset, buffer, true));
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
        var (token, offset, buffer, write) = _pending[chosen];
        _pending.RemoveAt(chosen);
        if (!write)
        {
            Image.AsSpan((int)offset, (int)buffer.Length).CopyTo(buffer.Span);
            if (Rotten.Contains(offset)) buffer.Span[300] ^= 1;
            return token;
        }
        Writes++;
        buffer.Span.CopyTo(Image.AsSpan((int)offset));
        return token;
    }

    public void Crash()
    {
        foreach (var (_, offset, buffer, write) in _pending)
            for (int at = 0; write && at < buffer.Length; at += SectorSize)
                if (_random.Next(2) == 0) buffer.Slice(at, SectorSize).CopyTo(Image.AsSpan((int)offset + at));
        _pending.Clear();
    }

    private static void Assert(bool condition, string what)
    {
        if (!condition) throw new InvalidOperationException(what);
    }
}
