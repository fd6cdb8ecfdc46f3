using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>What a replica keeps in an object store: brings its checkpoints there, and repairs blocks of its disk that
/// turn out to be damaged. Those come from the cache, or out of the newest checkpoint in the store. A read that an
/// operation waits for goes on once its block is repaired; only if the store does not have the block either is it lost.
/// In a cluster the other replicas repair blocks, and the archive only keeps checkpoints.
/// Its owner passes completions of the store and of the uploader's reads, and time.</summary>
public sealed class CheckpointArchive : ICheckpointObserver
{
    /// <summary>Rounds through the store for one block: what was being removed meanwhile is elsewhere next
    /// time.</summary>
    private const int FetchesMax = 3;

    /// <summary>Times that one block is repaired before its place on the disk is held to be broken.</summary>
    private const int RepairsMax = 3;

    private enum RepairStep : byte
    {
        Idle,
        Fetching,
        Writing,
    }

    private readonly Forest _forest;
    private readonly BlockFetcher _fetcher;
    private RepairStep _step;
    private BlockReference _block;
    private int _fetches;
    private int _repairs;

    public CheckpointArchive(StaticMemory memory, UploaderOptions options, Forest forest)
    {
        Check.That(options.Shape.Blocks == forest.Grid.Free.Blocks);
        Check.That(options.Shape.BlockSize == forest.Grid.BlockSize);
        _forest = forest;
        Uploader = new CheckpointUploader(memory, options);
        _fetcher = new BlockFetcher(memory, new RestorerOptions
        {
            Store = options.Store,
            Prefix = options.Prefix,
            Cluster = options.Shape.Cluster,
            TokenBase = options.TokenBase + CheckpointUploader.TokensCount,
            ManifestSizeMax = Manifest.SizeMax(options.PacksLimit, PackFile.EntriesMax),
        });
        forest.Grid.HasRepairer = true;
    }

    public CheckpointUploader Uploader { get; }

    /// <summary>Reports of damaged blocks that were followed, and the last block among them.</summary>
    public ulong RotFound { get; private set; }
    public BlockReference LastRot { get; private set; }

    /// <summary>Blocks whose right bytes were written to their places again.</summary>
    public ulong RotRepaired { get; private set; }

    /// <summary>Blocks that could not be repaired, and why the last of them could not. One that no operation needs yet
    /// is reported and tried again.</summary>
    public ulong RotLeft { get; private set; }
    public PacksFailure LastRepairFailure { get; private set; }

    /// <summary>A damaged block is being repaired.</summary>
    public bool IsRepairing => _step != RepairStep.Idle;

    public ulong Retries => Uploader.Retries + _fetcher.Retries;

    public bool HoldsBack => Uploader.HoldsBack;

    public void OnCheckpoint(ulong op, in BlockReference root, ReadOnlySpan<byte> record) =>
        Uploader.Offer(op, in root, record, _forest);

    /// <summary>Whether a request to the object store is of this archive.</summary>
    public bool Owns(uint token) => Uploader.Owns(token) || _fetcher.Owns(token);

    /// <summary>Whether a disk operation is of the archive, and neither of the log nor of the state machine.</summary>
    public static bool OwnsDisk(uint token) =>
        (token & CheckpointUploader.DiskTokenBits) == CheckpointUploader.DiskTokenBits;

    public void OnObject(uint token, in ObjectResult result)
    {
        Check.That(Owns(token));
        if (Uploader.Owns(token)) Uploader.OnObject(token, in result);
        else _fetcher.OnObject(token, in result);
        Advance();
    }

    public void OnCompletion(uint token, IoResult result)
    {
        Check.That(OwnsDisk(token));
        Uploader.OnCompletion(token, result);
        Advance();
    }

    public void Tick()
    {
        Uploader.Tick();
        _fetcher.Tick();
        Advance();
    }

    private void Advance()
    {
        while (TryStep()) continue;
    }

    private bool TryStep() => _step switch
    {
        RepairStep.Idle => TryFind(),
        RepairStep.Fetching => _fetcher.IsIdle && TryTake(),
        _ => !_forest.Grid.IsRepairing && End(),
    };

    /// <summary>Looks for a damaged block, those first that an operation waits for.</summary>
    private bool TryFind()
    {
        // Other replicas are nearer than the store, and have what is newer.
        if (_forest.Grid.HasLostBlock || _forest.Repairs is not null) return false;
        if (_forest.Grid.TryFault(out BlockReference block)) StartFault(in block);
        else if (_forest.IsOpen && _forest.Scrubber.TryTakeRot(out block)) StartRot(in block);
        else if (_forest.IsOpen && Uploader.TryTakeRot(out ulong address, out ulong mark))
        {
            bool known = _forest.TryFindBlock(address, out block) && LiveBlocks.MarkOf(block.Checksum) == mark;
            if (known) StartRot(in block);
        }
        else return false;
        return true;
    }

    private void StartFault(in BlockReference block)
    {
        bool again = block.Is(in _block) && _repairs > 0;
        if (!again) Report(in block);
        if (_repairs == RepairsMax) Fail(new PacksFailure(PacksProblem.BlockCorrupt));
        else if (!IsNeeded(in block)) _forest.Grid.ForgetFault(in block);
        else Fetch();
    }

    private void StartRot(in BlockReference block)
    {
        Report(in block);
        if (!IsNeeded(in block)) return;
        if (_forest.Grid.TryRepairFromCache(in block)) _step = RepairStep.Writing;
        else Fetch();
    }

    private void Report(in BlockReference block)
    {
        RotFound++;
        LastRot = block;
        _block = block;
        _repairs = 0;
        _fetches = 0;
    }

    private void Fetch()
    {
        _fetches++;
        _step = RepairStep.Fetching;
        _fetcher.Start(in _block);
    }

    /// <summary>While the state is being opened nothing is written; later what it has let go of may be overwritten.
    /// </summary>
    private bool IsNeeded(in BlockReference block) => !_forest.IsOpen || _forest.Has(in block);

    private bool TryTake()
    {
        if (!IsNeeded(in _block))
        {
            _forest.Grid.ForgetFault(in _block);
            _step = RepairStep.Idle;
            return true;
        }
        if (_fetcher.IsDone && _forest.Grid.TryRepair(in _block, _fetcher.Block))
        {
            _step = RepairStep.Writing;
            return true;
        }
        bool final = _fetcher.Failure.Problem == PacksProblem.Refused || _fetches == FetchesMax;
        if (!final) Fetch();
        else Fail(_fetcher.IsDone ? new PacksFailure(PacksProblem.NoBlock) : _fetcher.Failure);
        return true;
    }

    private void Fail(in PacksFailure failure)
    {
        RotLeft++;
        LastRepairFailure = failure;
        _repairs = 0;
        _forest.Grid.GiveUp(in _block);
        _step = RepairStep.Idle;
    }

    private bool End()
    {
        RotRepaired++;
        _repairs++;
        _fetches = 0;
        _step = RepairStep.Idle;
        return true;
    }
}
