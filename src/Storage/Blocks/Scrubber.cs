using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Blocks;

/// <summary>Reads every block that the state refers to, one after the other and slowly, so that rot is found while
/// there is somebody to repair it from. It has a buffer of its own and one read in flight, and changes nothing. A cycle
/// passes the tables, beginning with another one each time, then the pages of the trailers and the root; tables made
/// meanwhile may wait for the next cycle.</summary>
public sealed class Scrubber
{
    /// <summary>Set in the tokens of its reads, beside <see cref="Grid.TokenBit"/>.</summary>
    public const uint ScrubBit = 1u << 29;
    private const int ReadAttemptsMax = 3;
    private const int FoundMax = 64;

    private readonly Grid _grid;
    private readonly TableStore _tables;
    private readonly Trailer[] _trailers;
    private readonly IDisk _disk;
    private readonly NativeBuffer _buffer;
    private readonly BlockReference[] _found = new BlockReference[FoundMax];
    private readonly uint _ticksPerBlock;
    private uint _ticks;
    private int _foundCount;
    private int _attempts;
    private bool _reading;
    private bool _restart = true;
    private long _rotBefore;
    private BlockReference _root;
    private BlockReference _table;
    private ScrubPlace _place;

    /// <summary>Where in the state a block was when its read began.</summary>
    private struct ScrubPlace
    {
        /// <summary>Tables passed since the cycle began; then their number and more.</summary>
        public int Tables;
        public int Slot;

        /// <summary>0 is the index, i + 1 the item i of a table; a page of a trailer.</summary>
        public int Item;
        public int Trailer;
        public BlockReference Block;
    }

    internal Scrubber(
        StaticMemory memory, GridOptions options, Grid grid, TableStore tables, Trailer[] trailers, uint ticksPerBlock)
    {
        Check.That(ticksPerBlock > 0);
        _grid = grid;
        _tables = tables;
        _trailers = trailers;
        _disk = options.Disk;
        _ticksPerBlock = ticksPerBlock;
        _buffer = memory.Take(options.BlockSize, Limits.SectorSize);
    }

    /// <summary>Times that all blocks have been passed.</summary>
    public long Cycles { get; private set; }

    /// <summary>Cycles in which nothing was found.</summary>
    public long CyclesClean { get; private set; }

    /// <summary>Reads without pause as long as somebody takes what is found.</summary>
    public bool Hurries { get; set; }

    /// <summary>Blocks that were read and are what they should be.</summary>
    public long BlocksVerified { get; private set; }

    /// <summary>Blocks that are not, counted again in each cycle until they are repaired.</summary>
    public long RotFound { get; private set; }

    /// <summary>The first of them; 0 if there was none.</summary>
    public ulong FirstRotAddress { get; private set; }

    /// <summary>Takes one reference to a damaged block that has been found, the oldest first.</summary>
    public bool TryTakeRot(out BlockReference block)
    {
        block = default;
        if (_foundCount == 0) return false;
        block = _found[0];
        _found.AsSpan(1, --_foundCount).CopyTo(_found);
        return true;
    }

    /// <summary>Time goes on; now and then the next block is asked for.</summary>
    /// <param name="root">The block that names the state.</param>
    internal void Tick(in BlockReference root)
    {
        bool due = Hurries ? _foundCount < FoundMax : ++_ticks >= _ticksPerBlock;
        if (!due || _reading) return;
        _ticks = 0;
        _root = root;
        ReadNext();
    }

    private void ReadNext()
    {
        if (!TryNext()) return;
        _attempts = 1;
        Read();
    }

    internal void OnCompletion(in BlockReference root, IoResult result)
    {
        Check.That(_reading);
        _reading = false;
        _root = root;
        BlockReference block = _place.Block;
        bool sound = result == IoResult.Ok && _grid.IsSound(_buffer.Span, in block);
        if (sound) BlocksVerified++;
        // A block that was let go may have been overwritten, and one being repaired is not there yet.
        else if (IsReachable() && !_grid.IsWriting(in block))
        {
            if (_attempts++ < ReadAttemptsMax)
            {
                Read();
                return;
            }
            NoteRot(in block);
        }
        if (Hurries && !_restart && _foundCount < FoundMax) ReadNext();
    }

    private void NoteRot(in BlockReference block)
    {
        RotFound++;
        if (FirstRotAddress == 0) FirstRotAddress = block.Address;
        for (int i = 0; i < _foundCount; i++) if (_found[i].Is(in block)) return;
        if (_foundCount < FoundMax) _found[_foundCount++] = block;
    }

    private void Read()
    {
        Check.That(!_reading);
        _reading = true;
        _disk.Read(Grid.TokenBit | ScrubBit, _grid.OffsetOf(_place.Block.Address), _buffer);
    }

    /// <summary>Moves to the next block that is on disk; false at the end of a cycle.</summary>
    private bool TryNext()
    {
        if (_restart) Start();
        while (TryNextTableBlock() || TryNextPage())
            if (!_place.Block.IsNone && !_grid.IsWriting(in _place.Block)) return true;
        _restart = true;
        bool last = !_root.IsNone && !_grid.IsWriting(in _root);
        _place.Block = _root;
        Cycles++;
        if (RotFound == _rotBefore) CyclesClean++;
        return last;
    }

    /// <summary>The first table differs from cycle to cycle and after each restart, so that a replica that is often
    /// restarted reads all of them too.</summary>
    private void Start()
    {
        _restart = false;
        _rotBefore = RotFound;
        _place = default;
        int slots = _tables.SlotsUsed;
        ulong start = unchecked((ulong)_root.Checksum + (ulong)Cycles * 0x9E37_79B9_7F4A_7C15);
        _place.Slot = slots == 0 ? 0 : (int)(start % (ulong)slots);
        _table = default;
    }

    private bool TryNextTableBlock()
    {
        for (; _place.Tables < _tables.SlotsUsed; NextTable())
        {
            if (_place.Slot >= _tables.SlotsUsed) _place.Slot = 0;
            if (_tables[_place.Slot].State == TableState.Free) continue;
            BlockReference index = _tables[_place.Slot].Index;
            if (_place.Item == 0) _table = index;
            // Another table has taken the slot: it is younger than this cycle.
            if (!index.Is(in _table) || _place.Item > _tables.Index(_place.Slot).Blocks) continue;
            _place.Block = _place.Item == 0 ? index : _tables.Index(_place.Slot).Reference(_place.Item - 1);
            _place.Item++;
            return true;
        }
        return false;
    }

    private void NextTable()
    {
        _place.Tables++;
        _place.Slot++;
        _place.Item = 0;
    }

    private bool TryNextPage()
    {
        if (_place.Tables < int.MaxValue) _place.Item = 0;
        _place.Tables = int.MaxValue;
        for (; _place.Trailer < _trailers.Length; _place.Trailer++, _place.Item = 0)
        {
            if (_place.Item >= _trailers[_place.Trailer].Pages) continue;
            _place.Block = _trailers[_place.Trailer][_place.Item++];
            return true;
        }
        return false;
    }

    /// <summary>Whether the state still refers to the block that was read.</summary>
    private bool IsReachable()
    {
        if (_restart) return _place.Block.Is(in _root);
        if (_place.Tables < int.MaxValue)
            return _tables[_place.Slot].State != TableState.Free && _tables[_place.Slot].Index.Is(in _table);
        Trailer trailer = _trailers[_place.Trailer];
        return _place.Item <= trailer.Pages && trailer[_place.Item - 1].Is(in _place.Block);
    }
}
