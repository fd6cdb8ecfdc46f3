using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Brings checkpoints into an object store: blocks that are not there yet as a few packs, each read back and
/// compared, then a manifest, then the catalog that makes it count. It never delays the state machine: a checkpoint
/// whose blocks have been overwritten meanwhile is given up for the newest. What no kept checkpoint needs is removed.
/// Its owner offers checkpoints as they become durable and passes completions and time on.</summary>
public sealed partial class CheckpointUploader
{
    /// <summary>Set in the tokens of all its disk operations.</summary>
    public const uint DiskTokenBits = Blocks.Grid.TokenBit | 1u << 28;
    private const int MainRequest = 0;
    private const int TailRequests = 8;
    private const int PackRequest = 1 + TailRequests;
    private const int PacksInFlight = 2;

    /// <summary>Tokens of requests to the object store from <see cref="UploaderOptions.TokenBase"/> on.</summary>
    public const uint TokensCount = PackRequest + PacksInFlight;

    private enum Step : byte
    {
        Idle,
        Opening,
        Loading,
        Claiming,
        Collecting,
        PuttingManifest,
        CheckingManifest,
        Committing,
        Rereading,
        GarbageManifests,
        GarbageListing,
        GarbageDeleting,
        Stopped,
    }

    private readonly UploaderOptions _options;
    private readonly PackKeys _keys;
    private readonly ObjectRequests _requests;
    private readonly ManifestReader _reader;
    private readonly Catalog _catalog;
    private readonly PackTable _table;
    private readonly byte[] _checkpoint = new byte[Manifest.CheckpointSizeMax];
    private readonly byte[] _nextCheckpoint = new byte[Manifest.CheckpointSizeMax];
    private LiveBlocks _live;
    private LiveBlocks _nextLive;
    private Offered _current;
    private Offered _next;
    private Step _step;
    private bool _opened;
    private ulong _offers;
    private ulong _offersDone;
    private ulong _rotAddress;
    private ulong _rotMark;

    public CheckpointUploader(StaticMemory memory, UploaderOptions options)
    {
        Check.That(options.Writer != 0 && options.Keep > 0 && options.LagCheckpointsMax > 0);
        Check.That(options.GridOffset % Limits.SectorSize == 0);
        Check.That(options.PackSize > options.Shape.BlockSize + PackFile.HeaderSize + PackFile.FooterSize +
            options.PackBlocks * PackEntry.Size, "a pack has room for a block");
        _options = options;
        _keys = new PackKeys(options.Prefix);
        _requests = new ObjectRequests(options.Store, options.TokenBase, PackRequest + PacksInFlight);
        long manifestSizeMax = Manifest.SizeMax(options.PacksLimit, PackFile.EntriesMax);
        _reader = new ManifestReader(
            memory, _requests, MainRequest, _keys, options.Shape.Cluster, manifestSizeMax);
        _catalog = _reader.Catalog;
        _table = new PackTable(memory, options.Shape.Blocks, options.PacksLimit);
        _live = new LiveBlocks(memory, options.Shape.Blocks);
        _nextLive = new LiveBlocks(memory, options.Shape.Blocks);
        _manifest = memory.Take(manifestSizeMax);
        _readBack = memory.Take(long.Max(manifestSizeMax, Catalog.SizeMax));
        _catalogBytes = memory.Take(Catalog.SizeMax);
        for (int i = 0; i < TailRequests; i++)
            _tails[i] = memory.Take(PackFile.EntriesMax * PackEntry.Size + PackFile.FooterSize);
        for (int i = 0; i < PacksInFlight; i++)
        {
            _packs[i] = new PackUpload(
                new PackWriter(memory, options.Shape.Cluster, options.PackSize, options.PackBlocks),
                memory.Take(options.PackSize));
        }
        _reads = new BlockRead[options.ReadsMax];
        _readBuffers = memory.Take((long)options.ReadsMax * options.Shape.BlockSize, Limits.SectorSize);
        _listing = memory.Take(ListingSize);
        _needed = new ulong[NeededMax(options)];
    }

    /// <summary>Nothing is under way.</summary>
    public bool IsIdle => _step is Step.Idle or Step.Stopped && _requests.Busy == 0 && _readsUnderWay == 0;

    internal StoragePlant Plant { get; set; }

    /// <summary>Why it has stopped for good.</summary>
    public PacksFailure Failure { get; private set; }

    /// <summary>A block of the newest checkpoint that the disk does not give as it should be; 0: none. The checkpoint
    /// was given up, and the next one is tried.</summary>
    public ulong CorruptAddress { get; private set; }

    /// <summary>Checkpoints offered since the newest that is in the object store.</summary>
    public ulong Lag => _offers - _offersDone;

    /// <summary>Commits have to wait until the object store has caught up.</summary>
    public bool HoldsBack => _step is not (Step.Stopped or Step.Idle) && Lag >= (ulong)_options.LagCheckpointsMax;

    /// <summary>The newest checkpoint in the object store; 0: not known yet, or none.</summary>
    public ulong OpCommitted { get; private set; }
    public ulong CheckpointsCommitted { get; private set; }

    /// <summary>Checkpoints given up because a newer one had overwritten their blocks.</summary>
    public ulong CheckpointsAbandoned { get; private set; }
    public ulong PacksPut { get; private set; }
    public ulong BlocksPut { get; private set; }

    /// <summary>Bytes of packs and manifests.</summary>
    public ulong BytesPut { get; private set; }

    /// <summary>Objects that were removed.</summary>
    public ulong ObjectsDeleted { get; private set; }
    public ulong Retries => _requests.Retries;

    /// <summary>Objects that were not what had been put; they were put again.</summary>
    public ulong PutsLost { get; private set; }

    public bool Owns(uint token) => _requests.Owns(token);

    /// <summary>The checkpoint at hand, or the last one that was: the operation that it comes after, and whether work
    /// is being done for it.</summary>
    public ulong OpAtHand => _current.Op;
    public bool IsWorking => _step is not (Step.Idle or Step.Stopped);

    /// <summary>Takes the report of a block that the disk does not give as it should be.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="mark">Of its checksum, see <see cref="LiveBlocks.MarkOf"/>.</param>
    public bool TryTakeRot(out ulong address, out ulong mark)
    {
        (address, mark) = (_rotAddress, _rotMark);
        _rotAddress = 0;
        return address != 0;
    }

    /// <summary>A checkpoint is durable on disk. To be called before the next operation, and once at the start of a
    /// process for the checkpoint that it opened.</summary>
    /// <param name="op">After which it was made.</param>
    /// <param name="root">Its root block.</param>
    /// <param name="checkpoint">What its owner needs to open it, at most
    /// <see cref="Manifest.CheckpointSizeMax"/>.</param>
    /// <param name="forest">Whose checkpoint it is.</param>
    public void Offer(ulong op, in BlockReference root, ReadOnlySpan<byte> checkpoint, Forest forest)
    {
        Check.That(op > 0 && checkpoint.Length is > 0 and <= Manifest.CheckpointSizeMax);
        _offers++;
        if (_step == Step.Stopped) return;
        bool free = _step == Step.Idle;
        forest.CopyLiveBlocks(free ? _live : _nextLive);
        checkpoint.CopyTo(free ? _checkpoint : _nextCheckpoint);
        Offered offered = new()
        {
            Number = _offers, Op = op, Root = root, Size = checkpoint.Length, Id = Checksum.Of(checkpoint),
        };
        if (!free)
        {
            _next = offered;
            return;
        }
        _current = offered;
        Begin();
        Advance();
    }

    public void OnObject(uint token, in ObjectResult result)
    {
        _requests.OnObject(token, in result);
        Advance();
    }

    public void OnCompletion(uint token, IoResult result)
    {
        OnRead(token, result);
        Advance();
    }

    public void Tick()
    {
        _requests.Tick();
        Advance();
    }

    private ReadOnlySpan<byte> Checkpoint => _checkpoint.AsSpan(0, _current.Size);

    private void Begin()
    {
        CorruptAddress = 0;
        if (!_opened) StartOpening();
        else if (IsNewest()) Finish();
        else StartCollecting();
    }

    /// <summary>Whether the newest checkpoint in the object store is the one at hand.</summary>
    private bool IsNewest() => _catalog.Newest is >= 0 and int newest && _catalog[newest].CheckpointId == _current.Id;

    private void Advance()
    {
        while (TryStep()) continue;
    }

    private bool TryStep() => _step switch
    {
        Step.Opening => TryOpen(),
        Step.Loading => TryLoad(),
        Step.Claiming => TryClaim(),
        Step.Collecting => TryCollect(),
        Step.PuttingManifest => TryPutManifest(),
        Step.CheckingManifest => TryCheckManifest(),
        Step.Committing => TryCommit(),
        Step.Rereading => TryReread(),
        Step.GarbageManifests => TryGarbageManifests(),
        Step.GarbageListing => TryGarbageListing(),
        Step.GarbageDeleting => TryGarbageDeleting(),
        _ => false,
    };

    /// <summary>The checkpoint at hand is in the object store.</summary>
    private void Finish()
    {
        _offersDone = _current.Number;
        OpCommitted = _current.Op;
        TakeNext();
    }

    /// <summary>Goes on with the newest checkpoint that was offered meanwhile, if one was.</summary>
    private void TakeNext()
    {
        _step = Step.Idle;
        if (_next.Number == 0) return;
        (_live, _nextLive) = (_nextLive, _live);
        _nextCheckpoint.AsSpan().CopyTo(_checkpoint);
        _current = _next;
        _next = default;
        Begin();
    }

    private void Stop(in PacksFailure failure)
    {
        Check.That(!failure.IsNone);
        Failure = failure;
        _step = Step.Stopped;
    }

    private struct Offered
    {
        /// <summary>Of the offer, from 1; 0: none.</summary>
        public ulong Number;
        public ulong Op;
        public BlockReference Root;
        public int Size;
        public UInt128 Id;
    }
}
