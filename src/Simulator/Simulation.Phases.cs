using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Workload;
using Deterministic.Simulator.World;
using Deterministic.Storage;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

internal sealed partial class Simulation
{
    private int _answered;
    private bool _asking = true;
    private int _stepsToCrash = -1;
    private int _ticksDown;

    /// <summary>Reads that had failed when the replica was started last.</summary>
    private ulong _readsFailedBefore;

    /// <summary>Faults happen and clients ask until enough requests have been answered and enough rows compared.
    /// Clients that take the sessions from each other may get nowhere: then the time ends it.</summary>
    private void RunSafety()
    {
        Start();
        PlanCrash();
        for (int tick = 0; tick < SafetyTicksMax && Refused == StopReason.None; tick++)
        {
            RunTick();
            if (_answered >= _parameters.Requests && RowsCompared >= RowsComparedMin) break;
        }
    }

    /// <summary>No more faults and nothing new is asked: every client must be answered within the bound, and no packet
    /// may be left that could wake a session up.</summary>
    private void RunLiveness()
    {
        _network.Healed = true;
        _disk.Healed = true;
        if (_archive is not null) _archive.Store.Healed = true;
        DamageRepairable();
        _stepsToCrash = -1;
        _asking = false;
        int ticks = 0;
        while (Refused == StopReason.None && (AnyWaits() || !_replica.Idle || _network.NextDue != ulong.MaxValue ||
            _archive?.Idle == false))
        {
            Check.That(ticks++ < LivenessTicksMax, "not every client was answered after the faults had ended");
            RunTick();
        }
    }

    /// <summary>One client reads everything; the oracle compares. It may not have heard yet that it lost its
    /// session.</summary>
    private void RunAudit()
    {
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
            Check.That(ticks < LivenessTicksMax, "a client of a healthy replica was not answered");
            RunTick();
        }
        return client.Answered > answered;
    }

    /// <summary>What was there before a crash of the idle replica is there after it, to the last bit.</summary>
    private void RunLastRestart()
    {
        ulong op = _replica.CommitMin;
        UInt128 state = ContentChecksum();
        Trace.Add(TraceCode.StateChecked, 0, op, unchecked((ulong)state));
        _replica.Crash();
        Start();
        for (int ticks = 0; !_replica.Normal; ticks++)
        {
            Check.That(ticks < LivenessTicksMax, "the replica did not open after the last crash");
            RunTick();
        }
        Check.That(_replica.CommitMin == op, "the log after the last crash is another");
        Check.That(ContentChecksum() == state, "the state after the last crash is another");
    }

    private UInt128 ContentChecksum()
    {
        ContentChecksum checksum = _replica.ContentChecksum();
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
        return false;
    }

    /// <summary>Ten milliseconds: everything that falls due, in its order, then the timers.</summary>
    private void RunTick()
    {
        ulong end = _now + TickNanoseconds;
        while (Refused == StopReason.None)
        {
            ulong due = ulong.Min(_disk.NextDue, _network.NextDue);
            if (_archive is not null) due = ulong.Min(due, _archive.Store.NextDue);
            if (due > end) break;
            SetNow(ulong.Max(due, _now));
            Step();
            AfterStep();
        }
        SetNow(end);
        _clock.Tick();
        if (Refused != StopReason.None) return;
        if (!_replica.Running)
        {
            if (--_ticksDown <= 0) Start();
        }
        else
        {
            _replica.Tick();
            _replica.EndWait();
        }
        AfterStep();
        foreach (SimulatedClient client in _clients) RunClient(client);
    }

    private void SetNow(ulong now)
    {
        Check.That(now >= _now);
        _now = now;
        _disk.Now = now;
        _network.Now = now;
        _clock.Now = now;
        if (_archive is not null) _archive.Store.Now = now;
    }

    private void Step()
    {
        bool disk = _disk.NextDue <= _now;
        bool network = _network.NextDue <= _now;
        bool store = _archive is not null && _archive.Store.NextDue <= _now;
        if (store && (!(disk || network) || _order.Boolean()))
        {
            _archive!.CompleteOne();
            _archiveChecker!.CheckChange();
            return;
        }
        if (disk && (!network || _order.Boolean()))
        {
            bool completed = _disk.TryComplete(out uint token, out IoResult result);
            Check.That(completed);
            _replica.Complete(token, result);
        }
        else if (_network.TryReceive(out UInt128 client, out bool toReplica, out byte[] message))
        {
            if (!toReplica) Receive(client, message);
            else if (_replica.Running) _replica.Deliver(message);
        }
    }

    /// <summary>A client that is not there any more hears nothing.</summary>
    private void Receive(UInt128 id, byte[] message)
    {
        foreach (SimulatedClient client in _clients)
        {
            if (client.Id != id) continue;
            bool crowded = _parameters.Clients > _parameters.Configuration.SessionsMax;
            Command command = Header.Read(message).Command;
            // A reply that could not be read is lost to its client, and its session with it.
            bool allowed = crowded || _parameters.Merciless || _disk.ReadsFailed > 0;
            Check.That(command != Command.Eviction || allowed, "evicted without need");
            if (!client.Receive(message)) return;
            if (client.LastOperation >= Operation.Write) _answered++;
            Trace.Add(TraceCode.ReplyReceived, 0, client.OpAnswered, unchecked((ulong)client.LastReplyChecksum));
            _history.CheckAnswer(client.OpAnswered, client.LastOperation, client.LastReplyChecksum);
            return;
        }
    }

    private void RunClient(SimulatedClient client)
    {
        client.Tick();
        if (client.Waiting || !_asking || !_calls.Chance(_parameters.RequestRate)) return;
        if (!client.Registered)
        {
            client.Register();
            return;
        }
        GeneratedRequest request = _requests.Next();
        client.Request(request.Operation, request.Body);
    }

    private void Start()
    {
        _readsFailedBefore = _disk.ReadsFailed;
        _replica.Start();
    }

    private void PlanCrash() =>
        _stepsToCrash = _parameters.CrashInterval == 0 ? -1 : 1 + _crashes.Below(_parameters.CrashInterval);

    private void AfterStep()
    {
        if (!_replica.Running) return;
        // Where the disk gave an error, starting again may help; a file that stays unreadable is refused then.
        bool transient = _replica.StopReason == StopReason.WriteFailed || _disk.ReadsFailed > _readsFailedBefore;
        if (_replica.Stopped && !transient)
        {
            Check.That(_parameters.Merciless, $"the replica stopped: {_replica.StopText}");
            Refused = _replica.StopReason;
            return;
        }
        if (_stepsToCrash > 0) _stepsToCrash--;
        if (_stepsToCrash == 0 || _replica.Stopped) Crash();
    }

    private void Crash()
    {
        bool wasNormal = _replica.Normal;
        long preparesSize = _layout.RepliesOffset - _layout.JournalPreparesOffset;
        bool preparesWhole = wasNormal && !_disk.IsWriting(_layout.JournalPreparesOffset, preparesSize);
        _replica.Crash();
        _ticksDown = 1 + _crashes.Below(_parameters.DownTicksMax);
        if (_stepsToCrash < 0) return;
        PlanCrash();
        if (!_crashes.Chance(_parameters.Damage)) return;
        if (_parameters.Merciless) _damage.Merciless();
        else if (wasNormal) _damage.Mendable(preparesWhole);
        if (_parameters.Merciless && _crashes.Boolean()) _archive?.Damage(_crashes);
        DamageRepairable();
    }

    /// <summary>Checks the newest checkpoint in the object store, and damages blocks on the disk that it has.</summary>
    private void DamageRepairable()
    {
        if (_archiveChecker is null || _parameters.Damage.IsNever) return;
        if (_archiveChecker.Check(newestOnly: true) > 0 && !_parameters.Merciless)
            _damage.Repairable(_archiveChecker.Blocks);
    }
}
