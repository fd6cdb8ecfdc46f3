using System;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.Workload;
using Deterministic.Simulator.World;
using Deterministic.Storage;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

internal sealed partial class Simulation
{
    private const int LivenessTicksMax = 10_000;

    /// <summary>Replicas that must work together in the end; bit i is replica i.</summary>
    private uint _core;

    /// <summary>Faults happen and clients ask until enough requests have been answered and enough rows compared.
    /// Clients that take the sessions from each other may get nowhere: then the time ends it.</summary>
    private void RunSafety()
    {
        foreach (SimulatedReplica replica in _replicas) replica.Start();
        PlanCrash();
        PlanPause();
        for (int tick = 0; tick < _parameters.SafetyTicksMax && Refused == StopReason.None; tick++)
        {
            RunTick();
            LoseDiskSometimes();
            UpgradeSometimes();
            if (_answered >= _parameters.Requests && RowsCompared >= RowsComparedMin) break;
        }
    }

    /// <summary>No more faults in the core and nothing new is asked: every client must be answered within the bound,
    /// all of the core must come to the same entry of the log, and no packet may be left that could wake a session
    /// up.</summary>
    private void RunLiveness()
    {
        _core = DrawCore();
        _chronicle?.NoteRun(HappeningKind.Run, $"no more faults; the core is {_core:b} of {_replicas.Length}");
        _network.Healed = true;
        _links.Heal(_core);
        foreach (SimulatedReplica replica in _replicas)
        {
            replica.Disk.Healed = true;
            replica.Clock.Healed = true;
            if (replica.TicksPaused > 0) _chronicle?.Note(HappeningKind.Pause, replica.Index, "goes on");
            replica.TicksPaused = 0;
            if (IsOfCore(replica)) replica.TicksDown = int.Min(replica.TicksDown, _parameters.DownTicksMax);
            else if (_crashes.Boolean()) StopForEver(replica);
        }
        _archives.Heal();
        FinishUpgrade();
        DamageRepairable();
        _stepsToCrash = -1;
        _ticksToPause = -1;
        int ticks = 0;
        // Where too many were down nearly all the time, there would be next to nothing to compare.
        while (Refused == StopReason.None && RowsCompared < RowsComparedMin && ticks++ < LivenessTicksMax) RunTick();
        _asking = false;
        ticks = 0;
        while (Refused == StopReason.None && (AnyWaits() || !IsLevel() || _network.Requests > 0 || MayWake()))
        {
            if (ticks++ == LivenessTicksMax) Stuck("not every client was answered after the faults had ended");
            RunTick();
        }
    }

    /// <summary>A single replica has nothing to say when nobody asks; then nothing may be under way at all.</summary>
    private bool MayWake() =>
        (_replicas.Length == 1 && _network.NextDue != ulong.MaxValue) || !_archives.AreIdle;

    private bool IsOfCore(SimulatedReplica replica) => (_core >> replica.Index & 1) != 0;

    private static void StopForEver(SimulatedReplica replica)
    {
        if (replica.Running) replica.Crash();
        replica.TicksDown = int.MaxValue;
    }

    /// <summary>Replicas that can go on without the others: a quorum for a change of view of which none has damage on
    /// its disk or takes something there for lost, does not know its log, or is filling a new disk. If there is none,
    /// in the midst of an upgrade, or by chance, all. Whether standbys are there makes no difference to them, so some
    /// may not be.</summary>
    private uint DrawCore()
    {
        int replicas = _parameters.Cluster.Replicas;
        uint core = DrawCoreOfReplicas(replicas);
        for (int standby = replicas; standby < _replicas.Length; standby++)
        {
            if (UpgradeIsUnderWay || _standbys.Below(4) < 3) core |= 1u << standby;
            else Coverage.Hit("cluster", "core without a standby");
        }
        return core;
    }

    private uint DrawCoreOfReplicas(int replicas)
    {
        uint all = (1u << replicas) - 1;
        if (replicas == 1 || _crashes.Boolean() || UpgradeIsUnderWay) return all;
        int count = new Quorums(replicas).ViewChange;
        count += _crashes.Below(replicas - count + 1);
        uint core = _crashes.Subset(replicas, count);
        foreach (SimulatedReplica replica in _replicas)
        {
            if (replica.IsStandby) continue;
            bool whole = !replica.Disk.IsDamaged(0, _layout.Size) && !replica.LacksMore &&
                !replica.IsBeingFilled && replica.Status != ReplicaStatus.RecoveringHead;
            if ((core >> replica.Index & 1) != 0 && !whole) return all;
        }
        if (core != all) Coverage.Hit("cluster", "core without some");
        return core;
    }

    /// <summary>Every replica of the core has run the whole log and has all of its state.</summary>
    private bool IsLevel()
    {
        foreach (SimulatedReplica replica in _replicas)
        {
            if (!IsOfCore(replica)) continue;
            if (!replica.Idle || !replica.HasState) return false;
            if (_replicas.Length > 1 && replica.CommitMin != _log.Op) return false;
        }
        return !UpgradeIsUnderWay && (_replicas.Length == 1 || _archives.AreIdle);
    }

    /// <summary>One client reads everything; the oracle compares. It may not have heard yet that it lost its
    /// session.</summary>
    private void RunAudit()
    {
        _chronicle?.NoteRun(HappeningKind.Run, "everything is read");
        SimulatedClient auditor = _clients[0];
        bool evicted = false;
        foreach (GeneratedRequest request in Audit.Requests(_vocabulary, _database))
        {
            while (!TryAsk(auditor, request))
            {
                Check.That(!evicted, "the only client at work lost its session");
                evicted = true;
            }
        }
    }

    private bool TryAsk(SimulatedClient client, GeneratedRequest request)
    {
        if (!client.Registered)
        {
            client.Register();
            bool registered = RunUntilAnswered(client);
            Check.That(registered, "a register was refused");
        }
        client.Request(request.Operation, request.Body);
        return RunUntilAnswered(client);
    }

    /// <summary>False: evicted.</summary>
    private bool RunUntilAnswered(SimulatedClient client)
    {
        ulong answered = client.Answered;
        for (int ticks = 0; client.Waiting; ticks++)
        {
            Check.That(ticks < LivenessTicksMax, "a client of a healthy cluster was not answered");
            RunTick();
        }
        return client.Answered > answered;
    }

    /// <summary>What was there before a crash of the idle core is there after it, to the last bit, and on each of its
    /// replicas.</summary>
    private void RunLastRestart()
    {
        _chronicle?.NoteRun(HappeningKind.Run, "the core is started again");
        RunUntilLevel("the replicas do not come to the same entry");
        ulong op = _log.Op;
        UInt128 state = StateOfAll(op);
        Trace.Add(TraceCode.StateChecked, 0, op, unchecked((ulong)state));
        foreach (SimulatedReplica replica in _replicas)
        {
            if (!IsOfCore(replica)) continue;
            replica.Crash();
            replica.Start();
        }
        RunUntilLevel("the replicas did not open after the last crash");
        Check.That(_log.Op == op, "the log after the last crash is another");
        Check.That(StateOfAll(op) == state, "the state after the last crash is another");
    }

    private void RunUntilLevel(string what)
    {
        for (int ticks = 0; !IsLevel(); ticks++)
        {
            if (ticks == LivenessTicksMax) Stuck(what);
            RunTick();
        }
    }

    private void Stuck(string what)
    {
        _report($"stuck    {Progress()}");
        Check.Unreachable(what);
    }

    /// <summary>The contents of each replica of the core, which has run the log up to <paramref name="op"/>; all have
    /// the same.</summary>
    private UInt128 StateOfAll(ulong op)
    {
        UInt128? state = null;
        foreach (SimulatedReplica replica in _replicas)
        {
            if (!IsOfCore(replica)) continue;
            Check.That(replica.CommitMin == op);
            UInt128 content = ContentChecksum(replica);
            Check.That(state is null || state == content, "two replicas have different contents");
            state = content;
        }
        Check.That(state is not null);
        return state.Value;
    }

    private UInt128 ContentChecksum(SimulatedReplica replica)
    {
        ContentChecksum checksum = replica.ContentChecksum();
        for (int ticks = 0; !checksum.TryAdvance(); ticks++)
        {
            Check.That(ticks < LivenessTicksMax, "the state could not be read");
            RunTick();
        }
        return checksum.Value;
    }

    private bool AnyWaits()
    {
        foreach (SimulatedClient client in _clients)
        {
            if (client.Waiting) return true;
        }
        foreach (SimulatedReader reader in _readers)
        {
            if (reader.Waiting) return true;
        }
        return false;
    }
}
