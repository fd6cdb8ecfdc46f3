using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Blocks of the grid that this disk lacks come from other replicas, and go to others that lack them. Equal
/// logs make equal blocks at equal addresses, so whoever has a block of this address and checksum has the one that is
/// wanted.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Blocks that are asked for at the same time; as many are read for others at the same time.</summary>
    private const int BlocksMax = 4;
    private const ulong BlockPatienceTicks = 20;

    private struct BlockWanted
    {
        /// <summary>None: free.</summary>
        public BlockReference Block;
        public ulong Expires;

        /// <summary>What a replica has sent.</summary>
        public Message? Answer;
    }

    private struct BlockRead
    {
        public BlockReference Block;
        public byte Destination;
        public Message? Into;
    }

    private readonly BlockWanted[] _blocksWanted = new BlockWanted[BlocksMax];
    private readonly BlockRead[] _blockReads = new BlockRead[BlocksMax];
    private readonly BlockReference[] _blocksMissing = new BlockReference[2 * BlocksMax];

    /// <summary>Passes on what has come, and asks for what is missing.</summary>
    private bool AdvanceBlocks()
    {
        if (_isSingle || Status == ReplicaStatus.Recovering) return false;
        bool progress = OfferBlocks();
        if (!CanWant) return progress;
        int missing = _stateMachine.MissingBlocks(_blocksMissing);
        int wanted = 0;
        for (int i = 0; i < missing; i++)
        {
            if (IsWanted(in _blocksMissing[i]) || !TryWant(in _blocksMissing[i])) continue;
            _blocksMissing[wanted++] = _blocksMissing[i];
        }
        if (wanted > 0) SendGetBlocks(_blocksMissing.AsSpan(0, wanted));
        return progress;
    }

    private bool OfferBlocks()
    {
        bool progress = false;
        for (int i = 0; i < _blocksWanted.Length; i++)
        {
            ref BlockWanted wanted = ref _blocksWanted[i];
            if (wanted.Answer is not Message answer) continue;
            RepairResult result = _stateMachine.Repair(in wanted.Block, answer.Buffer.Slice(0, _layout.BlockSize));
            if (result == RepairResult.Busy) continue;
            if (result == RepairResult.Taken)
            {
                _stuckTicks = 0;
                _options.Marks.Hit(Mark.BlockRepaired);
            }
            answer.Release();
            wanted = default;
            progress = true;
        }
        return progress;
    }

    private bool CanWant
    {
        get
        {
            for (int i = 0; i < _blocksWanted.Length; i++) if (IsFree(in _blocksWanted[i])) return true;
            return false;
        }
    }

    /// <summary>A block has been asked for and has not come.</summary>
    private bool WantsBlocks
    {
        get
        {
            for (int i = 0; i < _blocksWanted.Length; i++) if (!_blocksWanted[i].Block.IsNone) return true;
            return false;
        }
    }

    private bool IsFree(in BlockWanted wanted) =>
        wanted.Block.IsNone || (wanted.Answer is null && wanted.Expires <= Ticks);

    private bool IsWanted(in BlockReference block)
    {
        for (int i = 0; i < _blocksWanted.Length; i++)
            if (_blocksWanted[i].Block.Is(in block) && !IsFree(in _blocksWanted[i])) return true;
        return false;
    }

    private bool TryWant(in BlockReference block)
    {
        Check.That(!block.IsNone);
        for (int i = 0; i < _blocksWanted.Length; i++)
        {
            ref BlockWanted wanted = ref _blocksWanted[i];
            if (!IsFree(in wanted)) continue;
            wanted = new BlockWanted { Block = block, Expires = Ticks + BlockPatienceTicks };
            return true;
        }
        return false;
    }

    private void SendGetBlocks(ReadOnlySpan<BlockReference> blocks)
    {
        if (NewMessage(Command.GetBlocks, blocks.Length * BlockReference.Size) is not Message message) return;
        // What is asked has nothing to do with views, and may be asked amid a change.
        message.Header.View = View;
        for (int i = 0; i < blocks.Length; i++) blocks[i].WriteTo(message.Body[(i * BlockReference.Size)..]);
        SealAndSend(RepairPeer(), message);
    }

    private void OnGetBlocks(Message message)
    {
        ReadOnlySpan<byte> body = message.Body;
        for (int at = 0; at < body.Length; at += BlockReference.Size)
        {
            BlockReference block = BlockReference.Read(body[at..]);
            bool possible = block.Address > 0 && block.Address <= (ulong)_layout.GridBlocks;
            if (possible && !TryReadBlock(in block, message.Header.Replica)) return;
        }
    }

    /// <summary>Reads a block for another replica, past the cache; false if as many are being read already. Whoever
    /// asks will ask again.</summary>
    private bool TryReadBlock(in BlockReference block, byte destination)
    {
        // A standby that fetches everything leaves half of the places to the replicas.
        for (int i = destination < _replicaCount ? 0 : BlocksMax / 2; i < _blockReads.Length; i++)
        {
            if (_blockReads[i].Into is not null) continue;
            if (_messages.TryTake() is not Message into) return false;
            _blockReads[i] = new BlockRead { Block = block, Destination = destination, Into = into };
            _disk.Read(
                Token.Of(TokenKind.BlockRead, i), _layout.BlockOffset(block.Address),
                into.Buffer.Part(0, _layout.BlockSize));
            return true;
        }
        return false;
    }

    private void OnBlockRead(int index, IoResult result)
    {
        BlockRead read = _blockReads[index];
        Check.That(read.Into is not null);
        _blockReads[index] = default;
        Message message = read.Into;
        if (result == IoResult.Ok && IsBlock(message, in read.Block)) SendToReplica(read.Destination, message);
        message.Release();
    }

    /// <summary>Whether a buffer that may hold anything holds this block.</summary>
    private bool IsBlock(Message message, in BlockReference block)
    {
        ref Header header = ref message.Header;
        return header.Checksum == block.Checksum && header.ValidChecksum() && header.Command == Command.Block &&
            header.Cluster == _options.Cluster && header.Block.Address == block.Address &&
            header.Size <= _layout.BlockSize && header.Invalid(_configuration.MessageSizeMax) is null &&
            header.ValidChecksumBody(message.Body);
    }

    private void OnBlock(Message message)
    {
        BlockReference block = new(message.Header.Block.Address, message.Header.Checksum);
        for (int i = 0; i < _blocksWanted.Length; i++)
        {
            ref BlockWanted wanted = ref _blocksWanted[i];
            if (wanted.Answer is not null || !wanted.Block.Is(in block) || !IsBlock(message, in block)) continue;
            int size = (int)message.Header.Size;
            message.Buffer.Slice(size, _layout.BlockSize - size).Clear();
            wanted.Answer = message.Reference();
            return;
        }
    }
}
