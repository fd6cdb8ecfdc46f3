using System;

namespace Deterministic.StorageBenchmark;

/// <summary>Keys and values of fixed sizes, one after the other.</summary>
internal sealed class EntryBatch(int capacity, int keySize, int valueSize)
{
    public int Capacity { get; } = capacity;
    public int KeySize { get; } = keySize;
    public int ValueSize { get; } = valueSize;
    public byte[] Keys { get; } = new byte[capacity * keySize];
    public byte[] Values { get; } = new byte[capacity * valueSize];

    public int Count { get; private set; }

    public Span<byte> Key(int index) => Keys.AsSpan(index * KeySize, KeySize);

    public Span<byte> Value(int index) => Values.AsSpan(index * ValueSize, ValueSize);

    public void Clear() => Count = 0;

    public void Add(DataSet data, long entry, uint version)
    {
        data.WriteKey(entry, Key(Count));
        data.WriteValue(entry, version, Value(Count));
        Count++;
    }

    public void AddKey(DataSet data, long entry)
    {
        data.WriteKey(entry, Key(Count));
        Count++;
    }
}
