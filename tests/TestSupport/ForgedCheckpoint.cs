using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.TestSupport;

/// <summary>A checkpoint in memory that can be made to say anything, with right checksums all the way up: each block is
/// known with the place of the reference to it. The layout is that of <c>docs/storage.md</c>.</summary>
public sealed class ForgedCheckpoint
{
    private const int RootHeadSize = 64;
    private const int RecordSize = 64;
    private const int ItemSize = 40;
    private const int IndexHeadSize = 16;
    private const int AddressSize = 8;

    private readonly byte[] _grid;
    private readonly int _blockSize;
    private readonly List<Place> _places = [];
    private readonly SortedDictionary<int, byte[]> _originals = [];

    /// <param name="grid">All blocks of a grid.</param>
    /// <param name="blockSize">Bytes of each.</param>
    /// <param name="root">The checkpoint, as it was written.</param>
    /// <param name="treeCount">Trees of the forest.</param>
    public ForgedCheckpoint(byte[] grid, int blockSize, BlockReference root, int treeCount)
    {
        _grid = grid;
        _blockSize = blockSize;
        _places.Add(new Place(root.Address, Parent: -1, ChecksumAt: 0));
        int at = RootHeadSize + sizeof(long) * treeCount;
        List<int> tables = [];
        for (int trailer = 0; trailer < 4; trailer++)
        {
            int pages = BinaryPrimitives.ReadInt32LittleEndian(BodyOf(0)[(at + 4)..]);
            at += 8;
            for (int page = 0; page < pages; page++, at += BlockReference.Size)
            {
                if (trailer == 0) tables.Add(_places.Count);
                _places.Add(new Place(AddressAt(0, at), Parent: 0, at + AddressSize));
            }
        }
        foreach (int page in tables)
            for (int record = 0; record < SizeOf(page); record += RecordSize)
                if (AddressAt(page, record + 16) != 0) AddTable(page, record);
    }

    /// <summary>Blocks: the root first, each behind the one that refers to it.</summary>
    public int Count => _places.Count;

    public BlockReference Root => new(_places[0].Address, HeaderOf(0).Checksum);

    public BlockKind KindOf(int block) => HeaderOf(block).Block.Kind;

    /// <summary>All room for the body of a block, to be changed.</summary>
    public Span<byte> Body(int block) => Changed(block)[Limits.HeaderSize..];

    /// <summary>Bytes of the body in use.</summary>
    public int SizeOf(int block) => (int)HeaderOf(block).Size - Limits.HeaderSize;

    public void Resize(int block, int size) => Header.At(Changed(block)).Size = (uint)(Limits.HeaderSize + size);

    public void SetKind(int block, BlockKind kind) => Header.At(Changed(block)).Block.Kind = kind;

    /// <summary>Undoes all changes.</summary>
    public void Restore()
    {
        foreach ((int block, byte[] original) in _originals) original.CopyTo(Bytes(block));
        _originals.Clear();
    }

    /// <summary>Makes the checksums right again after a change of a block, from it up to the root.</summary>
    public void Seal(int block)
    {
        for (int at = block; at >= 0; at = _places[at].Parent)
        {
            ref Header header = ref Header.At(Changed(at));
            header.SetChecksumBody(Body(at)[..SizeOf(at)]);
            header.SetChecksum();
            if (at == 0) return;
            Span<byte> place = Body(_places[at].Parent)[_places[at].ChecksumAt..];
            BinaryPrimitives.WriteUInt128LittleEndian(place, header.Checksum);
        }
    }

    private void AddTable(int page, int record)
    {
        int index = _places.Count;
        _places.Add(new Place(AddressAt(page, record + 16), page, record));
        ReadOnlySpan<byte> head = BodyOf(index);
        int items = BinaryPrimitives.ReadInt32LittleEndian(head) + BinaryPrimitives.ReadInt32LittleEndian(head[12..]);
        for (int at = IndexHeadSize; items > 0; items--, at += ItemSize)
            _places.Add(new Place(AddressAt(index, at), index, at + AddressSize));
    }

    private ulong AddressAt(int block, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(BodyOf(block)[offset..]);

    private Header HeaderOf(int block) => Header.Read(Bytes(block));

    private ReadOnlySpan<byte> BodyOf(int block) => Bytes(block)[Limits.HeaderSize..];

    private Span<byte> Changed(int block)
    {
        if (!_originals.ContainsKey(block)) _originals.Add(block, Bytes(block).ToArray());
        return Bytes(block);
    }

    private Span<byte> Bytes(int block) =>
        _grid.AsSpan((int)(_places[block].Address - 1) * _blockSize, _blockSize);

    /// <param name="Address">Where the block is.</param>
    /// <param name="Parent">The block that refers to it.</param>
    /// <param name="ChecksumAt">Where in that one's body its checksum is.</param>
    private readonly record struct Place(ulong Address, int Parent, int ChecksumAt);
}
