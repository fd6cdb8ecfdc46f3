using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Gets one block out of the newest checkpoint in an object store, to repair a rotten one: the packs' indexes
/// are searched, the newest first.</summary>
public sealed class BlockFetcher
{
    private const int Request = 0;

    private enum Step : byte
    {
        Idle,
        Manifest,
        Tail,
        Block,
        Done,
    }

    private readonly RestorerOptions _options;
    private readonly PackKeys _keys;
    private readonly ObjectRequests _requests;
    private readonly ManifestReader _reader;
    private readonly NativeBuffer _tail;
    private readonly NativeBuffer _bytes;
    private BlockReference _block;
    private PackIdentity _pack;
    private GridShape _shape;
    private int _tried;
    private Step _step;

    public BlockFetcher(StaticMemory memory, RestorerOptions options)
    {
        _options = options;
        _keys = new PackKeys(options.Prefix);
        _requests = new ObjectRequests(options.Store, options.TokenBase, count: 1);
        _reader = new ManifestReader(memory, _requests, Request, _keys, options.Cluster, options.ManifestSizeMax);
        _tail = memory.Take(PackFile.EntriesMax * PackEntry.Size + PackFile.FooterSize);
        _bytes = memory.Take(Limits.BlockSizeMax, Limits.SectorSize);
    }

    public bool IsIdle => _step is Step.Idle or Step.Done || !Failure.IsNone;

    /// <summary>The block is there, see <see cref="Block"/>.</summary>
    public bool IsDone => _step == Step.Done;

    public PacksFailure Failure { get; private set; }

    /// <summary>The whole block, filled up with zeroes, as <see cref="Blocks.Grid.TryRepair"/> takes it.</summary>
    public ReadOnlySpan<byte> Block => _bytes.Slice(0, _shape.BlockSize);

    /// <summary>Times that the store was busy or in doubt.</summary>
    public ulong Retries => _requests.Retries;

    public bool Owns(uint token) => _requests.Owns(token);

    public void Start(in BlockReference block)
    {
        Check.That(IsIdle && _requests.Busy == 0 && !block.IsNone);
        _block = block;
        _tried = 0;
        Failure = default;
        _step = Step.Manifest;
        _reader.Start(CheckpointChoice.Latest);
    }

    public void OnObject(uint token, in ObjectResult result)
    {
        _requests.OnObject(token, in result);
        if (_step == Step.Manifest)
        {
            if (!_reader.Advance()) return;
            Failure = _reader.Failure;
            if (!Failure.IsNone) return;
            _shape = new GridShape(_options.Cluster, _reader.Head.BlockSize, _reader.Head.GridBlocks);
            NextPack();
        }
        else if (_requests.HasEnded(Request))
        {
            ObjectResult ended = _requests.Take(Request);
            if (_step == Step.Tail) OnTail(in ended);
            else OnBlock(in ended);
        }
    }

    public void Tick() => _requests.Tick();

    /// <summary>Asks for the index of the pack with the greatest number that has not been searched.</summary>
    private void NextPack()
    {
        WireReader packs = Manifest.Packs(_reader.Bytes, _reader.Head);
        ulong below = _tried == 0 ? ulong.MaxValue : _pack.Number;
        PackIdentity next = default;
        while (Manifest.NextPack(ref packs, out ManifestPack pack))
            if (pack.Identity.Number < below && pack.Identity.Number > next.Number) next = pack.Identity;
        if (next.Entries == 0)
        {
            Failure = new PacksFailure(PacksProblem.NoBlock);
            return;
        }
        _tried++;
        _pack = next;
        _step = Step.Tail;
        _requests.Get(Request, _keys.Pack(next.Number), next.IndexOffset, _tail.Part(0, next.TailSize));
    }

    /// <summary>A pack that is missing or damaged is passed over: the block may be in another.</summary>
    private void OnTail(in ObjectResult result)
    {
        if (IsRefused(in result)) return;
        ReadOnlySpan<byte> tail = _tail.Slice(0, _pack.TailSize);
        bool sound = result.Status == ObjectStatus.Ok && result.Size == tail.Length &&
            PackFile.CheckTail(tail, in _pack, in _shape) == ContentProblem.None;
        for (int i = 0; sound && i < _pack.Entries; i++)
        {
            PackEntry entry = PackEntry.Read(tail[(i * PackEntry.Size)..]);
            if (!entry.Block.Is(in _block)) continue;
            _step = Step.Block;
            _requests.Get(Request, _keys.Pack(_pack.Number), entry.Offset, _bytes.Part(0, entry.Bytes));
            return;
        }
        NextPack();
    }

    private void OnBlock(in ObjectResult result)
    {
        if (IsRefused(in result)) return;
        bool sound = result.Status == ObjectStatus.Ok && result.Size >= Limits.HeaderSize &&
            PackFile.IsBlock(_bytes.Slice(0, result.Size), in _block, _options.Cluster);
        if (!sound)
        {
            NextPack();
            return;
        }
        _bytes.Slice(result.Size, _shape.BlockSize - result.Size).Clear();
        _step = Step.Done;
    }

    private bool IsRefused(in ObjectResult result)
    {
        if (result.Status == ObjectStatus.Refused)
            Failure = ManifestReader.FailureOf(in result, _keys.Pack(_pack.Number), PacksProblem.NoBlock);
        return !Failure.IsNone;
    }
}
