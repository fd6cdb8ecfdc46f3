using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Normal operation: the primary makes entries and sends them to all, everybody writes them, and what a quorum
/// holds is committed.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Entries that are not committed here yet and whose bytes are still in memory, by op.</summary>
    private readonly Message?[] _recent;

    /// <summary>Who holds the entries that are not committed, by op; bit i is replica i. A backup keeps only its own
    /// bit.</summary>
    private readonly uint[] _acknowledged;

    /// <summary>No header is missing or stale from this op to the head.</summary>
    private ulong _chainFrom = 1;
    private UInt128 _headChecksum;
    private ulong _headTimestamp;

    /// <summary>The entry of an op if its bytes are in memory. What the log had there before may be too, and does not
    /// count.</summary>
    private Message? RecentAt(ulong op)
    {
        Message? message = _recent[(int)(op % (ulong)_recent.Length)];
        if (message is null || !_journal.TryKnown(op, out Header header)) return null;
        return message.Header.Checksum == header.Checksum ? message : null;
    }

    /// <summary>Keeps an entry in memory until it has been run; one that is needed sooner has precedence.</summary>
    private void KeepRecent(Message message)
    {
        ulong op = message.Header.Prepare.Op;
        Check.That(op > CommitMin);
        ref Message? place = ref _recent[(int)(op % (ulong)_recent.Length)];
        if (place is not null && place.Header.Prepare.Op < op) return;
        place?.Release();
        place = message.Reference();
    }

    private void DropRecent(ulong op)
    {
        ref Message? place = ref _recent[(int)(op % (ulong)_recent.Length)];
        if (place is null || place.Header.Prepare.Op != op) return;
        place.Release();
        place = null;
    }

    /// <summary>The head of the log becomes this entry.</summary>
    private void SetHead(in Header head)
    {
        ulong op = head.Prepare.Op;
        bool follows = op == Op + 1 && head.Prepare.Parent == _headChecksum;
        Op = op;
        _headChecksum = head.Checksum;
        _headTimestamp = head.Prepare.Timestamp;
        if (!follows) _chainFrom = op;
        // An anchor that was reached by other ways must not keep the repair from what lies below.
        if (_anchorOp <= op) _anchorOp = 0;
        DescendChain();
    }

    /// <summary>Goes down as far as each entry names the one below it.</summary>
    private void DescendChain()
    {
        if (_chainFrom <= CommitMin) _chainFrom = CommitMin + 1;
        while (_chainFrom > CommitMin + 1 && _chainFrom <= Op)
        {
            bool known = _journal.TryKnown(_chainFrom, out Header upper);
            Check.That(known);
            ulong below = _chainFrom - 1;
            if (_journal.TryFound(below, upper.Prepare.Parent, out Header found)) _journal.Accept(in found);
            if (!_journal.TryKnown(below, out Header lower) || lower.Checksum != upper.Prepare.Parent) return;
            _chainFrom--;
        }
    }

    /// <summary>Whether nothing is missing in the headers of what is to be run next.</summary>
    private bool ChainIsWhole => _chainFrom == CommitMin + 1;

    /// <summary>A primary that would drop a request, for want of room in the pipeline or in the journal, or because it
    /// does not know all of the log yet: a bus does better to let requests wait.</summary>
    public bool IsFull => IsPrimary && (PipelineCount >= _configuration.PipelineMax || Pauses ||
        Op + 1 > _schedule.PrepareMax(CheckpointOp) || !KnowsSessions);

    /// <summary>Turns the request into the next entry of the log; false with the pipeline full: it is dropped and the
    /// client resends.</summary>
    private bool TryPrepare(Message message)
    {
        if (IsFull)
        {
            _options.Marks.Hit(Mark.PipelineFull);
            return false;
        }
        ref readonly Header request = ref message.Header;
        PrepareEntry(message, new PrepareFields
        {
            RequestChecksum = request.Checksum,
            Client = request.Request.Client,
            RequestNumber = request.Request.RequestNumber,
            Operation = request.Request.Operation,
        }, HeadRelease);
        return true;
    }

    /// <summary>The message's body becomes the next entry of the log.</summary>
    /// <param name="message">With the size and the checksum of its body.</param>
    /// <param name="fields">Who asks for what; the rest is filled in.</param>
    /// <param name="release">That the entry is run with.</param>
    private void PrepareEntry(Message message, in PrepareFields fields, uint release)
    {
        ulong op = Op + 1;
        Check.That(IsPrimary && !IsFull && release >= HeadRelease);
        ulong now = _clock.RealtimeNanoseconds;
        if (now < _headTimestamp) _options.Marks.Hit(Mark.ClockWentBack);
        bool later = now > _headTimestamp || Has(ProtocolPlant.TrustsClock);
        ulong timestamp = later ? now : checked(_headTimestamp + 1);
        ref Header header = ref message.Header;
        UInt128 checksumBody = header.ChecksumBody;
        header = Header.Create(
            Command.Prepare, _options.Cluster, _view, _self, (int)header.Size - Limits.HeaderSize);
        header.Release = release;
        header.ChecksumBody = checksumBody;
        header.Prepare = fields;
        header.Prepare.Parent = _headChecksum;
        header.Prepare.CheckpointId = CheckpointId;
        header.Prepare.Op = op;
        header.Prepare.Commit = CommitMax;
        header.Prepare.Timestamp = timestamp;
        header.SetChecksum();
        Check.That(header.Invalid(_configuration.MessageSizeMax) is null);
        ClearTail(message);
        Acknowledged(op) = 0;
        _journal.Accept(in header);
        KeepRecent(message);
        SetHead(in header);
        Tell(TraceCode.Prepared, op, header.Checksum);
        Publish(message);
    }

    private static void ClearTail(Message message)
    {
        int size = (int)message.Header.Size;
        message.Buffer.Slice(size, DataFileLayout.SectorCeiling(size) - size).Clear();
    }

    private ref uint Acknowledged(ulong op) => ref _acknowledged[(int)(op % (ulong)_acknowledged.Length)];

    /// <summary>An entry from the primary, or one that this replica has asked for.</summary>
    private void OnPrepare(Message message)
    {
        ref Header header = ref message.Header;
        ulong op = header.Prepare.Op;
        if (header.Prepare.Operation == Operation.Root || op > _schedule.PrepareMax(CheckpointOp))
        {
            OnPrepareBeyond(in header);
            return;
        }
        bool ofView = header.View == _view || (Has(ProtocolPlant.AcceptsOldEntries) && header.View < _view);
        bool fresh = Status == ReplicaStatus.Normal && ofView && !IsPrimary;
        if (fresh)
        {
            HeardPrimary();
            LearnCommit(header.Prepare.Commit);
            if (op > Op) Extend(in header);
        }
        // The primary sends an entry of an earlier view again, so it is in the log, which is longer than this replica
        // knows.
        if (op > Op && header.View < _view && Status == ReplicaStatus.Normal && !IsPrimary) SendGetView();
        if (op > Op || !_journal.TryKnown(op, out Header known) || known.Checksum != header.Checksum) return;
        if (_journal.TryHeader(op, out _)) SendPrepareOk(in header);
        else if (op > CommitMin) TakeEntry(message);
        else RestoreEntry(message);
    }

    private void OnPrepareBeyond(in Header header)
    {
        bool fresh = Status == ReplicaStatus.Normal && header.View == _view && !IsPrimary;
        if (!fresh || header.Prepare.Op <= Op) return;
        HeardPrimary();
        LearnCommit(header.Prepare.Commit);
        Anchor(header.Prepare.Op, header.Checksum);
    }

    /// <summary>The primary's newest entry becomes the head; what lies between is repaired.</summary>
    private void Extend(in Header header)
    {
        bool ofView = header.View == _view || Has(ProtocolPlant.AcceptsOldEntries);
        Check.That(header.Prepare.Op > Op && ofView);
        Check.That(header.Prepare.Op != Op + 1 || header.Prepare.Parent == _headChecksum, "one view has one log");
        if (header.Prepare.Op > Op + 1) _options.Marks.Hit(Mark.LogGap);
        _journal.Accept(in header);
        SetHead(in header);
    }

    private void TakeEntry(Message message)
    {
        ClearTail(message);
        KeepRecent(message);
        OnRepaired(message.Header.Prepare.Op);
        if (_journal.CanWrite(message.Header.Prepare.Op)) _journal.WritePrepare(message);
    }

    /// <summary>Writes what is in memory and not durable.</summary>
    private bool AdvanceJournal()
    {
        bool progress = false;
        for (int i = 0; i < _recent.Length; i++)
        {
            ulong op = CommitMin + 1 + (ulong)i;
            if (op > Op) break;
            if (RecentAt(op) is not Message message) continue;
            if (_journal.TryHeader(op, out _) || !_journal.CanWrite(op)) continue;
            Check.That(op <= _schedule.PrepareMax(CheckpointOp));
            if (op >= (ulong)_configuration.JournalSlots) _options.Marks.Hit(Mark.JournalWrapped);
            _journal.WritePrepare(message);
            progress = true;
        }
        return progress | _journal.TryProve() | AcknowledgeDurable();
    }

    /// <summary>Tells the primary, or notes as the primary, which entries have become durable here.</summary>
    private bool AcknowledgeDurable()
    {
        if (Status != ReplicaStatus.Normal || !ViewIsDurable || KeepsQuiet) return false;
        bool progress = false;
        uint own = 1u << _self;
        ulong last = ulong.Min(Op, CommitMax + (ulong)_acknowledged.Length);
        for (ulong op = CommitMax + 1; op <= last; op++)
        {
            bool held = _journal.TryHeader(op, out Header header) ||
                (Has(ProtocolPlant.AcknowledgesEarly) && _journal.TryKnown(op, out header));
            if ((Acknowledged(op) & own) != 0 || !held) continue;
            if (op < _chainFrom || op > AcknowledgeMax) continue;
            Acknowledged(op) |= own;
            Tell(TraceCode.PrepareDurable, op, header.Checksum);
            if (!IsPrimary) SendPrepareOk(in header);
            progress = true;
        }
        return progress;
    }

    /// <summary>An acknowledgement also says that a recent checkpoint is durable here: none is given for entries far
    /// beyond the next one, nor beyond the last one if blocks of it are still missing.</summary>
    private ulong AcknowledgeMax
    {
        get
        {
            ulong incomplete = _superblock.Working.IncompleteOp == 0 ? 0 : _schedule.IntervalOps;
            Check.That(incomplete == 0 || CheckpointOp + 1 >= incomplete);
            ulong limit = _schedule.TriggerOfNext(CheckpointOp) + (ulong)_configuration.PipelineMax;
            return limit - incomplete;
        }
    }

    /// <summary>What a standby holds counts for nothing.</summary>
    private bool KeepsQuiet => _isStandby && !Has(ProtocolPlant.StandbyAcknowledges);

    private void SendPrepareOk(in Header prepare)
    {
        ulong limit = AcknowledgeMax;
        bool may = Status == ReplicaStatus.Normal && !IsPrimary && ViewIsDurable && prepare.Prepare.Op <= limit &&
            !KeepsQuiet;
        bool unproved = prepare.Prepare.Op > CommitMin && prepare.Prepare.Op < _chainFrom;
        if (!may || unproved) return;
        if (NewMessage(Command.PrepareOk) is not Message message) return;
        message.Header.PrepareOk = new PrepareOkFields
        {
            Parent = prepare.Prepare.Parent,
            PrepareChecksum = prepare.Checksum,
            CheckpointId = prepare.Prepare.CheckpointId,
            Client = prepare.Prepare.Client,
            Op = prepare.Prepare.Op,
            CommitMin = CommitMin,
            Timestamp = prepare.Prepare.Timestamp,
            RequestNumber = prepare.Prepare.RequestNumber,
            Operation = prepare.Prepare.Operation,
        };
        SealAndSend(PrimaryOf(_view), message);
    }

    private void OnPrepareOk(in Header ok)
    {
        if (!IsPrimary || ok.View != _view) return;
        HearProgress(ok.Replica, ok.PrepareOk.CommitMin);
        ulong op = ok.PrepareOk.Op;
        if (op <= CommitMax || op > Op || op > CommitMax + (ulong)_acknowledged.Length) return;
        if (!_journal.TryKnown(op, out Header header) || header.Checksum != ok.PrepareOk.PrepareChecksum) return;
        Acknowledged(op) |= 1u << ok.Replica;
    }

    /// <summary>What a quorum holds is committed, in order.</summary>
    private bool AdvanceQuorum()
    {
        if (!IsPrimary || !ViewIsDurable) return false;
        bool progress = false;
        int quorum = Has(ProtocolPlant.AnswersBeforeCommit) ? 0
            : _quorums.Replication - (Has(ProtocolPlant.ReplicationTooSmall) ? 1 : 0);
        while (CommitMax < Op && CommitMax + 1 >= _chainFrom &&
            System.Numerics.BitOperations.PopCount(Acknowledged(CommitMax + 1)) >= quorum)
        {
            LearnCommit(CommitMax + 1);
            progress = true;
        }
        return progress;
    }

    private void LearnCommit(ulong commit)
    {
        while (CommitMax < commit)
        {
            CommitMax++;
            Acknowledged(CommitMax) = 0;
            if (commit - CommitMax > (ulong)_acknowledged.Length) CommitMax = commit - (ulong)_acknowledged.Length;
        }
    }

    /// <summary>Entries that lack acknowledgements go out again.</summary>
    private void ResendPrepares()
    {
        if (!IsPrimary) return;
        for (ulong op = CommitMax + 1; op <= Op; op++)
        {
            if (RecentAt(op) is Message recent) SendToSilent(op, recent);
            else TryReadAndSend(op, ToSilent);
        }
    }

    /// <summary>To all that have not acknowledged it.</summary>
    private void SendToSilent(ulong op, Message entry)
    {
        uint acknowledged = op > CommitMax && op <= Op ? Acknowledged(op) : uint.MaxValue;
        for (byte replica = 0; replica < _replicaCount; replica++)
            if (replica != _self && (acknowledged & 1u << replica) == 0) SendToReplica(replica, entry);
    }

    /// <summary>Has an entry read that is durable here, and sent; false if no read or no buffer is free.</summary>
    private bool TryReadAndSend(ulong op, byte destination)
    {
        if (!_journal.CanRead(own: false) || !_journal.TryHeader(op, out _)) return false;
        if (_messages.TryTake() is not Message message) return false;
        _journal.ReadPrepare(op, message, destination);
        return true;
    }

    /// <summary>Destination of a read whose entry goes to all that have not acknowledged it.</summary>
    private const byte ToSilent = byte.MaxValue - 1;

    private bool AdvanceJournalReads()
    {
        if (!_journal.TryTakeRead(out Message message, out Header expected, out byte destination, out bool sound))
            return AdvanceOwed();
        if (destination == Journal<TDisk>.OwnRead) OnOwnRead(message, in expected, sound);
        else if (sound && destination == ToSilent && IsPrimary) SendToSilent(expected.Prepare.Op, message);
        else if (sound && destination != ToSilent) SendToReplica(destination, message);
        message.Release();
        return true;
    }

    private void SendCommit()
    {
        if (!IsPrimary || !ViewIsDurable || CommitMax < CheckpointOp || Abdicates) return;
        if (NewMessage(Command.Commit) is not Message message) return;
        // A new primary may lack what the log has there, and is to be heard all the same.
        bool known = CommitMax >= _chainFrom && _journal.TryKnown(CommitMax, out _);
        ulong commit = known ? CommitMax : CommitMin;
        message.Header.Commit = new CommitFields
        {
            CommitChecksum = HeaderAt(commit).Checksum,
            CheckpointId = CheckpointId,
            CheckpointOp = CheckpointOp,
            Commit = commit,
            Timestamp = ulong.Max(_clock.MonotonicNanoseconds, 1),
        };
        Seal(message);
        Publish(message);
        message.Release();
    }

    private void OnCommit(in Header commit)
    {
        bool ofPrimary = commit.View == _view && commit.Replica == PrimaryOf(_view) && !IsPrimary;
        // Who was told a log that goes beyond what it can hold takes a while to follow, and has no cause to want yet
        // another view while this one is alive.
        if (ofPrimary && Status == ReplicaStatus.ViewChange && _toldCount > 0) _viewChangeTimeout.Reset();
        bool current = Status == ReplicaStatus.Normal && ofPrimary;
        current |= Has(ProtocolPlant.CommitsForeignLog) && Status == ReplicaStatus.Normal && commit.View > _view;
        if (!current) return;
        HeardPrimary();
        LearnCommit(commit.Commit.Commit);
        if (commit.Commit.Commit > Op) Anchor(commit.Commit.Commit, commit.Commit.CommitChecksum);
    }
}
