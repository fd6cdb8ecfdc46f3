using System;
using Deterministic.Core;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>The one object that changes: which checkpoints are kept, and who may add to them. It is only ever replaced
/// on condition that it is as it was read, so of two writers one wins, and what it does not name can be removed. Magic
/// u64, version u32, entries u32, cluster u128, history u128, writer u128, epoch u32, zero u32; of each entry sequence
/// u64, op u64, identity of the checkpoint u128, checksum of the manifest u128, its size u32, packs u32, live blocks
/// u64, live bytes u64, bytes of packs u64, name; checksum of all that u128.</summary>
public sealed class Catalog
{
    /// <summary>Checkpoints kept, named ones included.</summary>
    public const int EntriesMax = 256;
    public const int SizeMax = HeadSize + EntriesMax * (EntrySize + CatalogEntry.NameSizeMax) + ChecksumSize;
    private const ulong Magic = 0x676F_6C61_7461_63;
    private const uint Version = 1;
    private const int HeadSize = 72;
    private const int EntrySize = 81;
    private const int ChecksumSize = 16;

    private readonly CatalogEntry[] _entries = new CatalogEntry[EntriesMax];

    public int Count { get; private set; }

    /// <summary>In the order in which they were added: sequences do not decrease among those without a name.</summary>
    public ref readonly CatalogEntry this[int entry] => ref _entries[entry];

    /// <summary>What happened to whom: checkpoints of one history never contradict each other.</summary>
    public UInt128 History { get; set; }

    /// <summary>The run of the uploader that may add checkpoints, and its number.</summary>
    public UInt128 Writer { get; set; }
    public uint Epoch { get; set; }

    /// <summary>Entry of the newest checkpoint; -1 if there is none.</summary>
    public int Newest
    {
        get
        {
            int newest = -1;
            for (int i = 0; i < Count; i++) if (!_entries[i].IsNamed) newest = i;
            return newest;
        }
    }

    public void Clear()
    {
        Count = 0;
        History = 0;
        Writer = 0;
        Epoch = 0;
    }

    /// <summary>Entry of a snapshot; -1 if there is none of this name.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < Count; i++) if (_entries[i].Name.Bytes.SequenceEqual(name)) return i;
        return -1;
    }

    /// <summary>The newest entry made after this operation; -1 if there is none.</summary>
    public int FindOp(ulong op)
    {
        int found = -1;
        for (int i = 0; i < Count; i++)
            if (_entries[i].Op == op && (found < 0 || _entries[i].Sequence > _entries[found].Sequence)) found = i;
        return found;
    }

    public bool HasSequence(ulong sequence)
    {
        for (int i = 0; i < Count; i++) if (_entries[i].Sequence == sequence) return true;
        return false;
    }

    /// <summary>False if there is no room.</summary>
    public bool TryAdd(in CatalogEntry entry)
    {
        Check.That(entry.Sequence > 0 && entry.Op > 0);
        if (Count == EntriesMax) return false;
        _entries[Count++] = entry;
        return true;
    }

    public void Remove(int entry)
    {
        Check.That(entry >= 0 && entry < Count);
        for (int i = entry; i + 1 < Count; i++) _entries[i] = _entries[i + 1];
        Count--;
    }

    /// <summary>Lets go of all checkpoints without a name but the newest so many.</summary>
    public void Prune(int keep)
    {
        Check.That(keep > 0);
        int unnamed = 0;
        for (int i = 0; i < Count; i++) unnamed += _entries[i].IsNamed ? 0 : 1;
        for (int i = 0; unnamed > keep;)
        {
            if (_entries[i].IsNamed)
            {
                i++;
                continue;
            }
            Remove(i);
            unnamed--;
        }
    }

    public int Write(Span<byte> bytes, UInt128 cluster)
    {
        WireWriter writer = new(bytes);
        writer.U64(Magic);
        writer.U32(Version);
        writer.U32((uint)Count);
        writer.U128(cluster);
        writer.U128(History);
        writer.U128(Writer);
        writer.U32(Epoch);
        writer.U32(0);
        Check.That(writer.Position == HeadSize);
        for (int i = 0; i < Count; i++) WriteEntry(ref writer, in _entries[i]);
        writer.U128(Checksum.Of(writer.Written));
        Check.That(!writer.Overflowed);
        return writer.Position;
    }

    /// <summary>The cluster that untrusted bytes say they are of, for who does not know it; 0 if they are too
    /// few.</summary>
    public static UInt128 ClusterOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeadSize) return 0;
        WireReader reader = new(bytes[16..]);
        return reader.U128();
    }

    /// <summary>Takes untrusted bytes; the catalog is empty unless they are right.</summary>
    public ContentProblem Read(ReadOnlySpan<byte> bytes, UInt128 cluster)
    {
        Clear();
        ContentProblem problem = ReadAll(bytes, cluster);
        if (problem != ContentProblem.None) Clear();
        return problem;
    }

    private ContentProblem ReadAll(ReadOnlySpan<byte> bytes, UInt128 cluster)
    {
        if (bytes.Length < HeadSize + ChecksumSize) return ContentProblem.WrongSize;
        WireReader reader = new(bytes);
        if (reader.U64() != Magic) return ContentProblem.WrongMagic;
        if (reader.U32() != Version) return ContentProblem.WrongVersion;
        WireReader tail = new(bytes[^ChecksumSize..]);
        if (tail.U128() != Checksum.Of(bytes[..^ChecksumSize])) return ContentProblem.WrongChecksum;
        uint count = reader.U32();
        if (reader.U128() != cluster) return ContentProblem.WrongCluster;
        if (count > EntriesMax) return ContentProblem.TooLarge;
        History = reader.U128();
        Writer = reader.U128();
        Epoch = reader.U32();
        if (reader.U32() != 0) return ContentProblem.WrongField;
        ulong last = 0;
        for (int i = 0; i < (int)count; i++)
        {
            if (!ReadEntry(ref reader, out CatalogEntry entry)) return ContentProblem.WrongField;
            if (!entry.IsNamed && entry.Sequence <= last) return ContentProblem.WrongField;
            if (entry.IsNamed && Find(entry.Name.Bytes) >= 0) return ContentProblem.WrongField;
            if (!entry.IsNamed) last = entry.Sequence;
            _entries[Count++] = entry;
        }
        return reader.Remaining == ChecksumSize ? ContentProblem.None : ContentProblem.WrongSize;
    }

    private static void WriteEntry(ref WireWriter writer, in CatalogEntry entry)
    {
        int start = writer.Position;
        writer.U64(entry.Sequence);
        writer.U64(entry.Op);
        writer.U128(entry.CheckpointId);
        writer.U128(entry.ManifestChecksum);
        writer.U32((uint)entry.ManifestSize);
        writer.U32((uint)entry.Packs);
        writer.I64(entry.LiveBlocks);
        writer.I64(entry.LiveBytes);
        writer.I64(entry.PackBytes);
        writer.Name(entry.Name.Bytes);
        Check.That(writer.Overflowed || writer.Position - start == EntrySize + entry.Name.Bytes.Length);
    }

    private static bool ReadEntry(ref WireReader reader, out CatalogEntry entry)
    {
        entry = new CatalogEntry
        {
            Sequence = reader.U64(),
            Op = reader.U64(),
            CheckpointId = reader.U128(),
            ManifestChecksum = reader.U128(),
            ManifestSize = unchecked((int)reader.U32()),
            Packs = unchecked((int)reader.U32()),
            LiveBlocks = reader.I64(),
            LiveBytes = reader.I64(),
            PackBytes = reader.I64(),
        };
        ReadOnlySpan<byte> name = reader.Name();
        if (reader.Failed || entry.Sequence == 0 || entry.Op == 0) return false;
        if (entry.ManifestSize < Manifest.HeadSize || entry.Packs < 0) return false;
        if (entry.LiveBlocks < 0 || entry.LiveBytes < 0 || entry.PackBytes < 0) return false;
        if (name.IsEmpty) return true;
        if (!CatalogEntry.IsName(name)) return false;
        entry = entry with { Name = new ObjectKey(name) };
        return true;
    }
}
