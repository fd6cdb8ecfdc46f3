using System;
using System.Numerics;
using Deterministic.Core;

namespace Deterministic.Storage.Blocks;

/// <summary>Address → frame, by open addressing. Never iterated, so its order decides nothing.</summary>
internal sealed class BlockIndex
{
    private readonly ulong[] _addresses;
    private readonly int[] _frames;
    private readonly int _mask;

    public BlockIndex(int entriesMax)
    {
        Check.That(entriesMax > 0);
        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)entriesMax * 2);
        _addresses = new ulong[capacity];
        _frames = new int[capacity];
        _mask = capacity - 1;
    }

    public int Count { get; private set; }

    /// <summary>The frame of a block, or -1.</summary>
    public int Find(ulong address)
    {
        Check.That(address > 0);
        for (int at = Home(address); _addresses[at] != 0; at = unchecked(at + 1) & _mask)
            if (_addresses[at] == address) return _frames[at];
        return -1;
    }

    public void Add(ulong address, int frame)
    {
        Check.That(address > 0 && frame >= 0);
        Check.That(Count <= _mask / 2);
        int at = Home(address);
        for (; _addresses[at] != 0; at = unchecked(at + 1) & _mask) Check.That(_addresses[at] != address);
        _addresses[at] = address;
        _frames[at] = frame;
        Count++;
    }

    /// <summary>Takes an entry out and moves those behind it up, so that no search ends too early.</summary>
    public void Remove(ulong address)
    {
        int hole = Home(address);
        for (; _addresses[hole] != address; hole = unchecked(hole + 1) & _mask) Check.That(_addresses[hole] != 0);
        Count--;
        for (int at = unchecked(hole + 1) & _mask; _addresses[at] != 0; at = unchecked(at + 1) & _mask)
        {
            int home = Home(_addresses[at]);
            bool reachable = hole <= at ? home <= hole || home > at : home <= hole && home > at;
            if (!reachable) continue;
            _addresses[hole] = _addresses[at];
            _frames[hole] = _frames[at];
            hole = at;
        }
        _addresses[hole] = 0;
    }

    private int Home(ulong address) => unchecked((int)(address * 0x9E37_79B9_7F4A_7C15 >> 33)) & _mask;
}
