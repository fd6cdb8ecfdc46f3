using System;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Getting what the log has and this replica lacks: headers downwards along the chain of checksums, then the
/// entries upwards. Repair never makes the log longer than the primary said it is.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Entries that are asked for at the same time.</summary>
    private const int RepairsMax = 8;

    /// <summary>An answer that takes several times as long as others lately is lost.</summary>
    private const ulong RepairPatienceFactor = 4;
    private const ulong RepairPatienceTicksMin = 5;
    private const ulong RepairPatienceTicksMax = 50;

    private struct RepairRequest
    {
        /// <summary>0: free.</summary>
        public ulong Op;
        public ulong Asked;
    }

    /// <summary>An entry that another replica has asked for and that waits for a read to be free.</summary>
    private struct EntryOwed
    {
        public ulong Op;
        public UInt128 Checksum;
        public byte Replica;
    }

    private readonly RepairRequest[] _repairs = new RepairRequest[RepairsMax];

    /// <summary>Longest time that an answer took lately.</summary>
    private ulong _repairTicks = RepairPatienceTicksMax / RepairPatienceFactor;

    /// <summary>Who asks for more than there are reads would otherwise ask in vain, and wait until its patience is
    /// over.</summary>
    private readonly RingBuffer<EntryOwed> _entriesOwed = new(RepairsMax * (Limits.MembersMax - 1));

    /// <summary>An entry of the log above the head, known by its checksum only; 0: none. Below it the log is found
    /// out.</summary>
    private ulong _anchorOp;
    private UInt128 _anchorChecksum;

    /// <summary>An entry is known to be in the log that is above the head, or beyond what the journal may
    /// hold.</summary>
    private void Anchor(ulong op, UInt128 checksum)
    {
        Check.That(op > 0);
        if (_anchorOp != 0) return;
        _anchorOp = op;
        _anchorChecksum = checksum;
        _options.Marks.Hit(Mark.LogGap);
        SendGetHeaders();
    }

    private void ForgetRepairs() => Array.Clear(_repairs);

    /// <summary>An entry has come. If it was asked for, there is room to ask for another one at once: only so does a
    /// replica catch up with a log that grows.</summary>
    private void OnRepaired(ulong op)
    {
        for (int i = 0; i < _repairs.Length; i++)
        {
            if (_repairs[i].Op != op) continue;
            Check.That(_repairs[i].Asked <= Ticks);
            ulong took = ulong.Min(Ticks - _repairs[i].Asked, RepairPatienceTicksMax);
            _repairTicks = took >= _repairTicks ? took : _repairTicks - 1;
            _repairs[i] = default;
            GetPrepares();
        }
    }

    /// <summary>An entry has been run, so one more may be kept in memory.</summary>
    private void OnRun()
    {
        if (Status == ReplicaStatus.Normal && ViewIsDurable && CommitMin + 1 < CommitMax) GetPrepares();
    }

    /// <summary>Asks for what is missing; whom, changes from time to time, for one may not have it.</summary>
    private void Repair()
    {
        bool may = Status == ReplicaStatus.Normal ? ViewIsDurable : _anchorOp != 0 && _superblock.Working.View == _view;
        if (!may || _isSingle) return;
        if (_anchorOp != 0 || (CommitMin < Op && !ChainIsWhole)) SendGetHeaders();
        if (Status == ReplicaStatus.Normal) GetPrepares();
    }

    private void SendGetHeaders()
    {
        if (_superblock.Working.View != _view) return;
        ulong max = _anchorOp != 0 ? _anchorOp : _chainFrom - 1;
        if (max <= CommitMin) return;
        if (NewMessage(Command.GetHeaders) is not Message message) return;
        ulong span = (ulong)HeadersPerMessage - 1;
        ulong min = max > span ? max - span : 1;
        message.Header.GetHeaders = new GetHeadersFields { OpMin = ulong.Max(min, CommitMin + 1), OpMax = max };
        SealAndSend(RepairPeer(), message);
    }

    private int HeadersPerMessage => int.Min(_configuration.MessageBodySizeMax / Limits.HeaderSize, Header.HeadersMax);

    /// <summary>A replica. What a standby has would do as well, but nobody should come to need it.</summary>
    private byte RepairPeer()
    {
        byte primary = PrimaryOf(_view);
        if (primary != _self && _random.Below(2) == 0) return primary;
        if (_isStandby) return (byte)_random.Below(_replicaCount);
        byte other = (byte)_random.Below((ulong)_replicaCount - 1);
        return other < _self ? other : (byte)(other + 1);
    }

    private void OnGetHeaders(in Header get)
    {
        if (Status != ReplicaStatus.Normal || get.View > _view || !ViewIsDurable) return;
        ulong max = ulong.Min(get.GetHeaders.OpMax, Op);
        int count = 0;
        while (count < HeadersPerMessage && max >= get.GetHeaders.OpMin + (ulong)count &&
            _journal.TryKnown(max - (ulong)count, out _)) count++;
        if (count == 0 || max < get.GetHeaders.OpMin) return;
        if (NewMessage(Command.Headers, count * Limits.HeaderSize) is not Message message) return;
        for (int i = 0; i < count; i++)
            HeaderAt(max - (ulong)i).WriteTo(message.Body[(i * Limits.HeaderSize)..]);
        SealAndSend(get.Replica, message);
    }

    /// <summary>Headers prove themselves: each must be the one that its successor names.</summary>
    private void OnHeaders(Message message)
    {
        bool wanted = Status == ReplicaStatus.Normal || (Status == ReplicaStatus.ViewChange && _anchorOp != 0);
        if (!wanted) return;
        ReadOnlySpan<byte> body = message.Body;
        bool progress = false;
        for (int at = 0; at < body.Length; at += Limits.HeaderSize)
        {
            Header header = Header.Read(body[at..]);
            bool sound = header.ValidChecksum() && header.Command == Command.Prepare &&
                header.Invalid(_configuration.MessageSizeMax) is null && header.Cluster == _options.Cluster;
            if (sound) progress |= TakeHeader(in header);
        }
        if (progress && (_anchorOp != 0 || (CommitMin < Op && !ChainIsWhole))) SendGetHeaders();
    }

    private bool TakeHeader(in Header header)
    {
        ulong op = header.Prepare.Op;
        if (_anchorOp != 0)
        {
            if (op != _anchorOp || header.Checksum != _anchorChecksum) return false;
            if (op <= _schedule.PrepareMax(CheckpointOp)) ReachAnchor(in header);
            else
            {
                _anchorOp--;
                _anchorChecksum = header.Prepare.Parent;
            }
            return true;
        }
        if (Status != ReplicaStatus.Normal || CommitMin >= Op || op + 1 != _chainFrom || op <= CommitMin) return false;
        bool known = _journal.TryKnown(_chainFrom, out Header upper);
        Check.That(known);
        if (upper.Prepare.Parent != header.Checksum) return false;
        _journal.Accept(in header);
        DescendChain();
        return true;
    }

    /// <summary>The log is known down to where the journal may hold it: this entry becomes the head.</summary>
    private void ReachAnchor(in Header header)
    {
        _anchorOp = 0;
        if (Status == ReplicaStatus.ViewChange)
        {
            InstallLog(new ReadOnlySpan<Header>(in header), CommitMax);
            return;
        }
        if (header.Prepare.Op <= Op) return;
        _journal.Accept(in header);
        SetHead(in header);
    }

    private ulong RepairPatienceTicks => ulong.Clamp(
        RepairPatienceFactor * _repairTicks, RepairPatienceTicksMin, RepairPatienceTicksMax);

    private void GetPrepares()
    {
        for (int i = 0; i < _repairs.Length; i++)
            if (_repairs[i].Op != 0 && _repairs[i].Asked + RepairPatienceTicks <= Ticks) _repairs[i] = default;
        ulong from = ulong.Max(CommitMin + 1, _chainFrom);
        ulong window = from + (ulong)_recent.Length;
        for (ulong op = from; op <= Op && op < window; op++)
        {
            bool missing = !_journal.TryHeader(op, out _) && RecentAt(op) is null && !_journal.IsWriting(op);
            if (missing && !IsAskedFor(op)) GetPrepare(op);
        }
    }

    private bool IsAskedFor(ulong op)
    {
        for (int i = 0; i < _repairs.Length; i++)
            if (_repairs[i].Op == op) return true;
        return false;
    }

    private void GetPrepare(ulong op)
    {
        int free = -1;
        for (int i = 0; i < _repairs.Length && free < 0; i++)
            if (_repairs[i].Op == 0) free = i;
        if (free < 0 || !_journal.TryKnown(op, out Header header)) return;
        if (NewMessage(Command.GetPrepare) is not Message message) return;
        _options.Marks.Hit(Mark.PrepareRepaired);
        _repairs[free] = new RepairRequest { Op = op, Asked = Ticks };
        message.Header.GetPrepare = new GetPrepareFields { PrepareChecksum = header.Checksum, Op = op };
        // A new primary must have it soon, and does not know who does.
        if (IsPrimary) SealAndBroadcast(message);
        else SealAndSend(RepairPeer(), message);
    }

    private void OnGetPrepare(in Header get)
    {
        if (Status == ReplicaStatus.RecoveringHead) return;
        EntryOwed owed = new()
        {
            Op = get.GetPrepare.Op, Checksum = get.GetPrepare.PrepareChecksum, Replica = get.Replica,
        };
        // A full queue is no loss: who gets no answer asks again.
        if (Holds(in owed) && (!_entriesOwed.IsEmpty || !TrySend(in owed))) _entriesOwed.TryAdd(owed);
    }

    /// <summary>Entries of a view that is not durable here yet have come before it.</summary>
    private bool Holds(in EntryOwed owed) => _journal.TryHeader(owed.Op, out Header header) &&
        header.Checksum == owed.Checksum && header.View <= _superblock.Working.View;

    /// <summary>False if it has to be read first and no read or buffer is free.</summary>
    private bool TrySend(in EntryOwed owed)
    {
        if (RecentAt(owed.Op) is Message recent)
        {
            SendToReplica(owed.Replica, recent);
            return true;
        }
        return TryReadAndSend(owed.Op, owed.Replica);
    }

    /// <summary>A read may have become free.</summary>
    private bool AdvanceOwed()
    {
        bool progress = false;
        while (!_entriesOwed.IsEmpty)
        {
            EntryOwed owed = _entriesOwed[0];
            // It may have rotted, or have been overwritten, while it waited.
            if (Holds(in owed) && !TrySend(in owed)) break;
            _entriesOwed.TryTake(out _);
            progress = true;
        }
        return progress;
    }
}
