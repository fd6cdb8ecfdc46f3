using System;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.Oracle;
using Deterministic.StateMachine;
using Deterministic.Storage;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>The production replica over the production state machine on a simulated disk, clock and network. A crash
/// drops all of it but the disk; a start makes it anew in memory of its own.</summary>
internal sealed class SimulatedReplica(
    ReplicaOptions options, long cacheSize, SimulatedDisk disk, SimulatedBus bus, SimulatedClock clock,
    ComputeBackend compute, Func<StateMachine.StateMachine, OracleStateMachine> judge, CommitHistory history,
    SimulatedArchive? archive, Coverage coverage, StoragePlant plant)
    : IDisposable
{
    private StaticMemory? _memory;
    private MessagePool? _messages;
    private OracleStateMachine? _machine;
    private Replica<OracleStateMachine, SimulatedDisk, SimulatedBus, SimulatedClock>? _replica;
    private Forest? _forest;
    private bool _opened;

    /// <summary>The greatest position that any replica so far has committed; all of it was durable.</summary>
    private ulong _committed;

    public bool Running => _replica is not null;
    public bool Normal => _replica?.Status == ReplicaStatus.Normal;
    public bool Stopped => _replica?.Status == ReplicaStatus.Stopped;
    public StopReason StopReason => _replica?.StopReason ?? StopReason.None;
    public string StopText => _replica?.StopText() ?? "down";
    public ulong CommitMin => _replica?.CommitMin ?? 0;
    public ulong CheckpointOp => _replica?.CheckpointOp ?? 0;
    public bool Idle => Normal && _replica!.PipelineCount == 0;
    public ulong Starts { get; private set; }

    /// <summary>Checksum of the contents as they are now; the replica has to stay idle until it is done.</summary>
    public ContentChecksum ContentChecksum() => _machine!.ContentChecksum();

    public void Start()
    {
        Check.That(!Running);
        _memory = new StaticMemory();
        int messageSizeMax = options.Configuration.MessageSizeMax;
        _messages = new MessagePool(_memory, options.Configuration.PipelineMax + 4, messageSizeMax);
        StateMachine.StateMachine machine = new(_memory, options.Configuration, compute, new StorageOptions
        {
            Disk = disk,
            Cluster = options.Cluster,
            GridOffset = new DataFileLayout(options.Configuration).GridOffset,
            CacheSize = cacheSize,
            CacheSizeMax = options.Configuration.GridBlocks * options.Configuration.BlockSize,
        });
        machine.Trees.Forest.Guard = new TouchGuard(machine.Trees.Forest, cold: false);
        machine.Trees.Forest.Plant = plant;
        _machine = judge(machine);
        _forest = machine.Trees.Forest;
        _replica = new(
            options, _memory, _machine, disk, bus, clock, archive?.Start(_memory, _forest));
        _memory.Seal();
        _opened = false;
        Starts++;
        options.Trace.Add(TraceCode.Restarted, options.ReplicaIndex, clock.Now, Starts);
        _replica.Open();
        Judge();
    }

    /// <summary>Power off: whatever was under way on the disk is torn, everything in memory is gone.</summary>
    public void Crash()
    {
        Check.That(Running);
        options.Trace.Add(TraceCode.Crashed, options.ReplicaIndex, clock.Now, CommitMin);
        disk.Crash();
        Dispose();
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
        Message? message = _messages!.TryTake();
        if (message is null || bytes.Length > message.Buffer.Length) return;
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
            history.CheckRestored(CheckpointOp, restored);
            _machine.RestoredState = null;
            _machine.Op = CheckpointOp;
        }
        if (!_opened && Normal)
        {
            Check.That(CommitMin >= _committed, "the log is shorter than what was committed");
            _opened = true;
        }
        if (_opened) _committed = ulong.Max(_committed, CommitMin);
        archive?.Judge(_replica!.IsHeldBack);
    }

    public void Dispose()
    {
        if (_forest is not null) StorageCoverage.Count(coverage, _forest);
        if (StopReason == StopReason.BlockCorrupt) coverage.Hit("storage", "corruption stopped the replica");
        archive?.Crash();
        _forest = null;
        _memory?.Dispose();
        _memory = null;
        _replica = null;
        _machine = null;
        _messages = null;
    }
}
