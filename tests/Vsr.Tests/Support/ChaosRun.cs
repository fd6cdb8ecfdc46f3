using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>A cluster under faults by chance, then healed.</summary>
internal sealed class ChaosRun(int replicas, int seed, int standbys = 0)
{
    private const int Steps = 30_000;
    private const int HealedSteps = 400_000;
    private readonly Random _random = new(seed * 31 + replicas);
    private readonly ChaosReads _reads = new(new Random(seed * 37 + replicas), $"{replicas} replicas, seed {seed}");
    private readonly List<TestClient> _clients = [];
    private readonly List<bool> _registered = [];
    private readonly Dictionary<UInt128, Header> _answered = [];
    private readonly int _members = replicas + standbys;
    private uint _cut;
    private int _replies;

    /// <summary>Requests answered while faults happened, and after.</summary>
    public int Answered { get; private set; }

    /// <summary>A bug: every replica confirms every view.</summary>
    public bool ConfirmsBlindly { get; init; }

    /// <summary>Restarts bring software that knows releases up to this one.</summary>
    public uint Release { get; init; } = Header.ReleaseCurrent;

    /// <summary>Amid the faults a standby takes the place of a replica.</summary>
    public bool Promotes { get; init; }

    /// <summary>A bug of the protocol.</summary>
    public ProtocolPlant Plant { get; init; }

    public ChaosReads Reads => _reads;
    public Marks Marks { get; private set; } = new();

    private string Name => $"{replicas} replicas, {standbys} standbys, seed {seed}";

    /// <summary>Throws what goes wrong, with the name of the run.</summary>
    public void Run()
    {
        try
        {
            RunUnnamed();
        }
        catch (CheckFailedException failure)
        {
            throw new InvalidOperationException($"{Name}: {failure.Message}", failure);
        }
    }

    private void RunUnnamed()
    {
        using ClusterBench bench = new(replicas, (ulong)seed * 1000, standbys)
        {
            Frail = seed % replicas, SharesRequests = true, Plant = Plant,
        };
        Marks = bench.Marks;
        for (byte i = 0; i < _members && Plant != ProtocolPlant.None; i++)
        {
            bench.Crash(i, _random);
            bench.Start(i);
        }
        for (int i = 0; i < 4; i++)
        {
            TestClient client = new((UInt128)(i + 1));
            client.MakeRegister(Bench.Cluster);
            _clients.Add(client);
            _registered.Add(false);
        }
        bench.Lose = packet =>
            (ConfirmsBlindly && TryConfirm(bench, packet)) || IsCut(packet) || _random.Next(40) == 0;
        // Some cuts are long enough for a view to change and work without the old primary, which knows nothing of it.
        int cutSteps = seed % 2 == 0 ? 1500 : 6000;
        for (int step = 0; step < Steps; step++)
        {
            Step(bench);
            if (_random.Next(2000) == 0) CrashOrStart(bench);
            if (_random.Next(3000) == 0) Damage(bench);
            if (Promotes && step == Steps / 2) Promote(bench, (byte)(seed % replicas));
            if (_random.Next(cutSteps) == 0) _cut = _random.Next(2) == 0 ? 0 : (uint)_random.Next(1 << _members);
        }
        Heal(bench);
    }

    /// <summary>Answers in the place of the replica that is asked.</summary>
    private static bool TryConfirm(ClusterBench bench, ClusterBench.Packet packet)
    {
        Header header = packet.Header;
        if (header.Command != Command.ConfirmView) return false;
        header.Command = Command.ViewConfirmed;
        header.Replica = packet.To;
        header.SetChecksum();
        byte[] bytes = new byte[packet.Bytes.Length];
        header.WriteTo(bytes);
        bench.Forge(new ClusterBench.Packet(packet.To, packet.From, 0, bytes));
        return true;
    }

    /// <summary>Clients reach both sides: an old primary may go on talking to them.</summary>
    private bool IsCut(ClusterBench.Packet packet) =>
        packet.To != ClusterBench.ToClient && (_cut >> packet.From & 1) != (_cut >> packet.To & 1);

    private void Heal(ClusterBench bench)
    {
        _cut = 0;
        bench.Lose = _ => false;
        for (byte i = 0; i < _members; i++)
        {
            if (bench.Nodes[i].Replica is not null && bench.ReleaseMax[i] < Release) bench.Crash(i, _random);
            if (bench.Nodes[i].Replica is null) Start(bench, i);
        }
        int before = Answered;
        int strong = _reads.Strong;
        for (int step = 0; step < HealedSteps && (Answered < before + 40 || _reads.Strong < strong + 10); step++)
            Step(bench);
        ClusterBench.Assert(_reads.Strong >= strong + 10, $"{Name}: no reads after all is well: {State(bench)}");
        ClusterBench.Assert(Answered >= before + 40, $"{Name}: no answers after all is well: {State(bench)}");
        for (int step = 0; step < HealedSteps && !Level(bench); step++) Step(bench, load: false);
        ClusterBench.Assert(Level(bench), $"{Name}: not all have caught up: {State(bench)}");
    }

    private void Start(ClusterBench bench, byte index)
    {
        bench.ReleaseMax[index] = Release;
        bench.Start(index);
    }

    /// <summary>Every replica has run everything, with the release that all know.</summary>
    private bool Level(ClusterBench bench)
    {
        foreach (ClusterBench.Node node in bench.Nodes)
        {
            if (node.Replica!.Status != ReplicaStatus.Normal || node.Replica.Release != Release) return false;
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
        // A single replica has nobody to get anything from.
        bool ofStandby = standbys > 0 && (replicas == 1 || _random.Next(2) == 0);
        if (replicas == 1 && !ofStandby) return;
        ClusterBench.Node node = bench.Nodes[ofStandby ? replicas + _random.Next(standbys) : seed % replicas];
        DataFileLayout layout = new(bench.Configuration);
        long block = layout.BlockOffset((ulong)_random.Next(1, 40)) + _random.Next(layout.BlockSize);
        long reply = layout.ReplyOffset(_random.Next(4)) + _random.Next(Limits.HeaderSize);
        node.File.Corrupt(_random.Next(2) == 0 ? block : reply);
    }

    private void Promote(ClusterBench bench, byte gone)
    {
        byte standby = (byte)replicas;
        if (bench.Nodes[gone].Replica is not null) bench.Crash(gone, _random);
        if (bench.Nodes[standby].Replica is not null) bench.Crash(standby, _random);
        bench.Promote(standby, gone);
        Start(bench, gone);
        Start(bench, standby);
    }

    private void CrashOrStart(ClusterBench bench)
    {
        byte index = (byte)_random.Next(_members);
        bool down = bench.Nodes[index].Replica is null;
        if (down && index >= replicas && _random.Next(3) == 0) bench.Replace(index);
        if (down) Start(bench, index);
        else bench.Crash(index, _random);
    }

    private void Step(ClusterBench bench, bool load = true)
    {
        byte index = (byte)_random.Next(_members);
        // Standbys make for more messages in each tick, and all have to arrive.
        int choice = _random.Next(standbys == 0 ? 20 : 30);
        if (choice == 0)
        {
            for (byte i = 0; i < _members; i++) bench.Tick(i);
        }
        else if (choice == 1 && load)
        {
            int client = _random.Next(_clients.Count);
            bench.Send(index, _clients[client].Request);
        }
        else if (choice == 2 && load)
        {
            _reads.Send(bench, index);
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
            if (reply.Command == Command.ReadReply) _reads.Take(bench, bench.Replies[_replies]);
            if (reply.Command != Command.Reply) continue;
            _reads.Answered(in reply);
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
