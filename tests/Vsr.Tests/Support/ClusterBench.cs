using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>Several replicas on disks in memory, a network that a test or chance delivers from, and clients. Whatever a
/// replica runs is compared with what any other has run at the same op.</summary>
internal sealed class ClusterBench : IDisposable
{
    public const byte ToClient = byte.MaxValue;

    /// <summary>A message under way.</summary>
    public sealed record Packet(byte From, byte To, UInt128 Client, byte[] Bytes)
    {
        public Header Header => Header.Read(Bytes);
    }

    private sealed class Bus(ClusterBench bench, byte self) : IMessageBus
    {
        public void SendToClient(UInt128 client, Message message) =>
            bench.Send(new Packet(self, ToClient, client, message.Bytes.ToArray()));

        public void SendToReplica(byte replica, Message message) =>
            bench.Send(new Packet(self, replica, 0, message.Bytes.ToArray()));
    }

    public sealed class Node
    {
        public required MemoryFile File { get; set; }
        public StaticMemory Memory { get; set; } = new();
        public MessagePool Pool { get; set; } = null!;
        public MemoryDisk Disk { get; set; } = null!;
        public TestClock Clock { get; } = new();
        public EchoStateMachine Machine { get; set; } = null!;
        public Replica<EchoStateMachine, MemoryDisk, IMessageBus, TestClock>? Replica { get; set; }
        public ulong Seen { get; set; }

        /// <summary>What the disk has been told stays under way.</summary>
        public bool DiskStalls { get; set; }
    }

    private readonly List<Packet> _packets = [];

    /// <summary>Hash of the state after an op, and the reply that its client got.</summary>
    private readonly SortedDictionary<ulong, UInt128> _history = [];
    private readonly ulong _seed;
    private ulong _starts;

    /// <param name="replicas">That have a voice.</param>
    /// <param name="seed">Of the replicas' timeouts.</param>
    /// <param name="standbys">Behind them.</param>
    public ClusterBench(int replicas, ulong seed = 1, int standbys = 0)
    {
        _seed = seed;
        Configuration = Bench.Small;
        Replicas = replicas;
        Standbys = standbys;
        ReleaseMax = new uint[replicas + standbys];
        Array.Fill(ReleaseMax, Header.ReleaseCurrent);
        for (byte i = 0; i < replicas + standbys; i++) Nodes.Add(new Node { File = Format(i, lost: false) });
        for (byte i = 0; i < replicas + standbys; i++) Start(i);
    }

    private MemoryFile Format(byte index, bool lost)
    {
        MemoryFile file = new(new DataFileLayout(Configuration));
        StopReason refused = lost ? DataFileFormat.WriteLost(Options(index), ref file, 5)
            : DataFileFormat.Write(Options(index), ref file);
        Assert(refused == StopReason.None, "format");
        return file;
    }

    public int Replicas { get; }
    public int Standbys { get; }

    public Configuration Configuration { get; }
    public List<Node> Nodes { get; } = [];
    public IReadOnlyList<Packet> Packets => _packets;
    public ulong CommittedMax => _history.Count == 0 ? 0 : _history.Keys.Last();

    /// <summary>Whether a state with this hash was reached by this op. Entries of the log's own leave the hash as it
    /// was.</summary>
    public bool IsState(ulong op, UInt128 hash)
    {
        UInt128 known = 0;
        for (; op > 0 && !_history.TryGetValue(op, out known); op--) known = 0;
        return hash == known;
    }

    /// <summary>Packets that are lost at once.</summary>
    public Func<Packet, bool> Lose { get; set; } = _ => false;

    /// <summary>A replica may stop for good; else it is a failure.</summary>
    public bool MayStop { get; set; }

    /// <summary>States are not compared.</summary>
    public bool MayDiffer { get; init; }

    /// <summary>The first of the replicas whose disks leave garbage where a write was under way: as many as a quorum of
    /// the others can do without may forget the end of their logs. Without it, any one of more than two.</summary>
    public int? Frail { get; init; }

    /// <summary>Requests that come while entries are under way share the next one.</summary>
    public bool SharesRequests
    {
        get => _sharesRequests;
        set
        {
            _sharesRequests = value;
            foreach (Node node in Nodes) node.Machine.SharesRequests = value;
        }
    }

    private bool _sharesRequests;

    /// <summary>The newest release that the software of each replica knows, from its next start on.</summary>
    public uint[] ReleaseMax { get; }

    /// <summary>What clients were answered.</summary>
    public List<Packet> Replies { get; } = [];

    /// <summary>A bug that all replicas have from their next start on.</summary>
    internal ProtocolPlant Plant { get; set; }

    public Deterministic.Core.Tracing.Marks Marks { get; } = new();

    private ReplicaOptions Options(byte index) => new()
    {
        Cluster = Bench.Cluster, ReplicaIndex = index, ReplicaCount = (byte)Replicas, StandbyCount = (byte)Standbys,
        Configuration = Configuration, Plant = Plant,
        Marks = Marks, Seed = _seed + ++_starts, ReleaseMax = ReleaseMax[index],
    };

    public static void Assert(bool condition, string text)
    {
        if (!condition) throw new InvalidOperationException(text);
    }

    public void Start(byte index)
    {
        Node node = Nodes[index];
        Assert(node.Replica is null, "already running");
        node.Memory = new StaticMemory();
        node.Pool = new MessagePool(node.Memory, 40 + Limits.ReadsMax, Configuration.MessageSizeMax);
        node.Disk = new MemoryDisk(node.File);
        node.Machine = new EchoStateMachine(node.Memory, Configuration, node.Disk) { SharesRequests = SharesRequests };
        node.Machine.Ran = (op, hash) => Judge(index, op, hash);
        node.Replica = new(
            Options(index), node.Memory, node.Machine, node.Disk, new Bus(this, index), node.Clock);
        node.Memory.Seal();
        node.Seen = 0;
        node.Replica.Open();
    }

    /// <summary>Power off: writes in flight leave what chance wants.</summary>
    public void Crash(byte index, Random random)
    {
        Node node = Nodes[index];
        int frail = Frail is int first ? (index - first + Replicas) % Replicas : 0;
        node.Disk.Crash(random, garbage: index >= Replicas || frail < (Replicas - 1) / 2);
        node.Memory.Dispose();
        node.Replica = null;
    }

    /// <summary>The replica has taken another checkpoint: a new one opens it once the disk is idle.</summary>
    private void Renew(byte index)
    {
        Node node = Nodes[index];
        while (node.Disk.TryComplete(out uint token, out IoResult result)) node.Replica!.OnCompletion(token, result);
        node.Memory.Dispose();
        node.Replica = null;
        Start(index);
    }

    /// <summary>The machine of a replica that is down is replaced by one with an empty disk.</summary>
    public void Replace(byte index)
    {
        Node node = Nodes[index];
        Assert(node.Replica is null, "still running");
        node.File = Format(index, lost: index < Replicas);
    }

    /// <summary>The disk of a standby that is down goes on as that of a replica that is gone. A new one takes the
    /// standby's place.</summary>
    public void Promote(byte standby, byte index)
    {
        Assert(Nodes[standby].Replica is null && Nodes[index].Replica is null, "still running");
        MemoryFile file = Nodes[standby].File;
        Assert(DataFilePromotion.Write(file, ref file, index) == StopReason.None, "promote");
        Nodes[index].File = file;
        Nodes[standby].File = Format(standby, lost: false);
    }

    private void Send(Packet packet)
    {
        Assert(packet.From < Replicas || Plant != ProtocolPlant.None || IsOfStandby(packet),
            $"standby {packet.From} says {packet.Header.Command}");
        Assert(packet.To < Replicas || packet.To == ToClient || IsForStandby(packet),
            $"standby {packet.To} is told {packet.Header.Command}");
        if (Lose(packet)) return;
        if (packet.To == ToClient) Replies.Add(packet);
        else _packets.Add(packet);
    }

    /// <summary>It asks the replicas, and answers readers.</summary>
    private bool IsOfStandby(Packet packet) => packet.To < Replicas
        ? packet.Header.Command is Command.Ping or Command.GetView or Command.GetHeaders or Command.GetPrepare or
            Command.GetReply or Command.GetBlocks
        : packet.To == ToClient && packet.Header.Command is Command.ReadReply or Command.PongClient or Command.Eviction;

    /// <summary>It is told the log, and what it has asked for.</summary>
    private static bool IsForStandby(Packet packet) => packet.Header.Command is Command.Prepare or Command.Commit or
        Command.View or Command.Headers or Command.Block or Command.Reply or Command.Pong;

    /// <summary>A client's message on its way to a replica.</summary>
    public void Send(byte to, ReadOnlySpan<byte> bytes) => _packets.Add(new Packet(ToClient, to, 0, bytes.ToArray()));

    /// <summary>A message of a replica's that it did not send.</summary>
    public void Forge(Packet packet) => _packets.Add(packet);

    public void Deliver(int at)
    {
        Packet packet = _packets[at];
        _packets.RemoveAt(at);
        Node node = Nodes[packet.To];
        if (node.Replica is null || node.Replica.Status == ReplicaStatus.Closed) return;
        if (node.Pool.TryTake() is not Message message) return;
        packet.Bytes.CopyTo(message.Buffer.Span);
        node.Replica.OnMessage(message);
        message.Release();
        Judge(packet.To);
    }

    public bool CompleteDisk(byte index)
    {
        Node node = Nodes[index];
        if (node.Replica is null || !node.Disk.TryComplete(out uint token, out IoResult result)) return false;
        node.Replica.OnCompletion(token, result);
        Judge(index);
        return true;
    }

    public void Tick(byte index)
    {
        Nodes[index].Clock.MonotonicNanoseconds += 10_000_000;
        if (Nodes[index].Replica is null) return;
        Nodes[index].Replica!.Tick();
        Judge(index);
    }

    /// <summary>Everything that is under way arrives, in order.</summary>
    public void Settle()
    {
        bool progress = true;
        while (progress)
        {
            progress = _packets.Count > 0;
            if (progress) Deliver(0);
            for (byte i = 0; i < Nodes.Count; i++)
                while (!Nodes[i].DiskStalls && CompleteDisk(i)) progress = true;
        }
    }

    public void Run(int ticks)
    {
        for (int tick = 0; tick < ticks; tick++)
        {
            Settle();
            for (byte i = 0; i < Nodes.Count; i++) Tick(i);
        }
        Settle();
    }

    /// <summary>The replica that takes requests in the newest view, or -1.</summary>
    public int Primary()
    {
        int primary = -1;
        for (int i = 0; i < Nodes.Count; i++)
        {
            if (Nodes[i].Replica is not { IsPrimary: true } replica) continue;
            if (primary < 0 || replica.View > Nodes[primary].Replica!.View) primary = i;
        }
        return primary;
    }

    /// <summary>Two replicas that have run the same op are in the same state.</summary>
    private void Judge(byte index)
    {
        Node node = Nodes[index];
        if (node.Replica!.Status == ReplicaStatus.Outdated)
        {
            Renew(index);
            return;
        }
        bool stopped = node.Replica!.Status == ReplicaStatus.Stopped;
        Assert(MayStop || !stopped, $"replica {index}: {node.Replica.StopText()}");
        ulong op = node.Replica.CommitMin;
        if (stopped || op == 0 || op == node.Seen || !node.Replica.IsStateOpen) return;
        node.Seen = op;
        Judge(index, op, node.Machine.Hash);
    }

    private void Judge(byte index, ulong op, UInt128 hash)
    {
        bool known = _history.TryGetValue(op, out UInt128 other);
        if (known) Assert(MayDiffer || hash == other, $"op {op} differs on {index}");
        else _history.Add(op, hash);
    }

    public void Dispose()
    {
        foreach (Node node in Nodes)
            if (node.Replica is not null) node.Memory.Dispose();
    }
}
