using System;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.Timeline;
using Deterministic.StateMachine;
using Deterministic.Storage;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>What all replicas of a run have in common.</summary>
internal sealed class ReplicaWorld
{
    public required long CacheSize { get; init; }
    public required ComputeBackend Compute { get; init; }
    public required Func<StateMachine.StateMachine, OracleStateMachine> Judge { get; init; }
    public required CommitHistory History { get; init; }
    public required LogAgreement Log { get; init; }
    public required Coverage Coverage { get; init; }
    public required Plant Plant { get; init; }
    public required Chronicle? Chronicle { get; init; }
}

/// <summary>The production replica over the production state machine on a simulated disk, clock and network. A crash
/// drops all of it but the disk; a start makes it anew in memory of its own.</summary>
internal sealed class SimulatedReplica(
    ReplicaOptions options, ReplicaWorld world, SimulatedDisk disk, SimulatedBus bus, SimulatedClock clock,
    SpokenWord spoken, JournalWatch journal, CrashDamage damage, SimulatedArchive? archive)
    : IDisposable
{
    private readonly ReplicaWatch? _watch =
        world.Chronicle is null ? null : new ReplicaWatch(world.Chronicle, options.ReplicaIndex);
    private StaticMemory? _memory;
    private MessagePool? _messages;
    private OracleStateMachine? _machine;
    private Replica<OracleStateMachine, SimulatedDisk, SimulatedBus, SimulatedClock>? _replica;
    private Forest? _forest;
    private bool _opened;

    /// <summary>The superblock has been read, and compared with what this replica had said before.</summary>
    private bool _identified;

    /// <summary>The last entry whose commit the checkers have seen in this life.</summary>
    private ulong _seen;
    private ulong _readsFailedBefore;
    private bool _logWasWhole = true;

    public byte Index => options.ReplicaIndex;
    public bool IsStandby => options.IsStandby;

    /// <summary>The newest release that its software knows, from its next start on.</summary>
    public uint ReleaseMax { get; set; } = options.ReleaseMax;
    public SimulatedDisk Disk => disk;
    public SimulatedClock Clock => clock;
    public CrashDamage Damage => damage;

    /// <summary>The greatest position that this replica has committed in any of its lives.</summary>
    public ulong Committed { get; private set; }

    /// <summary>Ticks until a replica that is down starts again; the greatest number for never.</summary>
    public int TicksDown { get; set; }

    /// <summary>Ticks for which it stands still and hears nothing, as a process that is stopped.</summary>
    public int TicksPaused { get; set; }

    public bool Running => _replica is not null;
    public bool Normal => _replica?.Status == ReplicaStatus.Normal;
    public bool Stopped => _replica?.Status == ReplicaStatus.Stopped;
    public StopReason StopReason => _replica?.StopReason ?? StopReason.None;
    public string StopText => _replica?.StopText() ?? "down";
    public ulong CommitMin => _replica?.CommitMin ?? 0;
    public ulong CheckpointOp => _replica?.CheckpointOp ?? 0;
    public bool Idle => Normal && _replica!.PipelineCount == 0;
    public bool IsPrimary => _replica?.IsPrimary == true;
    public ReplicaStatus Status => _replica?.Status ?? ReplicaStatus.Closed;
    public uint View => _replica?.View ?? 0;
    public uint Release => _replica?.Release ?? 0;
    public ulong Op => _replica?.Op ?? 0;

    /// <summary>A checkpoint was taken from others and not all of its blocks are here.</summary>
    public bool IsIncomplete => _replica?.IncompleteOp > 0;

    /// <summary>It has lost its disk, and the new one has not yet got what the others have.</summary>
    public bool IsBeingFilled { get; private set; }

    /// <summary>It stopped for something that starting again may mend.</summary>
    public bool StoppedForDisk => StopReason == StopReason.WriteFailed ||
        (disk.ReadsFailed > _readsFailedBefore && MayFollowFromReads(StopReason));

    /// <summary>What it could not read it takes for lost, although its disk has it, and it may know of damage to its
    /// log that its disk no longer shows.</summary>
    public bool LacksMore => disk.ReadsFailed > 0 || !LogIsWhole;

    /// <summary>As far as is known: while it is down or opens, what it knew before.</summary>
    private bool LogIsWhole =>
        Status is ReplicaStatus.Normal or ReplicaStatus.ViewChange ? _replica!.LogIsWhole : _logWasWhole;

    /// <summary>The cluster runs a release that its software does not know.</summary>
    public bool StoppedForRelease =>
        StopReason is StopReason.ReleaseTooNew or StopReason.SuperblockReleaseUnsupported;

    /// <summary>When the next thing happens to it that others do not cause.</summary>
    public ulong NextDue => Running && TicksPaused == 0 ? disk.NextDue : ulong.MaxValue;
    public ulong Starts { get; private set; }

    /// <summary>Its state is that after the last entry that it has committed.</summary>
    public bool HasState => _replica?.IsStateOpen == true && !IsIncomplete;

    /// <summary>Checksum of the contents as they are now; the replica has to stay idle until it is done.</summary>
    public ContentChecksum ContentChecksum() => _machine!.ContentChecksum();

    public void Start()
    {
        Check.That(!Running);
        _memory = new StaticMemory();
        int messageSizeMax = options.Configuration.MessageSizeMax;
        int kept = Replica<OracleStateMachine, SimulatedDisk, SimulatedBus, SimulatedClock>.MessagesKeptMax(
            options.Configuration, options.MemberCount);
        _messages = new MessagePool(_memory, kept + Limits.ReadsMax + 4, messageSizeMax);
        StateMachine.StateMachine machine = new(_memory, options.Configuration, world.Compute, new StorageOptions
        {
            Disk = disk,
            Cluster = options.Cluster,
            GridOffset = new DataFileLayout(options.Configuration).GridOffset,
            CacheSize = world.CacheSize,
            CacheSizeMax = options.Configuration.GridBlocks * options.Configuration.BlockSize,
        });
        machine.Trees.Forest.Guard = new TouchGuard(machine.Trees.Forest, cold: false);
        machine.Trees.Forest.Plant = world.Plant.Storage;
        _machine = world.Judge(machine);
        _forest = machine.Trees.Forest;
        _replica = new(
            OptionsNow(), _memory, _machine, disk, bus, clock, archive?.Start(_memory, _forest));
        _memory.Seal();
        _opened = false;
        _identified = false;
        _seen = 0;
        _readsFailedBefore = disk.ReadsFailed;
        TicksPaused = 0;
        Starts++;
        world.Log.Know(Index, ReleaseMax);
        options.Trace.Add(TraceCode.Restarted, options.ReplicaIndex, clock.Now, Starts);
        world.Chronicle?.Note(HappeningKind.Start, Index, $"starts, knows releases up to {ReleaseMax}");
        _replica.Open();
        Judge();
    }

    /// <summary>Whether a replica may stop for this because a read failed. What it could not read makes nothing else
    /// wrong.</summary>
    private static bool MayFollowFromReads(StopReason reason) => reason is
        StopReason.SuperblockNotFound or StopReason.SuperblockQuorumLost or StopReason.SuperblockParentSkipped or
        StopReason.SuperblockNotVerified or StopReason.JournalSlotUnreadable or StopReason.JournalEmpty or
        StopReason.JournalTooShort or StopReason.BlockCorrupt;

    private ReplicaOptions OptionsNow() => new()
    {
        Cluster = options.Cluster, ReplicaIndex = options.ReplicaIndex, ReplicaCount = options.ReplicaCount,
        StandbyCount = options.StandbyCount,
        Configuration = options.Configuration, Trace = options.Trace, Marks = options.Marks, Seed = options.Seed,
        Plant = options.Plant, ReleaseMax = ReleaseMax,
    };

    public override string ToString() => !Running ? $"down at {Committed}" : $"{(IsPrimary ? "primary" : Status)} " +
        $"view {View} op {Op} commit {CommitMin} checkpoint {CheckpointOp}, {Starts} starts";

    /// <summary>Power off: whatever was under way on the disk is torn, everything in memory is gone.</summary>
    public void Crash()
    {
        Check.That(Running);
        _logWasWhole = LogIsWhole;
        options.Trace.Add(TraceCode.Crashed, options.ReplicaIndex, clock.Now, CommitMin);
        world.Chronicle?.Note(HappeningKind.Crash, Index, "crashes");
        _watch?.Forget();
        disk.Crash();
        journal.NoteAll();
        Dispose();
    }

    /// <summary>The machine is gone with its disk, and the operator makes a file anew on another one. A standby has
    /// made no promise, so its is formatted like that of a new one.</summary>
    /// <param name="pattern">Of the bytes on that disk, see <see cref="SimulatedDisk.Exchange"/>.</param>
    public void LoseDisk(ulong pattern)
    {
        if (Running) Crash();
        disk.Exchange(pattern);
        SimulatedFile sink = new(disk);
        StopReason refused = IsStandby ? DataFileFormat.Write(options, ref sink)
            : DataFileFormat.WriteLost(options, ref sink, Starts + 1);
        Check.That(refused == StopReason.None);
        spoken.Lose();
        archive?.ChangeFile();
        IsBeingFilled = !IsStandby;
        world.Coverage.Hit("cluster", IsStandby ? "standby lost its disk" : "disk lost");
        world.Chronicle?.Note(HappeningKind.Damage, Index, "has lost its disk, and gets a new file");
    }

    /// <summary>The machine is gone with its disk, and that of a standby takes its place with all its data; the standby
    /// begins anew on another disk. False if the software does not know that file's release; then the standby is down,
    /// and this replica has no file.</summary>
    /// <param name="standby">Whose file becomes this replica's.</param>
    /// <param name="pattern">Of the bytes on the standby's new disk.</param>
    public bool TryTakePlaceWith(SimulatedReplica standby, ulong pattern)
    {
        Check.That(!IsStandby && standby.IsStandby);
        if (Running) Crash();
        if (standby.Running) standby.Crash();
        disk.Copy(standby.Disk);
        SimulatedFile file = new(disk);
        StopReason refused = DataFilePromotion.Write(file, ref file, Index, ReleaseMax);
        if (refused != StopReason.None)
        {
            Check.That(refused == StopReason.SuperblockReleaseUnsupported, "a standby's file cannot be promoted");
            return false;
        }
        spoken.Lose();
        journal.NoteAll();
        archive?.ChangeFile();
        IsBeingFilled = true;
        world.Coverage.Hit("cluster", "standby promoted");
        world.Chronicle?.Note(HappeningKind.Damage, Index, $"is lost, and standby {standby.Index} takes its place");
        standby.LoseDisk(pattern);
        return true;
    }

    /// <summary>The superblock names a checkpoint that was taken from others: once nothing is under way on the disk, a
    /// new replica opens it. False if there is no need, or not yet.</summary>
    public bool TryRenew()
    {
        if (Status != ReplicaStatus.Outdated || !disk.Idle) return false;
        world.Coverage.Hit("cluster", IsStandby ? "standby caught up by state sync" : "replica renewed");
        Dispose();
        Start();
        return true;
    }

    public void Tick()
    {
        archive?.Tick();
        _replica!.Tick();
        Judge();
    }

    public void Complete(uint token, IoResult result)
    {
        if (CheckpointArchive.OwnsDisk(token)) archive!.OnCompletion(token, result);
        else _replica!.OnCompletion(token, result);
        Judge();
    }

    /// <summary>Lets the state machine go on that had said that it waits.</summary>
    public void EndWait()
    {
        if (_machine is not { Waits: true }) return;
        _machine.Waits = false;
        Tick();
    }

    public void Deliver(ReadOnlySpan<byte> bytes)
    {
        if (_messages!.TryTake() is not Message message)
        {
            world.Coverage.Hit("cluster", "message dropped by a busy replica");
            return;
        }
        Check.That(bytes.Length <= message.Buffer.Length);
        bytes.CopyTo(message.Buffer.Span);
        _replica!.OnMessage(message);
        message.Release();
        Judge();
    }

    /// <summary>What must hold after every step of the replica.</summary>
    private void Judge()
    {
        if (_machine!.RestoredState is UInt128 restored)
        {
            world.History.CheckRestored(CheckpointOp, restored);
            _machine.RestoredState = null;
            _machine.Op = CheckpointOp;
        }
        if (_replica!.IsIdentified && !_identified)
        {
            spoken.CheckOpened(View, _replica.LogView, _replica.CommitDurable, CheckpointOp);
            _identified = true;
            _seen = CheckpointOp;
        }
        if (_identified) spoken.Note(View, _replica.LogView, _replica.CommitDurable, CheckpointOp);
        JudgeCommits();
        if (!_opened && Normal)
        {
            bool shorter = options.ReplicaCount == 1 && !IsStandby && CommitMin < Committed;
            Check.That(!shorter, "the log is shorter than what was committed");
            _opened = true;
        }
        if (_opened) Committed = ulong.Max(Committed, CommitMin);
        if (IsBeingFilled && Normal && HasState && _replica!.LogIsWhole)
        {
            IsBeingFilled = false;
            world.Coverage.Hit("cluster", "new disk filled");
        }
        archive?.Judge(_replica!.IsHeldBack);
        _watch?.Look(this);
    }

    private void JudgeCommits()
    {
        for (; _seen < CommitMin; _seen++)
        {
            bool known = _replica!.TryEntry(_seen + 1, out Header entry);
            Check.That(known, "an entry was committed that the log does not have");
            world.Log.Commit(in entry, journal.MembersOf(in entry));
            if (Normal) spoken.Acknowledge(_seen + 1, _replica.LogView);
        }
        for (ulong op = _replica!.CommitMax + 1; Normal && op <= Op; op++)
        {
            uint replicas = _replica.AcknowledgedBy(op);
            if (_replica.TryEntry(op, out Header entry)) world.Log.CheckAcknowledged(in entry, replicas);
            if ((replicas >> Index & 1) != 0) spoken.Acknowledge(op, _replica.LogView);
        }
    }

    public void Dispose()
    {
        if (_forest is not null) StorageCoverage.Count(world.Coverage, _forest);
        if (StopReason == StopReason.BlockCorrupt) world.Coverage.Hit("storage", "corruption stopped the replica");
        archive?.Crash();
        _forest = null;
        _memory?.Dispose();
        _memory = null;
        _replica = null;
        _machine = null;
        _messages = null;
    }
}
