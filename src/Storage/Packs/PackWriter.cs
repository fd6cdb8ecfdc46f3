using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Puts one pack together in memory.</summary>
public sealed class PackWriter
{
    private readonly NativeBuffer _bytes;
    private readonly NativeBuffer _index;
    private readonly UInt128 _cluster;
    private int _end;

    /// <param name="memory">Where the room is from.</param>
    /// <param name="cluster">Whose pack it is.</param>
    /// <param name="sizeMax">Bytes of a pack at most.</param>
    /// <param name="entriesMax">Blocks of a pack at most.</param>
    public PackWriter(StaticMemory memory, UInt128 cluster, int sizeMax, int entriesMax)
    {
        Check.That(entriesMax is > 0 and <= PackFile.EntriesMax);
        Check.That(sizeMax > PackFile.HeaderSize + PackFile.FooterSize + entriesMax * PackEntry.Size);
        _bytes = memory.Take(sizeMax, Limits.SectorSize);
        _index = memory.Take(entriesMax * PackEntry.Size);
        _cluster = cluster;
    }

    public int Count { get; private set; }

    public ulong Number { get; private set; }

    /// <summary>Header and body of one block.</summary>
    public PackEntry this[int entry]
    {
        get
        {
            Check.That(entry >= 0 && entry < Count);
            return PackEntry.Read(_index.Slice(entry * PackEntry.Size, PackEntry.Size));
        }
    }

    public void Start(ulong number)
    {
        Number = number;
        Count = 0;
        _end = PackFile.HeaderSize;
        PackFile.WriteHeader(_bytes.Span, _cluster, number);
    }

    /// <summary>Whether one more block of this size has room.</summary>
    public bool Fits(int blockSize) => (Count + 1) * PackEntry.Size <= _index.Length &&
        _end + blockSize + (Count + 1) * PackEntry.Size + PackFile.FooterSize <= _bytes.Length;

    /// <summary>Adds header and body of a block; the caller has verified them.</summary>
    public void Add(in BlockReference block, ReadOnlySpan<byte> bytes)
    {
        Check.That(Fits(bytes.Length) && bytes.Length >= Limits.HeaderSize);
        PackEntry entry = new(in block, (uint)_end, (uint)bytes.Length);
        entry.WriteTo(_index.Slice(Count * PackEntry.Size, PackEntry.Size));
        bytes.CopyTo(_bytes.Slice(_end, bytes.Length));
        _end += bytes.Length;
        Count++;
    }

    /// <summary>Gives the pack another number; it is to be finished again.</summary>
    public void Renumber(ulong number)
    {
        Number = number;
        PackFile.WriteHeader(_bytes.Span, _cluster, number);
    }

    /// <summary>Writes index and footer; then <paramref name="content"/> is the object.</summary>
    public PackIdentity Finish(out NativeBuffer content)
    {
        Check.That(Count > 0);
        ReadOnlySpan<byte> index = _index.Slice(0, Count * PackEntry.Size);
        PackIdentity pack = new()
        {
            Number = Number, IndexOffset = (uint)_end, Entries = Count, IndexChecksum = Checksum.Of(index),
        };
        index.CopyTo(_bytes.Slice(_end, index.Length));
        PackFile.WriteFooter(_bytes.Slice(_end + index.Length, PackFile.FooterSize), _cluster, in pack);
        content = _bytes.Part(0, pack.Size);
        return pack;
    }
}
