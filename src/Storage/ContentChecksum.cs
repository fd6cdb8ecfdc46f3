using System;
using System.Buffers.Binary;
using System.IO.Hashing;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>Checksum of all entries of a forest in order of tree and key, whatever blocks they lie in: tree u8, size of
/// the key u16, size of the value u32, key, value of each. The forest must not change before the end.</summary>
public sealed class ContentChecksum(Forest forest)
{
    private const int EntriesPerStep = 256;
    private readonly XxHash128 _hash = new();
    private readonly byte[] _head = new byte[7];
    private readonly byte[] _key = new byte[Tree.KeySizeMax + 1];
    private readonly long[] _counts = new long[forest.TreeCount];
    private int _keySize;
    private int _tree;

    public UInt128 Value => _hash.GetCurrentHashAsUInt128();

    /// <summary>Entries of each tree, as far as they have been seen.</summary>
    public ReadOnlySpan<long> Counts => _counts;

    /// <summary>Reads on; false: blocks are being read, call again after a completion.</summary>
    public bool TryAdvance()
    {
        while (_tree < forest.TreeCount)
        {
            forest.Grid.NextEra();
            if (!forest[_tree].TryWalk(_key.AsSpan(0, _keySize), EntriesPerStep, out TreeCursor cursor)) return false;
            int left = EntriesPerStep;
            for (; left > 0 && cursor.Valid; left--)
            {
                Add(cursor.Key, cursor.Value);
                cursor.Next();
            }
            if (left == 0) continue;
            _tree++;
            _keySize = 0;
        }
        return true;
    }

    private void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _head[0] = (byte)_tree;
        BinaryPrimitives.WriteUInt16LittleEndian(_head.AsSpan(1), (ushort)key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(_head.AsSpan(3), value.Length);
        _hash.Append(_head);
        _hash.Append(key);
        _hash.Append(value);
        _counts[_tree]++;
        // The key after this one is the same with a zero behind it.
        key.CopyTo(_key);
        _key[key.Length] = 0;
        _keySize = key.Length + 1;
    }
}
