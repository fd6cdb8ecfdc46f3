using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Writes the whole state as a chain of blocks into the area that is not in use, then points the superblock
/// at it; and reads it back at open.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private const int BlockWritesMax = 4;

    private readonly NativeBuffer[] _blockBuffers = new NativeBuffer[BlockWritesMax];
    private readonly bool[] _blockBusy = new bool[BlockWritesMax];
    private CheckpointState _checkpoint;
    private int _blocksInFlight;
    private bool _stateEnded;
    private bool _blockRead;
    private ulong _restored;
    private ulong _restoredSize;
    private UInt128 _restoredChecksum;

    private void CheckpointStart(in Header entry)
    {
        Check.That(entry.Prepare.Op == _schedule.Next(CheckpointOp));
        Check.That(_blocksInFlight == 0);
        ref readonly CheckpointState parent = ref _superblock.Working.Checkpoint;
        _checkpoint = new CheckpointState
        {
            Prepare = entry,
            ParentId = CheckpointId,
            GrandparentId = parent.ParentId,
            Area = _schedule.Area(entry.Prepare.Op),
            Release = Header.ReleaseCurrent,
        };
        Check.That(parent.Blocks == 0 || parent.Area != _checkpoint.Area);
        _stateEnded = false;
        _stateMachine.CheckpointStart();
        Tell(TraceCode.CheckpointStarted, entry.Prepare.Op, 0);
        _commitStage = CommitStage.CheckpointBlocks;
    }

    /// <summary>Fills free buffers and writes them; true when all blocks are durable.</summary>
    private bool AdvanceCheckpointBlocks()
    {
        for (int i = 0; i < BlockWritesMax && !_stateEnded; i++)
        {
            if (_blockBusy[i]) continue;
            if (_checkpoint.Blocks == (ulong)_layout.AreaBlocks)
            {
                Stop(StopReason.CheckpointTooLarge);
                return false;
            }
            int size = FillBlock(_blockBuffers[i], out BlockKind kind);
            if (size > 0) WriteBlock(i, kind, size);
        }
        if (!_stateEnded || _blocksInFlight > 0) return false;
        _commitStage = CommitStage.CheckpointReplies;
        return true;
    }

    private int FillBlock(NativeBuffer block, out BlockKind kind)
    {
        if (_checkpoint.Blocks == 0)
        {
            kind = BlockKind.CheckpointSessions;
            int table = ClientSessions.TableSize(_sessions.Capacity);
            _sessions.WriteTo(block.Slice(Limits.HeaderSize, table));
            _checkpoint.SessionsSize = (ulong)table;
            return table;
        }
        kind = BlockKind.CheckpointState;
        int filled = 0;
        while (filled < _configuration.MessageBodySizeMax)
        {
            int remaining = _configuration.MessageBodySizeMax - filled;
            int part = _stateMachine.CheckpointRead(block.Slice(Limits.HeaderSize + filled, remaining));
            Check.That(part >= 0 && part <= remaining);
            if (part == 0)
            {
                _stateEnded = true;
                break;
            }
            filled += part;
        }
        _checkpoint.StateSize += (ulong)filled;
        return filled;
    }

    private void WriteBlock(int buffer, BlockKind kind, int bodySize)
    {
        NativeBuffer block = _blockBuffers[buffer];
        long offset = _layout.BlockOffset((byte)_checkpoint.Area, (long)_checkpoint.Blocks);
        ref Header header = ref Header.At(block.Span);
        header = Header.Create(Command.Block, _options.Cluster, view: 0, replica: 0, bodySize);
        header.Block.Previous = _checkpoint.StreamChecksum;
        header.Block.Address = (ulong)offset;
        header.Block.Snapshot = _checkpoint.Op;
        header.Block.Kind = kind;
        header.SetChecksumBody(block.Slice(Limits.HeaderSize, bodySize));
        header.SetChecksum();
        int size = (int)header.Size;
        int padded = DataFileLayout.SectorCeiling(size);
        block.Slice(size, padded - size).Clear();
        _checkpoint.StreamChecksum = header.Checksum;
        _checkpoint.Blocks++;
        _blockBusy[buffer] = true;
        _blocksInFlight++;
        _disk.Write(Token.Of(TokenKind.CheckpointWrite, buffer), offset, block.Part(0, padded));
    }

    private void OnBlockWritten(int buffer, IoResult result)
    {
        Check.That(_blockBusy[buffer]);
        _blockBusy[buffer] = false;
        _blocksInFlight--;
        if (result != IoResult.Ok) Stop(StopReason.WriteFailed);
    }

    private void CheckpointSuperblock()
    {
        Check.That(_replies.Flushed && _blocksInFlight == 0);
        SuperblockCopy next = _superblock.Working;
        next.Checkpoint = _checkpoint;
        next.CommitMax = CommitMin;
        next.Release = Header.ReleaseCurrent;
        _commitStage = CommitStage.CheckpointSuperblock;
        _superblock.Write(in next);
    }

    private void RestoreStart()
    {
        _restored = 0;
        _restoredSize = 0;
        _restoredChecksum = 0;
        _blockRead = false;
        if (_superblock.Working.Checkpoint.Blocks == 0) return;
        _stateMachine.RestoreStart();
        ReadBlock();
    }

    private void ReadBlock()
    {
        long offset = _layout.BlockOffset((byte)_superblock.Working.Checkpoint.Area, (long)_restored);
        _disk.Read(Token.Of(TokenKind.CheckpointRead, 0), offset, _blockBuffers[0]);
    }

    private void OnBlockRead(IoResult result)
    {
        if (result != IoResult.Ok) _blockBuffers[0].Slice(0, Limits.HeaderSize).Clear();
        _blockRead = true;
    }

    private bool AdvanceRestore()
    {
        ref readonly CheckpointState checkpoint = ref _superblock.Working.Checkpoint;
        if (checkpoint.Blocks == 0)
        {
            StartView();
            return true;
        }
        if (!_blockRead) return false;
        _blockRead = false;
        if (!TakeBlock(in checkpoint))
        {
            Stop(StopReason.CheckpointCorrupt);
            return false;
        }
        if (++_restored < checkpoint.Blocks)
        {
            ReadBlock();
            return false;
        }
        if (_restoredChecksum != checkpoint.StreamChecksum || _restoredSize != checkpoint.StateSize)
        {
            Stop(StopReason.CheckpointCorrupt);
            return false;
        }
        if (!_stateMachine.RestoreEnd())
        {
            Stop(StopReason.CheckpointRefused);
            return false;
        }
        StartView();
        return true;
    }

    private bool TakeBlock(in CheckpointState checkpoint)
    {
        ReadOnlySpan<byte> bytes = _blockBuffers[0].Span;
        ulong address = (ulong)_layout.BlockOffset((byte)checkpoint.Area, (long)_restored);
        if (!CheckpointBlock.IsSound(bytes, _options.Cluster, in checkpoint, address, _restoredChecksum)) return false;
        Header header = Header.Read(bytes);
        ReadOnlySpan<byte> body = bytes[Limits.HeaderSize..(int)header.Size];
        _restoredChecksum = header.Checksum;
        bool first = _restored == 0;
        if (first != (header.Block.Kind == BlockKind.CheckpointSessions)) return false;
        if (first) return _sessions.Read(body, _options.Cluster, _configuration.MessageSizeMax);
        _stateMachine.RestoreWrite(body);
        _restoredSize += (ulong)body.Length;
        return true;
    }
}
