using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.Workload;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

internal sealed partial class Simulation
{
    private int _answered;
    private bool _asking = true;

    private const int StepsPerTickMax = 200_000;

    /// <summary>Ten milliseconds: everything that falls due, in its order, then the timers.</summary>
    private void RunTick()
    {
        ulong end = _now + TickNanoseconds;
        for (int steps = 0; Refused == StopReason.None; steps++)
        {
            // In a world without delays, two that answer each other at once would do so for ever.
            Check.That(steps < StepsPerTickMax, "a tick does not end");
            Check.That(Steps++ < StepsMax, "a run takes too many steps");
            ulong due = _network.NextDue;
            foreach (SimulatedReplica replica in _replicas) due = ulong.Min(due, replica.NextDue);
            due = ulong.Min(due, _archives.NextDue);
            if (due > end) break;
            SetNow(ulong.Max(due, _now));
            Step();
            AfterStep();
        }
        SetNow(end);
        _links.Tick(end);
        foreach (SimulatedReplica replica in _replicas) TickReplica(replica);
        AfterStep();
        foreach (SimulatedClient client in _clients) RunClient(client);
        foreach (SimulatedReader reader in _readers) RunReader(reader);
        PauseSometimes();
    }

    private void TickReplica(SimulatedReplica replica)
    {
        replica.Clock.Tick();
        if (Refused != StopReason.None) return;
        if (replica.TicksPaused > 0)
        {
            if (--replica.TicksPaused > 0) return;
            _chronicle?.Note(HappeningKind.Pause, replica.Index, "goes on");
        }
        if (!replica.Running)
        {
            if (replica.TicksDown != int.MaxValue && --replica.TicksDown <= 0) replica.Start();
            return;
        }
        if (replica.TryRenew()) return;
        replica.Tick();
        replica.EndWait();
    }

    private void SetNow(ulong now)
    {
        Check.That(now >= _now);
        _now = now;
        _network.Now = now;
        if (_chronicle is not null) _chronicle.Now = now;
        foreach (SimulatedReplica replica in _replicas)
        {
            replica.Disk.Now = now;
            replica.Clock.Now = now;
        }
        _archives.SetNow(now);
    }

    /// <summary>One of the things that are due: a packet, an operation of a disk, or one of the object store.</summary>
    private void Step()
    {
        bool store = _archives.NextDue <= _now;
        int others = _network.NextDue <= _now ? 1 : 0;
        foreach (SimulatedReplica replica in _replicas) others += replica.NextDue <= _now ? 1 : 0;
        if (store && (others == 0 || _order.Boolean()))
        {
            _archives.CompleteOne(_now, _order, checks: !_parameters.Cluster.IsCluster);
            return;
        }
        int chosen = _order.Below(others);
        foreach (SimulatedReplica replica in _replicas)
        {
            if (replica.NextDue > _now || chosen-- > 0) continue;
            bool completed = replica.Disk.TryComplete(out uint token, out IoResult result);
            Check.That(completed);
            replica.Complete(token, result);
            return;
        }
        if (_network.TryReceive(out Packet packet)) Deliver(in packet);
    }

    /// <summary>Who is down or stands still hears nothing.</summary>
    private void Deliver(in Packet packet)
    {
        if (packet.To == _links.Clients)
        {
            Receive(packet.Client, packet.Message);
            return;
        }
        SimulatedReplica replica = _replicas[packet.To];
        if (replica.Running && replica.TicksPaused == 0) replica.Deliver(packet.Message);
    }

    /// <summary>A client that is not there any more hears nothing.</summary>
    private void Receive(UInt128 id, byte[] message)
    {
        foreach (SimulatedReader reader in _readers)
        {
            if (reader.Id != id || !reader.Receive(message)) continue;
            Coverage.Hit("read", "ended");
            _chronicle?.Note(HappeningKind.Answer, _chronicle.LaneOf(id), "read ends");
        }
        foreach (SimulatedClient client in _clients)
        {
            if (client.Id != id) continue;
            bool crowded = _parameters.Clients > _parameters.Configuration.SessionsMax;
            Header header = Header.Read(message);
            bool ends = header.Command == Command.Eviction && client.Ends(in header);
            // A reply that could not be read is lost to its client, and its session with it.
            bool allowed = crowded || _parameters.Merciless || ReadsFailed > 0;
            Check.That(!ends || allowed, "evicted without need");
            if (ends) _chronicle?.Note(HappeningKind.Answer, _chronicle.LaneOf(id), "is evicted");
            if (!client.Receive(message)) return;
            _chronicle?.Note(HappeningKind.Answer, _chronicle.LaneOf(id), $"has its answer, op {client.OpAnswered}");
            if (client.LastOperation >= Operation.Write) _answered++;
            Trace.Add(TraceCode.ReplyReceived, 0, client.OpAnswered, unchecked((ulong)client.LastReplyChecksum));
            Check.That(client.OpAnswered <= _log.Op, "a client was answered before the entry was committed");
            int part = client.LastOperation < Operation.Write ? -1
                : _log.PartOf(id, client.LastRequestNumber, client.OpAnswered);
            if (part >= 0) Coverage.Hit("cluster", "answered from a group");
            _history.CheckAnswer(client.OpAnswered, part, client.LastOperation, client.LastReplyChecksum);
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
            _chronicle?.Note(HappeningKind.Ask, _chronicle.LaneOf(client.Id), "registers");
            return;
        }
        GeneratedRequest request = _requests.Next();
        client.Request(request.Operation, request.Body);
        _chronicle?.Note(HappeningKind.Ask, _chronicle.LaneOf(client.Id), $"asks: {request.Operation}");
    }

    private void RunReader(SimulatedReader reader)
    {
        reader.Tick();
        if (reader.Waiting || !_asking || !_readCalls.Chance(_parameters.ReadRate)) return;
        reader.Read(_requests.NextRead());
        _chronicle?.Note(HappeningKind.Ask, _chronicle.LaneOf(reader.Id), "reads");
    }
}
