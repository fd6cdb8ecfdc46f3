using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>A cluster under faults by chance, then healed.</summary>
internal sealed class ChaosRun(int replicas, int seed)
{
    private const int Steps = 30_000;
    private const int HealedSteps = 400_000;
    private readonly Random _random = new(seed * 31 + replicas);
    private readonly List<TestClient> _clients = [];
    private readonly List<bool> _registered = [];
    private readonly Dictionary<UInt128, Header> _answered = [];
    private uint _cut;
    private int _replies;

    /// <summary>Requests answered while faults happened, and after.</summary>
    public int Answered { get; private set; }

    private string Name => $"{replicas} replicas, seed {seed}";

    public void Run()
    {
        using ClusterBench bench = new(replicas, (ulong)seed * 1000);
        for (int i = 0; i < 4; i++)
        {
            TestClient client = new((UInt128)(i + 1));
            client.MakeRegister(Bench.Cluster);
            _clients.Add(client);
            _registered.Add(false);
        }
        bench.Lose = packet => IsCut(packet) || _random.Next(40) == 0;
        for (int step = 0; step < Steps; step++)
        {
            Step(bench);
            if (_random.Next(2000) == 0) CrashOrStart(bench);
            if (_random.Next(3000) == 0) Damage(bench);
            if (_random.Next(1500) == 0) _cut = _random.Next(2) == 0 ? 0 : (uint)_random.Next(1 << replicas);
        }
        Heal(bench);
    }

    private bool IsCut(ClusterBench.Packet packet)
    {
        bool from = packet.From != ClusterBench.ToClient && (_cut >> packet.From & 1) != 0;
        bool to = packet.To != ClusterBench.ToClient && (_cut >> packet.To & 1) != 0;
        return from != to;
    }

    private void Heal(ClusterBench bench)
    {
        _cut = 0;
        bench.Lose = _ => false;
        for (byte i = 0; i < replicas; i++)
            if (bench.Nodes[i].Replica is null) bench.Start(i);
        int before = Answered;
        for (int step = 0; step < HealedSteps && Answered < before + 40; step++) Step(bench);
        ClusterBench.Assert(Answered >= before + 40, $"{Name}: no answers after all is well: {State(bench)}");
        for (int step = 0; step < HealedSteps && !Level(bench); step++) Step(bench, load: false);
        ClusterBench.Assert(Level(bench), $"{Name}: not all have caught up: {State(bench)}");
    }

    /// <summary>Every replica has run everything.</summary>
    private static bool Level(ClusterBench bench)
    {
        foreach (ClusterBench.Node node in bench.Nodes)
        {
            if (node.Replica!.Status != ReplicaStatus.Normal) return false;
            if (node.Replica.CommitMin != bench.CommittedMax) return false;
        }
        return true;
    }

    public static string State(ClusterBench bench)
    {
        string text = "";
        foreach (ClusterBench.Node node in bench.Nodes)
        {
            text += node.Replica is null ? "down; "
                : $"{node.Replica.Status} view {node.Replica.View} op {node.Replica.Op} " +
                    $"commit {node.Replica.CommitMin} checkpoint {node.Replica.CheckpointOp}; ";
        }
        return text;
    }

    /// <summary>A block or a reply rots on one of the disks, always the same one.</summary>
    private void Damage(ClusterBench bench)
    {
        ClusterBench.Node node = bench.Nodes[seed % replicas];
        DataFileLayout layout = new(bench.Configuration);
        long block = layout.BlockOffset((ulong)_random.Next(1, 40)) + _random.Next(layout.BlockSize);
        long reply = layout.ReplyOffset(_random.Next(4)) + _random.Next(Limits.HeaderSize);
        node.File.Corrupt(_random.Next(2) == 0 ? block : reply);
    }

    private void CrashOrStart(ClusterBench bench)
    {
        byte index = (byte)_random.Next(replicas);
        if (bench.Nodes[index].Replica is null) bench.Start(index);
        else bench.Crash(index, _random);
    }

    private void Step(ClusterBench bench, bool load = true)
    {
        byte index = (byte)_random.Next(replicas);
        int choice = _random.Next(20);
        if (choice == 0)
        {
            for (byte i = 0; i < replicas; i++) bench.Tick(i);
        }
        else if (choice == 1 && load)
        {
            int client = _random.Next(_clients.Count);
            bench.Send(index, _clients[client].Request);
        }
        else if (choice < 10)
        {
            bench.CompleteDisk(index);
        }
        else if (bench.Packets.Count > 0)
        {
            bench.Deliver(_random.Next(int.Min(bench.Packets.Count, 20)));
        }
        TakeReplies(bench);
    }

    private void TakeReplies(ClusterBench bench)
    {
        for (; _replies < bench.Replies.Count; _replies++)
        {
            Header reply = bench.Replies[_replies].Header;
            ClusterBench.Assert(reply.Command != Command.Eviction, $"{Name}: a session was ended for no reason");
            if (reply.Command != Command.Reply) continue;
            Remember(in reply);
            int index = (int)(ulong)reply.Reply.Client - 1;
            TestClient client = _clients[index];
            if (reply.Reply.RequestChecksum != Header.Read(client.Request).Checksum) continue;
            client.Take(in reply);
            Answered++;
            client.Make(Bench.Cluster, Operation.Write, BitConverter.GetBytes(_random.Next()));
        }
    }

    /// <summary>One request has one answer, whoever gives it and however often.</summary>
    private void Remember(in Header reply)
    {
        if (!_answered.TryAdd(reply.Reply.RequestChecksum, reply))
        {
            bool same = _answered[reply.Reply.RequestChecksum].Checksum == reply.Checksum;
            ClusterBench.Assert(same, "a request was answered in two ways");
        }
    }
}
