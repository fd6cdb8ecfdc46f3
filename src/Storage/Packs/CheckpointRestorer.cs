using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Reads a checkpoint out of an object store: its manifest, the indexes of its packs, and every block that it
/// needs, each handed out once and verified. Its owner calls <see cref="OnObject"/> and <see cref="Tick"/>, and after
/// either <see cref="Advance"/>, and takes blocks while there are any.</summary>
public sealed class CheckpointRestorer
{
    private readonly RestorerOptions _options;
    private readonly PackKeys _keys;
    private readonly ObjectRequests _requests;
    private readonly ManifestReader _reader;
    private readonly PackLane[] _lanes;
    private GridShape _shape;
    private int _packsAt;
    private int _laneTaken = -1;

    public CheckpointRestorer(StaticMemory memory, RestorerOptions options)
    {
        Check.That(options.Lanes > 0 && options.PieceSize >= Limits.BlockSizeMin);
        _options = options;
        _keys = new PackKeys(options.Prefix);
        _requests = new ObjectRequests(options.Store, options.TokenBase, options.Lanes);
        _reader = new ManifestReader(
            memory, _requests, request: 0, _keys, options.Cluster, options.ManifestSizeMax);
        _lanes = new PackLane[options.Lanes];
        for (int i = 0; i < _lanes.Length; i++)
            _lanes[i] = new PackLane(memory, _requests, i, _keys, options.PieceSize);
    }

    /// <summary>What is known about the checkpoints that are kept, once <see cref="IsOpen"/>.</summary>
    public Catalog Catalog => _reader.Catalog;

    /// <summary>The manifest has been read: what follows tells about the checkpoint.</summary>
    public bool IsOpen { get; private set; }

    public ManifestHead Head => _reader.Head;

    /// <summary>The checkpoint as its owner knows it.</summary>
    public ReadOnlySpan<byte> Checkpoint => Manifest.Checkpoint(_reader.Bytes, _reader.Head);

    public PacksFailure Failure { get; private set; }

    /// <summary>Every block has been handed out.</summary>
    public bool IsDone => IsOpen && BlocksDone == Head.LiveBlocks && Failure.IsNone;

    /// <summary>Progress, of <see cref="ManifestHead.LiveBlocks"/> and <see cref="ManifestHead.LiveBytes"/>.</summary>
    public long BlocksDone { get; private set; }
    public long BytesDone { get; private set; }

    /// <summary>Bytes that were read, indexes and dead blocks between live ones included.</summary>
    public long BytesRead { get; private set; }
    public ulong Retries => _requests.Retries;

    public bool Owns(uint token) => _requests.Owns(token);

    public void Start(in CheckpointChoice choice)
    {
        Check.That(_requests.Busy == 0);
        IsOpen = false;
        Failure = default;
        BlocksDone = 0;
        BytesDone = 0;
        BytesRead = 0;
        _packsAt = 0;
        _laneTaken = -1;
        _reader.Start(in choice);
    }

    public void OnObject(uint token, in ObjectResult result)
    {
        if (result.Status == ObjectStatus.Ok) BytesRead += result.Size;
        _requests.OnObject(token, in result);
        Advance();
    }

    public void Tick() => _requests.Tick();

    /// <summary>The next block: header and body, what fills it up left away. They stay until the next call of
    /// anything. False: none is there now.</summary>
    public bool TryTake(out BlockReference block, out ReadOnlySpan<byte> bytes)
    {
        block = default;
        bytes = default;
        if (!IsOpen || !Failure.IsNone) return false;
        if (_laneTaken >= 0) Advance();
        for (int i = 0; i < _lanes.Length && Failure.IsNone; i++)
        {
            if (!_lanes[i].TryTake(out block, out bytes)) continue;
            if (!PackFile.IsBlock(bytes, in block, _options.Cluster))
            {
                Failure = new PacksFailure(
                    PacksProblem.ObjectDamaged, _keys.Pack(_lanes[i].Number), ContentProblem.WrongChecksum);
                return false;
            }
            _laneTaken = i;
            BlocksDone++;
            BytesDone += bytes.Length;
            return true;
        }
        return false;
    }

    private void Advance()
    {
        if (!Failure.IsNone) return;
        if (!IsOpen && _reader.Advance()) Open();
        _laneTaken = -1;
        for (int i = 0; i < _lanes.Length && IsOpen && Failure.IsNone; i++)
        {
            PackLane lane = _lanes[i];
            if (lane.IsIdle) NextPack(lane);
            lane.Advance(in _shape);
            if (lane.IsIdle) NextPack(lane);
            Failure = lane.Failure;
        }
    }

    private void Open()
    {
        Failure = _reader.Failure;
        if (!Failure.IsNone) return;
        ManifestHead head = _reader.Head;
        if (head.BlockSize > _options.PieceSize)
        {
            Failure = new PacksFailure(PacksProblem.TooLarge, _keys.Manifest(head.Sequence));
            return;
        }
        _shape = new GridShape(_options.Cluster, head.BlockSize, head.GridBlocks);
        _packsAt = Manifest.HeadSize + head.CheckpointSize;
        IsOpen = true;
    }

    private void NextPack(PackLane lane)
    {
        WireReader packs = Manifest.Packs(_reader.Bytes, _reader.Head);
        packs.Bytes(_packsAt - packs.Position);
        if (!Manifest.NextPack(ref packs, out ManifestPack pack)) return;
        _packsAt = packs.Position;
        lane.Start(in pack);
    }
}
