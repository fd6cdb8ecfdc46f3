using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.TestSupport;

/// <summary>A small state machine whose whole state is one value in a forest.</summary>
public abstract class ForestMachine : IStateMachine
{
    private static readonly byte[] Key = [1];
    private readonly Forest _forest;
    private readonly byte[] _state;

    protected ForestMachine(
        StaticMemory memory, Configuration configuration, IDisk disk, UInt128 cluster, long gridOffset, int stateSize)
    {
        _state = new byte[stateSize];
        _forest = new Forest(memory, new ForestOptions
        {
            TreeCount = 1,
            StateSizeMax = configuration.StateSizeMax,
            MemtableSize = configuration.MemtableSize,
            OvershootSizeMax = 1 << 20,
            SessionsSizeMax = configuration.MessageBodySizeMax,
            Grid = new GridOptions
            {
                Disk = disk,
                Cluster = cluster,
                Offset = gridOffset,
                BlockSize = configuration.BlockSize,
                Blocks = configuration.GridBlocks,
                CacheFrames = Grid.FramesMin(configuration.BlockSize),
            },
        });
    }

    public ReadOnlySpan<byte> OpenedSessions => _forest.Sessions;

    public StateProblem Problem => _forest.Problem;

    /// <summary>What is run now behaves as in this release.</summary>
    protected uint Release { get; private set; }

    public void Enter(uint release)
    {
        Check.That(release > Release);
        Release = release;
    }

    public abstract bool Accepts(Operation operation, ReadOnlySpan<byte> body);

    public virtual bool Shares(Operation operation, ReadOnlySpan<byte> body) => false;

    public virtual bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body) => TryFetch(context.Op);

    public virtual bool Reads(Operation operation, ReadOnlySpan<byte> body) => false;

    public virtual bool PrefetchRead(in OperationContext context, ReadOnlySpan<byte> body) => true;

    public virtual int Read(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply) => 0;

    public int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        int size = Run(context, body, reply);
        Save(_state);
        _forest[0].Put(Key, _state);
        return size;
    }

    public bool Maintain(ulong op) => _forest.TryCompact(op);

    public void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions) => _forest.CheckpointStart(op, sessions);

    public virtual bool CheckpointAdvance(out BlockReference root) => _forest.TryCheckpoint(out root);

    public void CheckpointDurable() => _forest.CheckpointDurable();

    public void OpenStart(in BlockReference root) => _forest.OpenStart(in root);

    public virtual OpenResult OpenAdvance()
    {
        OpenResult result = _forest.OpenAdvance();
        if (result != OpenResult.Opened) return result;
        if (!TryFetch(ulong.MaxValue)) return OpenResult.Waiting;
        if (_forest[0].TryGet(Key, out ReadOnlySpan<byte> state)) Load(state);
        return OpenResult.Opened;
    }

    public void AwaitRepairs() => _forest.AwaitRepairs();

    public int MissingBlocks(Span<BlockReference> blocks) => _forest.Repairs!.List(blocks);

    public RepairResult Repair(in BlockReference block, ReadOnlySpan<byte> bytes) =>
        _forest.Repairs!.Take(in block, bytes);

    public void VerifyAll() => _forest.Scrubber.Hurries = true;

    public bool AllVerified => _forest.Scrubber.CyclesClean > 0;

    public void Tick() => _forest.Tick();

    public void OnCompletion(uint token, IoResult result)
    {
        if (token != uint.MaxValue) _forest.OnCompletion(token, result);
    }

    protected abstract int Run(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply);

    protected abstract void Save(Span<byte> state);

    protected abstract void Load(ReadOnlySpan<byte> state);

    private bool TryFetch(ulong op)
    {
        _forest.PrefetchStart(op);
        _forest[0].Touch(Key);
        return _forest.PrefetchEnd();
    }
}
