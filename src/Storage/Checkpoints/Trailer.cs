using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Checkpoints;

/// <summary>A string of bytes that every checkpoint holds, in pages of one block each. A page that is as it was at the
/// checkpoint before keeps its block, so a checkpoint costs what has changed.</summary>
internal sealed class Trailer
{
    private readonly Grid _grid;
    private readonly NativeBuffer _bytes;
    private readonly BlockReference[] _pages;
    private readonly UInt128[] _contents;
    private readonly ulong[] _addresses;
    private int _page;

    public Trailer(StaticMemory memory, Grid grid, int sizeMax)
    {
        Check.That(sizeMax > 0);
        _grid = grid;
        _bytes = memory.Take(sizeMax);
        _pages = new BlockReference[PagesOf(sizeMax)];
        _contents = new UInt128[_pages.Length];
        _addresses = new ulong[_pages.Length];
    }

    /// <summary>Bytes in use.</summary>
    public int Size { get; private set; }

    public int Pages { get; private set; }

    /// <summary>Bytes of all pages written since construction.</summary>
    public long BytesWritten { get; private set; }

    public int PagesMax => _pages.Length;

    public ReadOnlySpan<byte> Bytes => _bytes.Slice(0, Size);

    /// <summary>All room, to be filled before <see cref="Start"/>.</summary>
    public Span<byte> Room => _bytes.Span;

    public BlockReference this[int page] => _pages[page];

    /// <summary>Bytes of the references of all pages.</summary>
    public int ReferencesSize => 8 + Pages * BlockReference.Size;

    /// <summary>The first <paramref name="size"/> bytes of the room are what the next checkpoint holds.</summary>
    public void Start(int size)
    {
        Check.That(size >= 0 && size <= _bytes.Length);
        Size = size;
        _page = 0;
    }

    /// <summary>Writes the pages that have changed; false: no frame can be had, call again after a
    /// completion.</summary>
    public bool TryWrite(ulong op)
    {
        int pages = PagesOf(Size);
        for (; _page < pages; _page++)
        {
            ReadOnlySpan<byte> content = PageBytes(_page);
            UInt128 checksum = Checksum.Of(content);
            bool kept = _page < Pages && !_pages[_page].IsNone && _contents[_page] == checksum;
            if (!kept && !TryWritePage(content, checksum, op)) return false;
        }
        for (; Pages > pages; Pages--) Release(Pages - 1);
        Pages = pages;
        return true;
    }

    /// <summary>Lets go of all blocks and acquires new ones before the content is known: for what changes by acquiring
    /// blocks.</summary>
    public void AcquireAnew(int size)
    {
        for (int page = 0; page < Pages; page++) Release(page);
        Pages = 0;
        for (int page = 0; page < PagesOf(size); page++) _addresses[page] = Acquire();
    }

    /// <summary>Writes size u32, pages u32 and the references.</summary>
    public void WriteReferences(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Size);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], Pages);
        for (int page = 0; page < Pages; page++) _pages[page].WriteTo(bytes[(8 + page * BlockReference.Size)..]);
    }

    /// <summary>Takes references of a checkpoint and the number of their bytes; false if they cannot be such. Where
    /// they point is for the caller to judge.</summary>
    public bool ReadReferences(ReadOnlySpan<byte> bytes, out int taken)
    {
        taken = 0;
        if (bytes.Length < 8) return false;
        int size = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        int pages = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        if (size < 0 || size > _bytes.Length || pages != PagesOf(size)) return false;
        if (bytes.Length < 8 + pages * BlockReference.Size) return false;
        Size = size;
        Pages = pages;
        for (int page = 0; page < pages; page++)
            _pages[page] = BlockReference.Read(bytes[(8 + page * BlockReference.Size)..]);
        _page = 0;
        taken = ReferencesSize;
        return true;
    }

    /// <summary>Reads the pages; false: not yet, or <see cref="ReadFailed"/>.</summary>
    public bool TryRead()
    {
        for (; _page < Pages; _page++)
        {
            for (int ahead = _page; ahead < Pages && ahead < _page + 8; ahead++) _grid.Request(in _pages[ahead]);
            if (!_grid.TryGet(in _pages[_page], out ReadOnlySpan<byte> body)) return false;
            Span<byte> place = _bytes.Slice(_page * _grid.BodySizeMax, PageSize(_page));
            ReadFailed |= body.Length != place.Length || _grid.KindOf(in _pages[_page]) != BlockKind.Trailer;
            if (ReadFailed) return false;
            body.CopyTo(place);
            _contents[_page] = Checksum.Of(place);
            _grid.NextEra();
        }
        return true;
    }

    /// <summary>A page was none, or not of its size.</summary>
    public bool ReadFailed { get; private set; }

    private bool TryWritePage(ReadOnlySpan<byte> content, UInt128 checksum, ulong op)
    {
        int frame = _grid.TryBuild();
        if (frame < 0) return false;
        if (_page < Pages) Release(_page);
        ulong address = _addresses[_page] != 0 ? _addresses[_page] : Acquire();
        _addresses[_page] = 0;
        content.CopyTo(_grid.Body(frame));
        _pages[_page] = _grid.Finish(frame, address, BlockKind.Trailer, op, content.Length);
        _contents[_page] = checksum;
        BytesWritten += Grid.SizeOnDisk(content.Length);
        return true;
    }

    private ulong Acquire()
    {
        bool reserved = _grid.Free.TryReserve(1);
        Check.That(reserved, "the grid has no room for a checkpoint");
        return _grid.Free.Acquire();
    }

    private void Release(int page)
    {
        _grid.Free.Release(_pages[page].Address);
        _pages[page] = default;
    }

    private int PagesOf(int size) => (size + _grid.BodySizeMax - 1) / _grid.BodySizeMax;

    private int PageSize(int page) =>
        Size - page * _grid.BodySizeMax < _grid.BodySizeMax ? Size - page * _grid.BodySizeMax : _grid.BodySizeMax;

    private ReadOnlySpan<byte> PageBytes(int page) => _bytes.Slice(page * _grid.BodySizeMax, PageSize(page));
}
