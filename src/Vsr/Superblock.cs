using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Reads and writes the four copies, one disk operation at a time. A write goes to the copies in turn, then
/// all are read back and three must hold it. One change at a time; the owner polls <see cref="Idle"/>.</summary>
internal sealed class Superblock<TDisk> where TDisk : IDisk
{
    private enum Step : byte
    {
        Idle,
        OpenRead,
        RepairWrite,
        Write,
        ReadBack,
    }

    private readonly NativeBuffer _written;
    private readonly NativeBuffer _read;
    private TDisk _disk;
    private SuperblockCopy _working;
    private SuperblockCopy _staging;
    private readonly Header[] _headers = new Header[SuperblockCopy.ViewHeadersMax];
    private readonly Header[] _stagingHeaders = new Header[SuperblockCopy.ViewHeadersMax];
    private Step _step;
    private int _copy;
    private uint _degraded;

    public Superblock(StaticMemory memory, TDisk disk)
    {
        _disk = disk;
        _written = memory.Take(SuperblockCopy.Size, Limits.SectorSize);
        _read = memory.Take(Limits.SuperblockCopies * SuperblockCopy.Size, Limits.SectorSize);
    }

    public bool Idle => _step == Step.Idle;

    /// <summary>None, or why the last open or write failed for good.</summary>
    public StopReason Problem { get; private set; }

    /// <summary>What is durable.</summary>
    public ref readonly SuperblockCopy Working => ref _working;

    /// <summary>How the log of the working copy's log view began, its head of then first.</summary>
    public ReadOnlySpan<Header> ViewHeaders => _headers.AsSpan(0, (int)_working.ViewHeadersCount);
    public UInt128 CheckpointId { get; private set; }

    /// <summary>How many copies were not the working one at open.</summary>
    public int RepairedCopies { get; private set; }

    /// <summary>Sound copies of different age were found at open: a write had not come to its end.</summary>
    public bool FoundTorn { get; private set; }

    public void Open()
    {
        Check.That(Idle);
        _step = Step.OpenRead;
        _copy = 0;
        ReadCopy();
    }

    /// <summary>Makes <paramref name="next"/> durable; sequence, parent and checksum are set here.</summary>
    public void Write(in SuperblockCopy next, ReadOnlySpan<Header> viewHeaders)
    {
        Check.That(Idle);
        Check.That(Problem == StopReason.None);
        Check.That(_working.Sequence > 0);
        Check.That(SuperblockQuorum.IsMonotonic(in _working, in next));
        _staging = next;
        _staging.Sequence = _working.Sequence + 1;
        _staging.Parent = _working.Checksum;
        _staging.Copy = 0;
        _staging.ViewHeadersCount = (uint)viewHeaders.Length;
        viewHeaders.CopyTo(_stagingHeaders);
        _staging.Seal(_written.Span, viewHeaders);
        _step = Step.Write;
        _copy = 0;
        WriteCopy(in _staging, _stagingHeaders);
    }

    public void OnCompletion(IoResult result)
    {
        Check.That(!Idle);
        if (result == IoResult.WriteFailed)
        {
            Fail(StopReason.WriteFailed);
            return;
        }
        if (result == IoResult.ReadFailed) ReadBuffer(_copy).Span.Clear();
        switch (_step)
        {
            case Step.OpenRead:
                if (++_copy < Limits.SuperblockCopies) ReadCopy();
                else FinishOpen();
                break;
            case Step.RepairWrite:
                _degraded &= ~(1u << _copy);
                RepairNext();
                break;
            case Step.Write:
                if (++_copy < Limits.SuperblockCopies)
                {
                    WriteCopy(in _staging, _stagingHeaders);
                    break;
                }
                _step = Step.ReadBack;
                _copy = 0;
                ReadCopy();
                break;
            case Step.ReadBack:
                if (++_copy < Limits.SuperblockCopies) ReadCopy();
                else FinishWrite();
                break;
            default:
                Check.Unreachable();
                break;
        }
    }

    private void FinishOpen()
    {
        SuperblockQuorum quorum = SuperblockQuorum.Decide(_read.Span, SuperblockQuorum.ThresholdOpen);
        if (quorum.Problem != StopReason.None)
        {
            Fail(quorum.Problem);
            return;
        }
        _working = quorum.Working;
        if (_working.ViewHeadersCount > SuperblockCopy.ViewHeadersMax)
        {
            Fail(StopReason.SuperblockConfigurationInvalid);
            return;
        }
        int sound = System.Numerics.BitOperations.TrailingZeroCount(~quorum.Degraded);
        for (int i = 0; i < _working.ViewHeadersCount; i++)
            _headers[i] = SuperblockCopy.ViewHeader(ReadBuffer(sound).Span, i);
        CheckpointId = _working.Checkpoint.Id();
        _degraded = quorum.Degraded;
        RepairedCopies = System.Numerics.BitOperations.PopCount(_degraded);
        FoundTorn = quorum.AgesDiffer;
        RepairNext();
    }

    /// <summary>Damaged copies are rewritten before anything else is: the next change overwrites good ones in
    /// turn.</summary>
    private void RepairNext()
    {
        if (_degraded == 0)
        {
            _step = Step.Idle;
            return;
        }
        _step = Step.RepairWrite;
        _copy = System.Numerics.BitOperations.TrailingZeroCount(_degraded);
        WriteCopy(in _working, _headers);
    }

    private void FinishWrite()
    {
        SuperblockQuorum quorum = SuperblockQuorum.Decide(_read.Span, SuperblockQuorum.ThresholdVerify);
        if (quorum.Problem != StopReason.None || quorum.Working.Checksum != _staging.Checksum)
        {
            Fail(StopReason.SuperblockNotVerified);
            return;
        }
        _working = _staging;
        _stagingHeaders.AsSpan().CopyTo(_headers);
        CheckpointId = _working.Checkpoint.Id();
        _step = Step.Idle;
    }

    private void Fail(StopReason reason)
    {
        Check.That(reason != StopReason.None);
        Problem = reason;
        _step = Step.Idle;
    }

    private NativeBuffer ReadBuffer(int copy) => _read.Part((long)copy * SuperblockCopy.Size, SuperblockCopy.Size);

    private void ReadCopy() => _disk.Read(
        Token.Of(TokenKind.Superblock, _copy), DataFileLayout.SuperblockOffset(_copy), ReadBuffer(_copy));

    private void WriteCopy(in SuperblockCopy content, Header[] headers)
    {
        SuperblockCopy copy = content;
        copy.Copy = (ushort)_copy;
        copy.WriteTo(_written.Span, headers.AsSpan(0, (int)copy.ViewHeadersCount));
        _disk.Write(Token.Of(TokenKind.Superblock, _copy), DataFileLayout.SuperblockOffset(_copy), _written);
    }
}
