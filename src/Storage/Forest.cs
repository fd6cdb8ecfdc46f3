using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Compactions;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Memory;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage;

/// <summary>A fixed set of ordered trees over a grid of blocks. New entries gather in a memtable; full memtables become
/// sorted tables, and tables are merged level by level. The trees share memtables, levels and tables: in a table each
/// key begins with the number of its tree. Everything is taken from static memory at construction.</summary>
public sealed partial class Forest
{
    /// <summary>What an entry counts in <see cref="SizeBytes"/> beside its key and value.</summary>
    public const int EntryOverheadSize = Memtable.EntryOverheadSize;

    /// <summary>Cursors in use at the same time, at most.</summary>
    private const int CursorsMax = 32;

    private const int ScanRoundsMax = 1 << 16;

    /// <summary>Keys handed out by floor searches that stay as they are.</summary>
    private const int KeptKeysMax = 64;

    private readonly StaticMemory _memory;
    private readonly ForestOptions _options;
    private readonly Tree[] _trees;
    private readonly Memtable[] _memtables;
    private readonly TableStore _store;
    private readonly Compactor _compactor;
    private readonly MergeCursor[] _cursors = new MergeCursor[CursorsMax];
    private readonly WalkCounts _walks = new();
    private readonly byte[] _keptKeys = new byte[KeptKeysMax * Tree.KeySizeMax];
    private int _nextCursor;
    private int _nextKeptKey;
    private ulong _prefetchOp;
    private ulong _compactOp;
    private bool _touchedAll = true;
    private bool _opened;

    public Forest(StaticMemory memory, ForestOptions options)
    {
        Check.That(options.TreeCount > 0 && options.TreeCount < byte.MaxValue);
        Check.That(options.StateSizeMax > 0 && options.MemtableSize > 0 && options.OvershootSizeMax > 0);
        _memory = memory;
        _options = options;
        Grid = new Grid(memory, options.Grid);
        _met = new BlockSet(memory, options.Grid.Blocks);
        _store = new TableStore(memory, (int)(options.Grid.Blocks / 2), Grid.BodySizeMax);
        Levels = new LevelSet(memory, _store);
        Lookup = new Lookup(Grid, _store, Levels);
        Ranges = new RangeTouch(Grid, _store, Levels);
        long room = options.MemtableSize + options.OvershootSizeMax;
        _memtables = [new(memory, options.TreeCount, room), new(memory, options.TreeCount, room)];
        _compactor = new Compactor(memory, Grid, _store, Levels, _memtables, options.MemtableSize, this);
        Plant = options.Plant;
        _trees = new Tree[options.TreeCount];
        for (int i = 0; i < _trees.Length; i++) _trees[i] = new Tree(this, i);
        for (int i = 0; i < _cursors.Length; i++) _cursors[i] = new MergeCursor(_memory, Grid, _store, _walks);
        Floor = new MergeCursor(_memory, Grid, _store, _walks);
        _tablesTrailer = new Trailer(memory, Grid, _store.TablesMax * TableRecord.Size);
        _mergeTrailer = new Trailer(memory, Grid, _compactor.Merge.StateSizeMax);
        _sessionsTrailer = new Trailer(memory, Grid, options.SessionsSizeMax);
        _freeTrailer = new Trailer(memory, Grid, Grid.Free.SizeBytes);
        _trailers = [_tablesTrailer, _mergeTrailer, _sessionsTrailer, _freeTrailer];
        Scrubber = new Scrubber(memory, options.Grid, Grid, _store, _trailers, options.ScrubTicks);
        long references = 0;
        foreach (Trailer trailer in _trailers) references += 8 + (long)trailer.PagesMax * BlockReference.Size;
        references += RootHeadSize + sizeof(long) * options.TreeCount;
        Check.That(references <= Grid.BodySizeMax, "the root has to name every page");
    }

    public Tree this[int tree] => _trees[tree];

    public int TreeCount => _trees.Length;

    public Grid Grid { get; }

    /// <summary>Looks for rot; it reads on as time goes on, see <see cref="Tick"/>.</summary>
    public Scrubber Scrubber { get; }

    /// <summary>Blocks that others are asked for; null if there is nobody to ask.</summary>
    public BlockRepairs? Repairs { get; private set; }

    /// <summary>Sum over all entries of key, value and <see cref="EntryOverheadSize"/>: a function of the contents
    /// alone.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>The size past which the state machine refuses writes.</summary>
    public long SizeBytesMax => _options.StateSizeMax;

    /// <summary>Set, it judges every access to the trees. For tests, the simulator and fuzzing.</summary>
    public TouchGuard? Guard { get; set; }

    /// <summary>The grid has no room for the memtables; nothing more can be made durable.</summary>
    public bool GridFull => _compactor.GridFull;

    internal Memtable Active => _memtables[0];

    internal Memtable? Flushing => _compactor.Flushing;

    internal LevelSet Levels { get; }

    internal TableStore Tables => _store;

    internal Lookup Lookup { get; }

    internal RangeTouch Ranges { get; }

    /// <summary>For searches that end at once.</summary>
    internal MergeCursor Floor { get; }

    /// <summary>Whether the grid surely has room for the memtables and for an operation that adds
    /// <paramref name="size"/>, so that a write may be taken.</summary>
    public bool HasRoom(long size)
    {
        long held = Active.SizeBytes + (Flushing?.SizeBytes ?? 0) + size;
        return Grid.Free.FreeCount >= Flush.BlocksMax(held, Grid.BodySizeMax) + TrailerBlocksMax;
    }

    /// <summary>From now on damaged blocks are waited for: somebody gets them from other replicas.</summary>
    public void AwaitRepairs() => Repairs ??= new BlockRepairs(this);

    /// <summary>Makes room for a long-lived cursor, at construction.</summary>
    public CursorSlot NewCursor() => new(new MergeCursor(_memory, Grid, _store, _walks));

    /// <summary>Starts to gather what one operation needs. Asked again for the same operation after reads have
    /// completed, it gathers further.</summary>
    public void PrefetchStart(ulong op)
    {
        Check.That(op > 0);
        if (op != _prefetchOp) Grid.NextEra();
        _prefetchOp = op;
        Moment++;
        _touchedAll = true;
        Guard?.Start(op);
    }

    /// <summary>Nothing has left memory since the forest was empty, so that nothing has to be asked for.</summary>
    internal bool IsComplete => !_opened && Grid.Evictions == 0 && !Grid.HasLargeValues;

    /// <summary>Whether what an operation has touched so far is still being read, so that touching again would lead no
    /// further.</summary>
    public bool IsReading(ulong op) => op == _prefetchOp && !Grid.ReadsIdle;

    /// <summary>Whether everything touched since the start is in memory.</summary>
    public bool IsAllResident => _touchedAll;

    /// <summary>The cache was too small for what was touched, and is larger now: touch again.</summary>
    public bool TryLift() => !_touchedAll && Grid.TryLift();

    /// <summary>True once everything touched since the start is in memory; it stays there until the next start for
    /// another operation. False: reads are under way.</summary>
    public bool PrefetchEnd()
    {
        Moment++;
        return (Guard?.EndRound() ?? true) && _touchedAll;
    }

    /// <summary>Another one as soon as what lies under the active memtables, or where it lies in memory, may have
    /// changed: when an operation begins to ask for what it needs, when it has all of it, with every completion and
    /// with maintenance and checkpoints, in which nobody searches.</summary>
    internal ulong Moment { get; private set; } = 1;

    /// <summary>The share of maintenance that follows an operation; false: call again after a completion.</summary>
    public bool TryCompact(ulong op)
    {
        Check.That(op > 0);
        if (_compactOp != op) Grid.NextEra();
        _compactOp = op;
        Moment++;
        Grid.Scanning = true;
        bool done = _compactor.TryBeat(op);
        // What fills the cache are blocks that this very work has passed already.
        for (int i = 0; !done && Grid.IsStuck && i < ScanRoundsMax; i++)
        {
            Grid.IsTight = i > 0;
            Grid.NextEra();
            done = _compactor.TryBeat(op);
        }
        Grid.IsTight = false;
        Check.That(done || !Grid.IsStuck, "the block cache is too small to merge");
        Grid.Scanning = false;
        return done;
    }

    /// <summary>Why the forest cannot go on, or None.</summary>
    public StateProblem Problem
    {
        get
        {
            if (Grid.WriteFailed) return StateProblem.WriteFailed;
            if (Grid.HasLostBlock) return StateProblem.BlockCorrupt;
            if (_step == CheckpointStep.Empty && GridFull) return StateProblem.GridFull;
            return !_touchedAll && Grid.IsStuck ? StateProblem.CacheTooSmall : StateProblem.None;
        }
    }

    public void OnCompletion(uint token, IoResult result)
    {
        Moment++;
        if ((token & Scrubber.ScrubBit) != 0) Scrubber.OnCompletion(in _root, result);
        else Grid.OnCompletion(token, result);
    }

    /// <summary>Time goes on. Decides nothing about the state.</summary>
    public void Tick()
    {
        if (_openStep == OpenStep.Done) Scrubber.Tick(in _root);
    }

    /// <summary>Forgets all entries of a forest that never wrote a block.</summary>
    public void Clear()
    {
        Check.That(_store.Count == 0 && Grid.Free.AcquiredCount == 0);
        Active.Clear();
        Moment++;
        SizeBytes = 0;
        foreach (Tree tree in _trees) tree.Count = 0;
    }

    /// <summary>Checks every invariant of the memtables. Slow: for tests and the simulator.</summary>
    public void Verify()
    {
        foreach (Memtable memtable in _memtables) memtable.Verify();
    }

    internal void OnFlush()
    {
        foreach (Tree tree in _trees) tree.OnFlush();
    }

    internal bool Note(bool resident)
    {
        _touchedAll &= resident;
        return resident;
    }

    internal void Account(long size)
    {
        SizeBytes += size;
        Check.That(SizeBytes >= 0);
    }

    internal MergeCursor TakeCursor()
    {
        MergeCursor cursor = _cursors[_nextCursor];
        _nextCursor = (_nextCursor + 1) % CursorsMax;
        cursor.Generation++;
        return cursor;
    }

    internal ReadOnlySpan<byte> KeepKey(ReadOnlySpan<byte> key)
    {
        Span<byte> kept = _keptKeys.AsSpan(_nextKeptKey * Tree.KeySizeMax, key.Length);
        _nextKeptKey = (_nextKeptKey + 1) % KeptKeysMax;
        key.CopyTo(kept);
        return kept;
    }
}
