using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>Answers every operation with its body behind the number of operations so far; its state is that number
/// and a hash chain over all bodies, padded to several blocks. From release 2 on the chain has the release in it,
/// too.</summary>
internal sealed class EchoStateMachine(StaticMemory memory, Configuration configuration, IDisk disk)
    : ForestMachine(memory, configuration, disk, Bench.Cluster, new DataFileLayout(configuration).GridOffset, StateSize)
{
    private const int StateSize = 40_000;
    private int _prefetches;

    public ulong Count { get; private set; }
    public UInt128 Hash { get; private set; }
    public bool RefuseRestore { get; set; }

    /// <summary>Is told of every operation and of the hash after it.</summary>
    public Action<ulong, UInt128>? Ran { get; set; }
    public int PrefetchesUntilReady { get; set; }

    public override bool Accepts(Operation operation, ReadOnlySpan<byte> body) => operation == Operation.Write;

    /// <summary>Requests may share an entry of the log.</summary>
    public bool SharesRequests { get; set; }

    public override bool Shares(Operation operation, ReadOnlySpan<byte> body) =>
        SharesRequests && operation == Operation.Write && 8 + body.Length <= Limits.SharedReplySizeMax;

    public override bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (_prefetches++ < PrefetchesUntilReady) return false;
        if (!base.Prefetch(context, body)) return false;
        _prefetches = 0;
        return true;
    }

    /// <summary>Calls of <see cref="PrefetchRead"/> that a read waits for.</summary>
    public int ReadPrefetchesUntilReady { get; set; }

    /// <summary>Reads that have run.</summary>
    public int ReadsRun { get; private set; }

    /// <summary>If there, gets how many had run when an operation ran.</summary>
    public List<int>? ReadsBefore { get; set; }

    public override bool Reads(Operation operation, ReadOnlySpan<byte> body) => operation == Operation.Query;

    public override bool PrefetchRead(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (_prefetches++ < ReadPrefetchesUntilReady) return false;
        _prefetches = 0;
        return true;
    }

    /// <summary>The number of operations so far, and the hash of their chain.</summary>
    public override int Read(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ReadsRun++;
        BinaryPrimitives.WriteUInt64LittleEndian(reply, Count);
        BinaryPrimitives.WriteUInt128LittleEndian(reply[8..], Hash);
        return 24;
    }

    public override OpenResult OpenAdvance()
    {
        OpenResult result = base.OpenAdvance();
        return result == OpenResult.Opened && RefuseRestore ? OpenResult.Refused : result;
    }

    protected override int Run(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ReadsBefore?.Add(ReadsRun);
        int size = context.Operation == Operation.Batch ? RunBatch(body, reply) : RunOne(body, reply);
        Ran?.Invoke(context.Op, Hash);
        return size;
    }

    private int RunBatch(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        WireReader reader = new(body);
        WireWriter writer = new(reply);
        int count = reader.U16();
        writer.U16(0);
        writer.U16(count);
        Span<byte> answer = stackalloc byte[Limits.SharedReplySizeMax];
        for (int i = 0; i < count; i++)
        {
            reader.Bytes(4);
            int size = RunOne(reader.Bytes(reader.U32()), answer);
            writer.U32((uint)size);
            writer.Bytes(answer[..size]);
        }
        Assert.True(reader.AtEnd && count > 1);
        return writer.Position;
    }

    private int RunOne(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Count++;
        Span<byte> chained = stackalloc byte[32];
        BinaryPrimitives.WriteUInt128LittleEndian(chained, Hash);
        BinaryPrimitives.WriteUInt128LittleEndian(chained[16..], Checksum.Of(body));
        Hash = Checksum.Of(chained);
        if (Release >= 2) Hash ^= Release;
        BinaryPrimitives.WriteUInt64LittleEndian(reply, Count);
        body.CopyTo(reply[8..]);
        return 8 + body.Length;
    }

    protected override void Save(Span<byte> state)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(state, Count);
        BinaryPrimitives.WriteUInt128LittleEndian(state[8..], Hash);
    }

    protected override void Load(ReadOnlySpan<byte> state)
    {
        Count = BinaryPrimitives.ReadUInt64LittleEndian(state);
        Hash = BinaryPrimitives.ReadUInt128LittleEndian(state[8..]);
    }
}

internal sealed class TestClock : IClock
{
    public ulong RealtimeNanoseconds { get; set; } = 1_000;
    public ulong MonotonicNanoseconds { get; set; }
}

/// <summary>Keeps the last message for each client; copies, so that it holds no buffers of the replica.</summary>
internal sealed class TestBus : IMessageBus
{
    private readonly byte[] _last = new byte[1 << 20];

    public int Sent { get; private set; }
    public Header LastHeader { get; private set; }
    public ReadOnlySpan<byte> LastBody => _last.AsSpan(Limits.HeaderSize, (int)LastHeader.Size - Limits.HeaderSize);
    public List<Header>? All { get; set; }

    public void SendToClient(UInt128 client, Message message)
    {
        Sent++;
        LastHeader = message.Header;
        message.Bytes.CopyTo(_last);
        All?.Add(message.Header);
    }

    /// <summary>Carries what was received last over a restart.</summary>
    public void Remember(in Header header, ReadOnlySpan<byte> body)
    {
        LastHeader = header;
        body.CopyTo(_last.AsSpan(Limits.HeaderSize));
    }

    public void SendToReplica(byte replica, Message message) => Check.Unreachable();
}

/// <summary>A client of the session protocol as the document describes it.</summary>
internal sealed class TestClient(UInt128 id)
{
    private readonly byte[] _request = new byte[64 << 10];

    public UInt128 Id { get; } = id;
    public ulong Session { get; set; }
    public uint RequestNumber { get; set; }
    public UInt128 Parent { get; set; }

    /// <summary>Of the entry that answered the last request.</summary>
    public ulong LastTimestamp { get; private set; }
    public ReadOnlySpan<byte> Request => _request.AsSpan(0, (int)Header.Read(_request).Size);

    public void MakeRegister(UInt128 cluster) => Make(cluster, Operation.Register, []);

    public void Make(UInt128 cluster, Operation operation, ReadOnlySpan<byte> body)
    {
        Header header = Header.Create(Command.Request, cluster, view: 0, replica: 0, body.Length);
        header.Request.Client = Id;
        header.Request.Operation = operation;
        if (operation != Operation.Register)
        {
            header.Request.Session = Session;
            header.Request.RequestNumber = RequestNumber + 1;
            header.Request.Parent = Parent;
        }
        body.CopyTo(_request.AsSpan(Limits.HeaderSize));
        header.SetChecksumBody(body);
        header.SetChecksum();
        header.WriteTo(_request);
    }

    /// <summary>Takes a reply to the last request.</summary>
    public void Take(in Header reply)
    {
        Check.That(reply.Command == Command.Reply);
        Check.That(reply.Reply.RequestChecksum == Header.Read(_request).Checksum);
        if (reply.Reply.Operation == Operation.Register) Session = reply.Reply.Op;
        RequestNumber = reply.Reply.RequestNumber;
        Parent = reply.Reply.Context;
        LastTimestamp = reply.Reply.Timestamp;
    }
}

/// <summary>Keeps what it was told, and what the replica had run and had on disk at that moment.</summary>
internal sealed class TestObserver : ICheckpointObserver
{
    private readonly byte[] _lastRecord = new byte[CheckpointRecord.Size];

    public Bench Bench { get; set; } = null!;
    public int Told { get; private set; }
    public ulong LastOp { get; private set; }
    public BlockReference LastRoot { get; private set; }
    public ReadOnlySpan<byte> LastRecord => _lastRecord;

    /// <summary>Operations that the state machine had run.</summary>
    public ulong LastCount { get; private set; }

    /// <summary>Copies of the superblock on disk that named the checkpoint.</summary>
    public int LastCopies { get; private set; }

    public bool HoldsBack { get; set; }

    public void OnCheckpoint(ulong op, in BlockReference root, ReadOnlySpan<byte> record)
    {
        Told++;
        LastOp = op;
        LastRoot = root;
        record.CopyTo(_lastRecord);
        LastCount = Bench.StateMachine.Count;
        LastCopies = 0;
        for (int copy = 0; copy < Limits.SuperblockCopies; copy++)
        {
            ReadOnlySpan<byte> bytes = Bench.File.Bytes.AsSpan(
                (int)DataFileLayout.SuperblockOffset(copy), SuperblockCopy.Size);
            LastCopies += SuperblockCopy.Read(bytes).Checkpoint.Op == op ? 1 : 0;
        }
    }
}

/// <summary>One replica with everything around it; survives crashes by its file.</summary>
internal sealed class Bench : IDisposable
{
    public static readonly UInt128 Cluster = 77;

    private StaticMemory _memory = new();
    private MessagePool _pool = null!;

    public Bench(Configuration? configuration = null, MemoryFile? file = null, TestObserver? observer = null)
    {
        Observer = observer;
        if (observer is not null) observer.Bench = this;
        Configuration = configuration ?? Small;
        Layout = new DataFileLayout(Configuration);
        File = file ?? Format(Configuration);
        Create();
    }

    /// <summary>Wraps and checkpoints within a few dozen operations.</summary>
    public static Configuration Small { get; } = new(
        messageSizeMax: 16 << 10, journalSlots: 32, pipelineMax: 4, sessionsMax: 7, barOps: 4,
        journalWritesMax: 2, journalReadsMax: 3, stateSizeMax: 128 << 10,
        blockSize: 16 << 10, memtableSize: 64 << 10);

    public Configuration Configuration { get; }
    public DataFileLayout Layout { get; }
    public MemoryFile File { get; }
    public MemoryDisk Disk { get; private set; } = null!;
    public TestBus Bus { get; private set; } = null!;
    public TestClock Clock { get; } = new();
    public TestObserver? Observer { get; }

    /// <summary>Of all replicas on the file that were made without options of their own.</summary>
    public Marks Marks { get; } = new();
    public EchoStateMachine StateMachine { get; private set; } = null!;
    public Replica<EchoStateMachine, MemoryDisk, TestBus, TestClock> Replica { get; private set; } = null!;

    public static ReplicaOptions Options(Configuration configuration) =>
        new() { Cluster = Cluster, Configuration = configuration };

    public static MemoryFile Format(Configuration configuration)
    {
        MemoryFile file = new(new DataFileLayout(configuration));
        Check.That(DataFileFormat.Write(Options(configuration), ref file) == StopReason.None);
        return file;
    }

    private void Create(ReplicaOptions? options = null)
    {
        _memory = new StaticMemory();
        _pool = new MessagePool(
            _memory, Configuration.PipelineMax + 4 + Limits.ReadsMax, Configuration.MessageSizeMax);
        Disk = new MemoryDisk(File);
        Bus = new TestBus();
        StateMachine = new EchoStateMachine(_memory, Configuration, Disk);
        options ??= new ReplicaOptions { Cluster = Cluster, Configuration = Configuration, Marks = Marks };
        Replica = new(options, _memory, StateMachine, Disk, Bus, Clock, Observer);
        _memory.Seal();
    }

    /// <summary>Opens and runs until the disk is idle.</summary>
    public Bench Open()
    {
        Replica.Open();
        Settle();
        return this;
    }

    /// <summary>Throws the process away (with what its writes in flight left behind) and makes a new one on the
    /// file.</summary>
    public Bench Restart(Random? random = null, ReplicaOptions? options = null)
    {
        if (random is not null) Disk.Crash(random);
        _memory.Dispose();
        Create(options);
        return this;
    }

    public bool Step()
    {
        if (!Disk.TryComplete(out uint token, out IoResult result)) return false;
        Replica.OnCompletion(token, result);
        return true;
    }

    public void Settle()
    {
        while (Step())
        {
        }
        Replica.Tick();
        while (Step())
        {
        }
    }

    public void Deliver(ReadOnlySpan<byte> bytes)
    {
        Message message = _pool.TryTake()!;
        bytes.CopyTo(message.Buffer.Span);
        Replica.OnMessage(message);
        message.Release();
    }

    public TestClient Register(UInt128 id)
    {
        TestClient client = new(id);
        client.MakeRegister(Cluster);
        Deliver(client.Request);
        Settle();
        client.Take(Bus.LastHeader);
        return client;
    }

    /// <summary>One whole request and reply.</summary>
    public Header Call(TestClient client, ReadOnlySpan<byte> body)
    {
        client.Make(Cluster, Operation.Write, body);
        int sent = Bus.Sent;
        Deliver(client.Request);
        Settle();
        Check.That(Bus.Sent == sent + 1);
        client.Take(Bus.LastHeader);
        return Bus.LastHeader;
    }

    public void Dispose() => _memory.Dispose();
}
