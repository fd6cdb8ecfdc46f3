using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;
using Deterministic.Vsr;

namespace Deterministic.Fuzz;

/// <summary>Counts operations and hashes their bodies: its state names the log that it ran.</summary>
internal sealed class ChainMachine(StaticMemory memory, IDisk disk) : ForestMachine(
    memory, MemoryReplica.Small, disk, MemoryReplica.Cluster, new DataFileLayout(MemoryReplica.Small).GridOffset, 24)
{
    public ulong Count { get; private set; }
    public UInt128 Hash { get; private set; }

    public override bool Accepts(Operation operation, ReadOnlySpan<byte> body) => true;

    protected override int Run(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Count++;
        Hash = unchecked(Hash * 31 + Checksum.Of(body));
        BinaryPrimitives.WriteUInt64LittleEndian(reply, Count);
        return 8;
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

/// <summary>A data file in memory; operations complete in the order in which they were asked for.</summary>
internal sealed class MemoryDisk(byte[] file) : IDisk, IFormatSink
{
    private readonly record struct DiskOperation(uint Token, long Offset, NativeBuffer Buffer, bool IsWrite);

    private readonly Queue<DiskOperation> _queue = new();

    public byte[] File { get; } = file;

    public void Read(uint token, long offset, NativeBuffer buffer) => _queue.Enqueue(new(token, offset, buffer, false));

    public void Write(uint token, long offset, NativeBuffer buffer) => _queue.Enqueue(new(token, offset, buffer, true));

    public void Write(long offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(File.AsSpan((int)offset));

    public void Flush() => Check.That(_queue.Count == 0);

    public bool TryComplete(out uint token)
    {
        token = 0;
        if (!_queue.TryDequeue(out DiskOperation operation)) return false;
        token = operation.Token;
        Span<byte> at = File.AsSpan((int)operation.Offset, (int)operation.Buffer.Length);
        if (operation.IsWrite) operation.Buffer.Span.CopyTo(at);
        else at.CopyTo(operation.Buffer.Span);
        return true;
    }
}

internal sealed class StillClock : IClock
{
    public ulong RealtimeNanoseconds => 1_000;
    public ulong MonotonicNanoseconds => 0;
}

/// <summary>Keeps the header that was sent last.</summary>
internal sealed class LastReply : IMessageBus
{
    public Header Header { get; private set; }

    public void SendToClient(UInt128 client, Message message) => Header = message.Header;

    public void SendToReplica(byte replica, Message message) => Check.Unreachable();
}

/// <summary>One replica over a file in memory, with one client.</summary>
internal sealed class MemoryReplica : IDisposable
{
    public static readonly UInt128 Cluster = 77;
    private static readonly UInt128 Client = 5;

    private readonly StaticMemory _memory = new();
    private readonly MessagePool _pool;
    private readonly MemoryDisk _disk;
    private readonly LastReply _bus = new();

    public MemoryReplica(byte[] file)
    {
        _disk = new MemoryDisk(file);
        _pool = new MessagePool(_memory, 2, Small.MessageSizeMax);
        Machine = new ChainMachine(_memory, _disk);
        Replica = new(Options, _memory, Machine, _disk, _bus, new StillClock());
        _memory.Seal();
    }

    /// <summary>Wraps its journal and takes checkpoints within a few dozen operations.</summary>
    public static Configuration Small { get; } = new(
        messageSizeMax: 2 * Limits.SectorSize, journalSlots: 32, pipelineMax: 4, sessionsMax: 2, barOps: 4,
        journalWritesMax: 2, journalReadsMax: 3, stateSizeMax: 16 << 10,
        blockSize: 16 << 10, memtableSize: 32 << 10);

    public static ReplicaOptions Options { get; } = new() { Cluster = Cluster, Configuration = Small };

    public ChainMachine Machine { get; }
    public Replica<ChainMachine, MemoryDisk, LastReply, StillClock> Replica { get; }

    public static byte[] Format()
    {
        MemoryDisk disk = new(new byte[new DataFileLayout(Small).Size]);
        Check.That(DataFileFormat.Write(Options, ref disk) == StopReason.None);
        return disk.File;
    }

    public void Open()
    {
        Replica.Open();
        Settle();
        Replica.Tick();
        Settle();
    }

    /// <summary>Runs one request to its reply.</summary>
    public void Call(Operation operation, ReadOnlySpan<byte> body, ref ulong session)
    {
        Header header = Header.Create(Command.Request, Cluster, view: 0, replica: 0, body.Length);
        header.Request.Client = Client;
        header.Request.Operation = operation;
        if (operation != Operation.Register)
        {
            header.Request.Session = session;
            header.Request.RequestNumber = _bus.Header.Reply.RequestNumber + 1;
            header.Request.Parent = _bus.Header.Reply.Context;
        }
        header.SetChecksumBody(body);
        header.SetChecksum();
        Message message = _pool.TryTake()!;
        message.Buffer.Span.Clear();
        body.CopyTo(message.Buffer.Span[Limits.HeaderSize..]);
        header.WriteTo(message.Buffer.Span);
        Replica.OnMessage(message);
        message.Release();
        Settle();
        Check.That(_bus.Header.Command == Command.Reply && _bus.Header.Reply.RequestChecksum == header.Checksum);
        if (operation == Operation.Register) session = _bus.Header.Reply.Op;
    }

    public void Dispose() => _memory.Dispose();

    private void Settle()
    {
        while (_disk.TryComplete(out uint token)) Replica.OnCompletion(token, IoResult.Ok);
    }
}
