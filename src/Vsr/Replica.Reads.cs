using System;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Reads outside of the log. They run between two entries, one at a time and in turn with them, and leave
/// nothing behind.
/// <para>A strong one has to see every write that was answered before it came. Those of this view were answered by
/// this primary, which had run them. Those of earlier views are in the log with which the view began, and have been
/// run once the state has reached its head. Those of a later view are excluded by a round of confirmations that
/// begins after the read has come: so many replicas work in this view then that every quorum that could have begun a
/// later one includes one of them (<see cref="Quorums.Confirmation"/>), and it takes its place there only
/// afterwards.</para></summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>How long a read may wait, in ticks. Whoever sent it asks again sooner.</summary>
    private const ulong ReadPatienceTicks = 500;

    private struct WaitingRead
    {
        /// <summary>Null: the place is free.</summary>
        public Message? Message;
        public ulong Arrival;
        public ulong Expires;

        /// <summary>Of a strong one: the view that it came in, the round that confirms it, and the least op that its
        /// answer must contain.</summary>
        public uint View;
        public ulong Round;
        public ulong CommitLeast;
    }

    private readonly WaitingRead[] _reads = new WaitingRead[Limits.ReadsMax];
    private readonly MessagePool _readReplies;
    private int _readsCount;
    private ulong _readArrivals;

    /// <summary>The read that runs, and the buffer of its answer.</summary>
    private Message? _reading;
    private Message? _readReply;

    /// <summary>What had been committed when the last read ran: after each entry it is the reads' turn.</summary>
    private ulong _readAtCommit;

    /// <summary>Rounds of confirmation that were begun and that have ended. They never repeat within a view, for a
    /// primary that has lost its memory takes no part in its old view any more.</summary>
    private ulong _round;
    private ulong _roundConfirmed;
    private uint _roundView;
    private uint _roundVotes;

    /// <summary>Head of the log with which the view of this primary began.</summary>
    private ulong _viewHead;

    private static bool IsStrong(in Header read) => read.ReadRequest.Consistency == ReadConsistency.Strong;

    private void OnRead(Message message)
    {
        ref Header header = ref message.Header;
        if (!_stateMachine.Reads(header.ReadRequest.Operation, message.Body))
        {
            Refuse(in header, ReadResult.NotARead);
            return;
        }
        if (IsStrong(in header) && !IsPrimary)
        {
            Refuse(in header, ReadResult.NotPrimary);
            return;
        }
        int place = PlaceOf(header.ReadRequest.Client);
        if (place < 0)
        {
            _options.Marks.Hit(Mark.ReadsFull);
            Refuse(in header, ReadResult.Busy);
            return;
        }
        ref WaitingRead read = ref _reads[place];
        if (read.Message is not null && read.Message.Header.Checksum == header.Checksum) return;
        Forget(ref read);
        _readsCount++;
        read.Message = message.Reference();
        read.Arrival = ++_readArrivals;
        read.Expires = Ticks + ReadPatienceTicks;
        if (!IsStrong(in header)) return;
        if (_roundView != _view) BeginRounds();
        read.View = _view;
        read.Round = _round + 1;
        read.CommitLeast = ulong.Max(CommitMax, _viewHead);
    }

    /// <summary>The place of this client's waiting read, else a free one, else -1.</summary>
    private int PlaceOf(UInt128 client)
    {
        int place = -1;
        for (int i = 0; i < _reads.Length; i++)
        {
            Message? message = _reads[i].Message;
            if (message is not null && message.Header.ReadRequest.Client == client) return i;
            if (message is null && place < 0) place = i;
        }
        return place;
    }

    private void Forget(ref WaitingRead read)
    {
        if (read.Message is null) return;
        Check.That(_readsCount > 0);
        read.Message.Release();
        read = default;
        _readsCount--;
    }

    private void BeginRounds()
    {
        _roundView = _view;
        _roundConfirmed = _round;
    }

    /// <summary>Refuses reads that cannot be answered here any more, and begins a round for those that need one. True
    /// if something moved.</summary>
    private bool AdvanceReads()
    {
        if (_readsCount == 0) return false;
        bool progress = false;
        bool wanted = false;
        for (int i = 0; i < _reads.Length; i++)
        {
            ref WaitingRead read = ref _reads[i];
            if (read.Message is not Message message) continue;
            bool strong = IsStrong(in message.Header);
            bool lost = strong && (!IsPrimary || read.View != _view);
            if (lost || read.Expires <= Ticks)
            {
                Refuse(in message.Header, lost ? ReadResult.NotPrimary : ReadResult.Busy);
                Forget(ref read);
                progress = true;
            }
            else
            {
                wanted |= strong && read.Round > _round;
            }
        }
        if (!wanted || _round > _roundConfirmed || !ViewIsDurable) return progress;
        _round++;
        _roundVotes = 1u << _self;
        _confirmTimeout.Reset();
        CountConfirmations();
        SendConfirmView();
        return true;
    }

    /// <summary>To those that have not answered in this round.</summary>
    private void SendConfirmView()
    {
        bool open = IsPrimary && ViewIsDurable && _roundView == _view && _round > _roundConfirmed;
        if (!open || NewMessage(Command.ConfirmView) is not Message message) return;
        message.Header.ConfirmView.Round = _round;
        Seal(message);
        for (byte replica = 0; replica < _replicaCount; replica++)
            if ((_roundVotes & 1u << replica) == 0) SendToReplica(replica, message);
        message.Release();
    }

    private void OnConfirmView(in Header confirm)
    {
        bool stands = Status == ReplicaStatus.Normal && ViewIsDurable && confirm.View == _view &&
            confirm.Replica == PrimaryOf(_view);
        if (!stands || NewMessage(Command.ViewConfirmed) is not Message message) return;
        message.Header.ConfirmView.Round = confirm.ConfirmView.Round;
        SealAndSend(confirm.Replica, message);
    }

    private void OnViewConfirmed(in Header confirmed)
    {
        bool counts = IsPrimary && confirmed.View == _view && _roundView == _view && _round > _roundConfirmed &&
            confirmed.ConfirmView.Round == _round;
        if (!counts) return;
        _roundVotes |= 1u << confirmed.Replica;
        CountConfirmations();
    }

    private void CountConfirmations()
    {
        bool confirmed = BitOperations.PopCount(_roundVotes) >= _quorums.Confirmation;
        if (!confirmed && !Has(ProtocolPlant.SkipsConfirmation)) return;
        _roundConfirmed = _round;
        _options.Marks.Hit(Mark.ViewConfirmed);
    }

    /// <summary>Between two entries: the next entry or the next read, whichever's turn it is and can begin.</summary>
    private bool CommitOrRead()
    {
        Check.That(_commitStage == CommitStage.Idle);
        return _readAtCommit != CommitMin ? ReadNext() || CommitNext() : CommitNext() || ReadNext();
    }

    /// <summary>Begins with the oldest read that can be answered.</summary>
    private bool ReadNext()
    {
        // An entry that is being read from the journal must find the state machine free, or reads could keep it out for
        // ever.
        if (_ownReading || _readsCount == 0) return false;
        int next = -1;
        for (int i = 0; i < _reads.Length; i++)
        {
            if (!CanRun(in _reads[i])) continue;
            if (next < 0 || _reads[i].Arrival < _reads[next].Arrival) next = i;
        }
        if (next < 0) return false;
        ref WaitingRead read = ref _reads[next];
        Message message = read.Message!;
        if (IsTooOld(in message.Header))
        {
            Refuse(in message.Header, ReadResult.TooOld);
            Forget(ref read);
            return true;
        }
        if (_readReplies.TryTake() is not Message reply) return false;
        _reading = message.Reference();
        _readReply = reply;
        _readAtCommit = CommitMin;
        _commitStage = CommitStage.Read;
        Forget(ref read);
        return true;
    }

    private bool CanRun(in WaitingRead read)
    {
        if (read.Message is null) return false;
        if (!IsStrong(in read.Message.Header)) return true;
        bool confirmed = IsPrimary && read.View == _view && read.Round <= _roundConfirmed;
        return confirmed && CommitMin >= read.CommitLeast;
    }

    private bool AdvanceRead()
    {
        Message read = _reading!;
        Message reply = _readReply!;
        Header header = read.Header;
        OperationContext context = new(CommitMin, CommittedTimestamp, header.ReadRequest.Operation);
        if (!_stateMachine.PrefetchRead(in context, read.Body))
        {
            _options.Marks.Hit(Mark.PrefetchWaited);
            return false;
        }
        int size = _stateMachine.Read(
            in context, read.Body, reply.Buffer.Slice(Limits.HeaderSize, _configuration.MessageBodySizeMax));
        Check.That(size >= 0 && size <= _configuration.MessageBodySizeMax);
        // It may have waited long for its blocks.
        bool old = IsTooOld(in header);
        SendReadReply(in header, old ? ReadResult.TooOld : ReadResult.Answered, reply, old ? 0 : size);
        _reading = null;
        _readReply = null;
        read.Release();
        _commitStage = CommitStage.Idle;
        return true;
    }

    /// <summary>Of the last entry that was run; 0 if there is none.</summary>
    private ulong CommittedTimestamp => CommitMin == CheckpointOp
        ? _superblock.Working.Checkpoint.Prepare.Prepare.Timestamp
        : HeaderAt(CommitMin).Prepare.Timestamp;

    private void Refuse(in Header read, ReadResult result)
    {
        if (_readReplies.TryTake() is Message reply) SendReadReply(in read, result, reply, bodySize: 0);
    }

    /// <summary>Releases the reply. Its view may be one that this replica has left: it only tells where to ask
    /// next.</summary>
    private void SendReadReply(in Header read, ReadResult result, Message reply, int bodySize)
    {
        Check.That(result == ReadResult.Answered || bodySize == 0);
        ref Header header = ref reply.Header;
        header = Header.Create(Command.ReadReply, _options.Cluster, View, _self, bodySize);
        header.ReadReply = new ReadReplyFields
        {
            ReadChecksum = read.Checksum,
            Client = read.ReadRequest.Client,
            Number = read.ReadRequest.Number,
            Commit = CommitMin,
            Timestamp = CommittedTimestamp,
            Operation = read.ReadRequest.Operation,
            Consistency = read.ReadRequest.Consistency,
            Result = result,
        };
        Seal(reply);
        Tell(TraceCode.ReadAnswered, CommitMin, header.Checksum);
        SendToClient(header.ReadReply.Client, reply);
        reply.Release();
    }
}
