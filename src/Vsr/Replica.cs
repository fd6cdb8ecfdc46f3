using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What a replica is told at its making; all of it is also in its data file and is compared at open.</summary>
public sealed class ReplicaOptions
{
    public required UInt128 Cluster { get; init; }

    /// <summary>Replicas count from 0, standbys go on from there.</summary>
    public byte ReplicaIndex { get; init; }

    /// <summary>Replicas that have a voice.</summary>
    public byte ReplicaCount { get; init; } = 1;

    /// <summary>Standbys that the cluster may have. Not in the file: it may change from one start to the
    /// next.</summary>
    public byte StandbyCount { get; init; }
    public required Configuration Configuration { get; init; }

    /// <summary>Where decisions are told; one per replica or one per simulated cluster.</summary>
    public Trace Trace { get; init; } = new();
    public Marks Marks { get; init; } = new();

    /// <summary>The oldest and the newest release that this software can run the log with.</summary>
    public uint ReleaseMin { get; init; } = Header.ReleaseOldest;
    public uint ReleaseMax { get; init; } = Header.ReleaseCurrent;

    /// <summary>Makes the timeouts of replicas differ. Nothing in the log or the state follows from it.</summary>
    public ulong Seed { get; init; }

    public int MemberCount => ReplicaCount + StandbyCount;
    public bool IsStandby => ReplicaIndex >= ReplicaCount;

    internal ProtocolPlant Plant { get; init; }
}

/// <summary>One replica of the log and the state machine behind it. Single-threaded and never blocking: its owner calls
/// <see cref="Open"/> once, then <see cref="Tick"/> every 10 ms, <see cref="OnMessage"/> and <see
/// cref="OnCompletion"/> as things happen, each to its end before the next and never from inside a call to the disk
/// or the bus. Everything is allocated by the constructor. Struct parameters are copied into the parts, so they must
/// be handles to shared state.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
    where TStateMachine : IStateMachine
    where TDisk : IDisk
    where TBus : IMessageBus
    where TClock : IClock
{
    /// <summary>Messages to one client that a bus may keep at a time without starving the commits.</summary>
    public const int BusMessagesPerClientMax = 2;

    /// <summary>Messages to one replica that a bus may keep at a time.</summary>
    public const int BusMessagesPerReplicaMax = 12;
    private const int ReplyWritesMax = 2;
    private const int MessagesExtra = 8;

    private readonly ReplicaOptions _options;
    private readonly Configuration _configuration;
    private readonly DataFileLayout _layout;
    private readonly CheckpointSchedule _schedule;
    private readonly MessagePool _messages;
    private readonly Superblock<TDisk> _superblock;
    private readonly Journal<TDisk> _journal;
    private readonly ClientReplies<TDisk> _replies;
    private readonly ClientSessions _sessions;
    private readonly Quorums _quorums;
    private readonly byte _self;
    private readonly byte _replicaCount;

    /// <summary>Replicas and, after them, standbys.</summary>
    private readonly byte _memberCount;

    /// <summary>This one follows the log and has no voice in it, see <see
    /// cref="CommandRights.IsFromStandby"/>.</summary>
    private readonly bool _isStandby;

    /// <summary>The only one that has a voice: nobody to agree with, or to get anything from.</summary>
    private readonly bool _isSingle;
    private TStateMachine _stateMachine;
    private TDisk _disk;
    private TBus _bus;
    private TClock _clock;
    private readonly ICheckpointObserver? _observer;

    /// <summary>May be ahead of what is durable, see <see cref="View"/>.</summary>
    private uint _view;

    /// <summary>The last view in which the status was normal, or is about to be.</summary>
    private uint _logView;

    public Replica(
        ReplicaOptions options, StaticMemory memory,
        TStateMachine stateMachine, TDisk disk, TBus bus, TClock clock, ICheckpointObserver? observer = null)
    {
        Check.That(options.ReplicaIndex < options.MemberCount && options.MemberCount <= Limits.MembersMax);
        Check.That(options.ReleaseMin > 0 && options.ReleaseMin <= options.ReleaseMax);
        _options = options;
        _configuration = options.Configuration;
        _self = options.ReplicaIndex;
        _replicaCount = options.ReplicaCount;
        _memberCount = (byte)options.MemberCount;
        _isStandby = options.IsStandby;
        _isSingle = _replicaCount == 1 && !_isStandby;
        _quorums = new Quorums(_replicaCount);
        _stateMachine = stateMachine;
        _disk = disk;
        _bus = bus;
        _clock = clock;
        _observer = observer;
        _layout = new DataFileLayout(_configuration);
        _schedule = new CheckpointSchedule(_configuration);
        int sessions = _configuration.SessionsMax;
        int between = _memberCount == 1 ? 0 : _memberCount * BusMessagesPerReplicaMax + BlocksMax;
        _messages = new MessagePool(
            memory, sessions * (1 + BusMessagesPerClientMax) + ReplyWritesMax + MessagesExtra + between,
            _configuration.MessageSizeMax);
        Check.That(DataFileFormat.Suits(_configuration, _memberCount));
        _readReplies = new MessagePool(
            memory, sessions * BusMessagesPerClientMax, _configuration.MessageSizeMax);
        _superblock = new Superblock<TDisk>(memory, disk);
        _journal = new Journal<TDisk>(memory, disk, _layout, options.Cluster, _configuration, _isSingle);
        _replies = new ClientReplies<TDisk>(memory, disk, _layout, ReplyWritesMax);
        _sessions = new ClientSessions(sessions);
        _orderedOps = new ulong[sessions];
        _members = new GroupMember[sessions];
        _recent = new Message?[2 * _configuration.PipelineMax];
        _acknowledged = new uint[_configuration.PipelineMax];
        int headers = int.Min(_configuration.PipelineMax + 1, SuperblockCopy.ViewHeadersMax);
        _joins = new JoinViewQuorum(_replicaCount, headers) { Plant = options.Plant };
        _random = Prng.For(options.Seed, options.ReplicaIndex);
        CreateTimeouts();
        if (!_isSingle) _stateMachine.AwaitRepairs();
        _sessionsTable = new byte[ClientSessions.TableSize(sessions)];
    }

    public ReplicaStatus Status { get; private set; }
    public StopReason StopReason { get; private set; }

    /// <summary>Journal slot that <see cref="StopReason"/> is about, or -1.</summary>
    public int StopSlot { get; private set; } = -1;

    /// <summary>Log entry that <see cref="StopReason"/> is about, or 0.</summary>
    public ulong StopOp { get; private set; }

    /// <summary>The durable view.</summary>
    public uint View => _superblock.Working.View;

    /// <summary>Last entry of the log, durable or not.</summary>
    public ulong Op { get; private set; }

    /// <summary>Last entry that is known to be committed.</summary>
    public ulong CommitMax { get; private set; }

    /// <summary>Last entry that the state machine has run.</summary>
    public ulong CommitMin { get; private set; }

    /// <summary>The state after <see cref="CommitMin"/> is at hand. A replica of a cluster may take part in it while
    /// its checkpoint is still being opened.</summary>
    public bool IsStateOpen => Running && Status != ReplicaStatus.Recovering && _commitStage != CommitStage.Open;

    /// <summary>The checkpoint that was taken from other replicas and whose blocks are not all here yet; 0:
    /// none.</summary>
    public ulong IncompleteOp => _superblock.Working.IncompleteOp;
    public ulong CheckpointOp => _superblock.Working.Checkpoint.Op;
    public UInt128 CheckpointId => _superblock.CheckpointId;
    public ulong Ticks { get; private set; }
    public int SessionsCount => _sessions.Count;
    public int PipelineCount => (int)(Op - CommitMin);

    /// <summary>Entries of the log wait because the observer of checkpoints holds them back.</summary>
    public bool IsHeldBack => Status == ReplicaStatus.Normal && CommitMin < CommitMax &&
        _commitStage == CommitStage.Idle && ObserverHoldsBack;

    /// <summary>In a cluster the other replicas keep what the observer has not taken yet; one that waited for it would
    /// only be left behind.</summary>
    private bool ObserverHoldsBack => _replicaCount == 1 && _observer?.HoldsBack == true;

    /// <summary>What opening put right.</summary>
    public int RepairedSuperblockCopies => _superblock.RepairedCopies;
    public int TornJournalSlots => _journal.TornSlots;
    public int FixedJournalHeaders => _journal.FixedSlots;
    public int ProvedJournalSlots => _journal.SlotsProved;

    /// <summary>For people: why the replica stopped and what to do.</summary>
    public string StopText()
    {
        string text = StopReasons.Text(StopReason);
        return StopSlot < 0 ? text : $"journal slot {StopSlot}, op {StopOp}: {text}";
    }

    /// <summary>Whether this replica is the one that orders the requests of its view.</summary>
    public bool IsPrimary => Status == ReplicaStatus.Normal && PrimaryOf(_view) == _self;

    private bool Running =>
        Status is not (ReplicaStatus.Closed or ReplicaStatus.Stopped or ReplicaStatus.Outdated);

    /// <summary>Messages handed to <see cref="OnMessage"/> that a replica may keep at a time. Whoever hands them over
    /// needs more than these, or the one that is waited for finds no buffer.</summary>
    public static int MessagesKeptMax(Configuration configuration, int memberCount) =>
        memberCount == 1 ? configuration.PipelineMax + 1 : 2 * configuration.PipelineMax + 1 + BlocksMax;

    private byte PrimaryOf(uint view) => (byte)(view % _replicaCount);

    public void Tick()
    {
        Ticks++;
        if (Running && Status != ReplicaStatus.Recovering && !_taking)
        {
            _stateMachine.Tick();
            TickTimeouts();
            TickUpgrade();
        }
        Advance();
    }

    /// <summary>A disk operation has ended; with <see cref="Token.ForeignBit"/> one of the state machine's.</summary>
    public void OnCompletion(uint token, IoResult result)
    {
        if (Status is ReplicaStatus.Stopped or ReplicaStatus.Outdated) return;
        Check.That(Status != ReplicaStatus.Closed);
        if ((token & Token.ForeignBit) == 0) Complete(Token.Kind(token), Token.Index(token), result);
        else _stateMachine.OnCompletion(token, result);
        if (_journal.WriteFailed || _replies.WriteFailed) Stop(StopReason.WriteFailed);
        if (_superblock.Problem != StopReason.None) Stop(_superblock.Problem);
        Advance();
    }

    private void Complete(TokenKind kind, int index, IoResult result)
    {
        switch (kind)
        {
            case TokenKind.Superblock: _superblock.OnCompletion(result); break;
            case TokenKind.JournalRecoveryHeaders: _journal.OnRecoveryHeaders(result); break;
            case TokenKind.JournalRecoveryPrepare: _journal.OnRecoveryPrepare(index, result); break;
            case TokenKind.JournalRepair: _journal.OnRepairCompletion(result); break;
            case TokenKind.JournalClean: _journal.OnCleanCompletion(result); break;
            case TokenKind.JournalWrite: _journal.OnWriteCompletion(index, result); break;
            case TokenKind.JournalRead: _journal.OnReadCompletion(index, result); break;
            case TokenKind.ReplyWrite: _replies.OnWriteCompletion(index, result); break;
            case TokenKind.ReplyRead: _replies.OnReadCompletion(result); break;
            case TokenKind.BlockRead: OnBlockRead(index, result); break;
            default: Check.Unreachable(); break;
        }
    }

    /// <summary>Takes every step that is possible now. Steps start disk operations; none of them waits.</summary>
    private void Advance()
    {
        bool progress = true;
        while (progress && Running)
        {
            if (_taking) progress = AdvanceSuperblock() | AdvanceTaking();
            else progress = Status == ReplicaStatus.Recovering
                ? AdvanceSuperblock() | AdvanceOpen()
                : AdvanceSuperblock() | AdvanceBlocks() | AdvanceView() | AdvanceJournal() | AdvanceQuorum() |
                    AdvanceReads() | AdvanceCommit() | AdvanceGathered() | AdvanceJournalReads() | AdvanceReplyRead();
        }
        if (Running) HeedStateMachine();
    }

    /// <summary>Whether tests have planted this bug.</summary>
    private bool Has(ProtocolPlant plant) => _options.Plant == plant;

    private void Tell(TraceCode code, ulong a, UInt128 b) =>
        _options.Trace.Add(code, _options.ReplicaIndex, a, unchecked((ulong)b));

    private void Stop(StopReason reason, int slot = -1, ulong op = 0)
    {
        Check.That(reason != StopReason.None);
        if (Status == ReplicaStatus.Stopped) return;
        Status = ReplicaStatus.Stopped;
        StopReason = reason;
        StopSlot = slot;
        StopOp = op;
    }

    /// <summary>The only way out to clients. Nothing is said that a crash could make the replica forget.</summary>
    private void SendToClient(UInt128 client, Message message)
    {
        ref Header header = ref message.Header;
        bool outside = header.Command == Command.ReadReply;
        Check.That(Status == ReplicaStatus.Normal || outside);
        Check.That(header.View <= _superblock.Working.View);
        Check.That(header.Cluster == _options.Cluster);
        Check.That(outside || header.Command is Command.Reply or Command.Eviction or Command.PongClient);
        if (header.Command == Command.Reply)
        {
            Check.That(header.Reply.Op <= CommitMin && header.Reply.Op <= CommitMax);
            Check.That(header.Reply.Client == client);
            Tell(TraceCode.ReplySent, header.Reply.Op, header.Checksum);
        }
        Check.That(header.ValidChecksum());
        Check.That(header.Invalid(_configuration.MessageSizeMax) is null);
        _bus.SendToClient(client, message);
    }

    /// <summary>The only way out to replicas: nobody is told of a view, or of an entry held in it, that a crash could
    /// make this replica forget.</summary>
    private void SendToReplica(byte replica, Message message)
    {
        ref Header header = ref message.Header;
        bool forgets = Has(ProtocolPlant.ForgetsView) || Has(ProtocolPlant.ForgetsLogView);
        Check.That(replica != _self && replica < _memberCount);
        bool acknowledges = Has(ProtocolPlant.StandbyAcknowledges) && header.Command == Command.PrepareOk;
        Check.That(!_isStandby || acknowledges || (replica < _replicaCount && header.Command.IsFromStandby()));
        Check.That(replica < _replicaCount || header.Command.IsToStandby());
        Check.That(forgets || header.View <= _superblock.Working.View);
        Check.That(header.Cluster == _options.Cluster);
        bool impliesLog = header.Command is Command.JoinView or Command.View or Command.PrepareOk;
        Check.That(forgets || !impliesLog || (_superblock.Working.LogView == _logView && header.View == _view));
        Check.That(header.ValidChecksum());
        Check.That(header.Invalid(_configuration.MessageSizeMax) is null);
        _bus.SendToReplica(replica, message);
    }

    private void Broadcast(Message message) => SendToAll(message, _replicaCount);

    /// <summary>To standbys too: what the log is, and how far it is committed.</summary>
    private void Publish(Message message) => SendToAll(message, _memberCount);

    private void SendToAll(Message message, byte count)
    {
        for (byte replica = 0; replica < count; replica++)
            if (replica != _self) SendToReplica(replica, message);
    }

    /// <summary>A message of this replica's, with its frame filled; null if there is no buffer. <see cref="Seal"/>
    /// before sending.</summary>
    private Message? NewMessage(Command command, int bodySize = 0)
    {
        Check.That(bodySize <= _configuration.MessageBodySizeMax);
        if (_messages.TryTake() is not Message message)
        {
            _options.Marks.Hit(Mark.PoolExhausted);
            return null;
        }
        message.Header = Header.Create(command, _options.Cluster, _view, _self, bodySize);
        return message;
    }

    private static void Seal(Message message)
    {
        message.Header.SetChecksumBody(message.Body);
        message.Header.SetChecksum();
    }

    private void SealAndSend(byte replica, Message message)
    {
        Seal(message);
        SendToReplica(replica, message);
        message.Release();
    }

    private void SealAndBroadcast(Message message)
    {
        Seal(message);
        Broadcast(message);
        message.Release();
    }
}
