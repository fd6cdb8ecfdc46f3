using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A log: what each operation changes follows from the seed and its number alone, so that it can be run again
/// from any checkpoint and on any forest.</summary>
internal sealed class ForestScript
{
    public const int Trees = 2;
    private readonly int _seed;
    private readonly int _keySpace;
    private readonly int _largest;
    private readonly int _changesMax;
    private readonly bool _ascending;

    public ForestScript(int seed)
    {
        _seed = seed;
        var random = new Random(seed);
        _keySpace = 1 << random.Next(4, 14);
        _largest = 1 << random.Next(4, 18);
        _changesMax = random.Next(2, 40);
        _ascending = random.Next(3) == 0;
        MemtableSize = (16 << 10) << random.Next(5);
        Interval = (ulong)random.Next(1, 120);
    }

    public int MemtableSize { get; }

    /// <summary>Operations between checkpoints.</summary>
    public ulong Interval { get; }

    public void Run(ForestBench bench)
    {
        List<ScriptChange> changes = Changes(bench.Op + 1);
        bench.Run(
            forest =>
            {
                foreach (ScriptChange change in changes) forest[change.Tree].Touch(change.Key);
            },
            forest =>
            {
                foreach (ScriptChange change in changes) change.Apply(forest);
            });
    }

    /// <summary>Does the same to a map by tree and key.</summary>
    public void Run(SortedDictionary<byte[], byte[]>[] maps, ulong op)
    {
        foreach (ScriptChange change in Changes(op))
        {
            if (change.Value is null) maps[change.Tree].Remove(change.Key);
            else maps[change.Tree][change.Key] = change.Value;
        }
    }

    public static SortedDictionary<byte[], byte[]>[] NewMaps()
    {
        var order = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));
        return [new(order), new(order)];
    }

    private List<ScriptChange> Changes(ulong op)
    {
        var random = new Random(unchecked(_seed * 31 + (int)op * 7919));
        var changes = new List<ScriptChange>();
        for (int i = random.Next(1, _changesMax); i > 0; i--)
        {
            int number = _ascending && random.Next(4) > 0 ? (int)op * 40 + i : random.Next(_keySpace);
            byte[] key = new byte[4 + number * 31 % 7 + (number % 50 == 0 ? 400 : 0)];
            key.AsSpan(4).Fill((byte)number);
            BinaryPrimitives.WriteInt32BigEndian(key, number);
            byte[]? value = null;
            if (random.Next(4) > 0)
            {
                value = new byte[random.Next(40) == 0 ? random.Next(_largest) : random.Next(80)];
                random.NextBytes(value);
            }
            changes.Add(new ScriptChange(random.Next(Trees), key, value));
        }
        return changes;
    }
}

/// <param name="Tree">Number of the tree.</param>
/// <param name="Key">Key.</param>
/// <param name="Value">What is put; null removes.</param>
internal sealed record ScriptChange(int Tree, byte[] Key, byte[]? Value)
{
    public void Apply(Forest forest)
    {
        if (Value is null) forest[Tree].Remove(Key);
        else forest[Tree].Put(Key, Value);
    }
}
