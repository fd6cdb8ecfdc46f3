using System;
using System.Buffers.Binary;

namespace Deterministic.StorageBenchmark;

/// <summary>Entries that are functions of the seed: entry i of n has a key of its own and, per version, a value of
/// bytes that do not compress.</summary>
internal sealed class DataSet
{
    public const int KeySizeMin = 8;

    private readonly ulong _seed;
    private readonly bool _ascending;

    /// <param name="ascending">Keys ascend with the entry's number, as sequential ids do; else they are spread over
    /// all keys.</param>
    public DataSet(long entries, int keySize, int valueSize, ulong seed, bool ascending)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keySize, KeySizeMin);
        Entries = entries;
        KeySize = keySize;
        ValueSize = valueSize;
        _seed = Mix(seed);
        _ascending = ascending;
    }

    public long Entries { get; }
    public int KeySize { get; }
    public int ValueSize { get; }
    public long EntrySize => KeySize + ValueSize;
    public long Bytes => Entries * EntrySize;

    /// <summary>Numbers from <see cref="Entries"/> on give keys that are not in the data.</summary>
    public void WriteKey(long entry, Span<byte> key)
    {
        key.Clear();
        if (_ascending)
        {
            BinaryPrimitives.WriteInt64BigEndian(key[^8..], entry);
            return;
        }
        // The mixing is a bijection: no two entries share their first eight bytes.
        ulong word = Mix((ulong)entry + _seed);
        BinaryPrimitives.WriteUInt64BigEndian(key, word);
        Fill(key[8..], word ^ _seed);
    }

    public void WriteValue(long entry, uint version, Span<byte> value) =>
        Fill(value, Mix((ulong)entry ^ _seed) + version);

    public EntryBatch Batch(int capacity) => new(capacity, KeySize, ValueSize);

    /// <summary>The finalizer of splitmix64.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    private static void Fill(Span<byte> target, ulong state)
    {
        Span<byte> last = stackalloc byte[8];
        while (target.Length >= 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(target, Mix(state));
            state += 0x9E3779B97F4A7C15;
            target = target[8..];
        }
        BinaryPrimitives.WriteUInt64LittleEndian(last, Mix(state));
        last[..target.Length].CopyTo(target);
    }
}

/// <summary>Random entry numbers from a seed: the n-th is a function of seed and n.</summary>
internal sealed class EntryPicker(long entries, ulong seed)
{
    private readonly ulong _seed = DataSet.Mix(seed);

    public long this[long turn] =>
        (long)Math.BigMul(DataSet.Mix(_seed + (ulong)turn), (ulong)entries, out _);
}
