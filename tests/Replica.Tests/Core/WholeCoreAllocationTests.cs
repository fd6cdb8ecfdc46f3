using System;
using System.Collections.Generic;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Replica.Tests.Core;

/// <summary>The whole core as the process composes it (log, state machine, kernels) allocates nothing once it
/// runs.</summary>
public sealed class WholeCoreAllocationTests : IDisposable
{
    private const int OperationCount = 10_000;
    private const int WarmUpCountMax = 1_000;

    private readonly StaticMemory _memory = new();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void TenThousandMixedOperationsAllocateNothing()
    {
        Configuration configuration = new(
            messageSizeMax: 64 << 10, journalSlots: 64, pipelineMax: 4, sessionsMax: 4, barOps: 4,
            journalWritesMax: 2, journalReadsMax: 2, stateSizeMax: 32L << 20,
            blockSize: 32 << 10, memtableSize: 1 << 20);
        ReplicaOptions options = new() { Cluster = 1, Configuration = configuration };
        MemoryDisk disk = new(_memory, new DataFileLayout(configuration).Size);
        DiskSink sink = new(disk);
        Assert.Equal(StopReason.None, DataFileFormat.Write(options, ref sink));
        ReplyCatcher bus = new();
        MessagePool arrived = new(_memory, 8, configuration.MessageSizeMax);
        StateMachine.StateMachine machine = new(_memory, configuration, ComputeBackends.Select(), new StorageOptions
        {
            Disk = disk, Cluster = 1, GridOffset = new DataFileLayout(configuration).GridOffset, CacheSize = 32 << 20,
        });
        Replica<StateMachine.StateMachine, MemoryDisk, ReplyCatcher, StepClock> replica =
            new(options, _memory, machine, disk, bus, new StepClock());
        byte[][] bodies = Bodies(out Operation[] operations);
        _memory.Seal();
        replica.Open();
        Client client = new(bus, arrived);
        client.Call(replica, disk, Operation.Register, []);
        // Whole rounds, so that the first one that counts finds no key left.
        int warmUpCount = WarmUpCountMax - WarmUpCountMax % bodies.Length;
        for (int i = 0; i < warmUpCount; i++)
            client.Call(replica, disk, operations[i % bodies.Length], bodies[i % bodies.Length]);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < OperationCount; i++)
            client.Call(replica, disk, operations[i % bodies.Length], bodies[i % bodies.Length]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        Assert.Equal(1UL + (ulong)warmUpCount + OperationCount, replica.Op);
        Assert.True(replica.CheckpointOp > (ulong)OperationCount);
        Assert.Equal(0, client.Errors);
    }

    /// <summary>Upserts, patches, deletes, text and vector queries and their plans, filters, aggregates, fusion,
    /// branches, listings, API keys.</summary>
    private static byte[][] Bodies(out Operation[] operations)
    {
        List<byte[]> bodies = [];
        List<Operation> kinds = [];
        AttributeSchema[] schema =
        [
            new() { Name = "vector", Type = AttributeType.VectorF32, Dimensions = 16, Ann = true },
            new() { Name = "text", Type = AttributeType.String, FullText = new FullTextOptions { Stemming = true } },
            new() { Name = "color", Type = AttributeType.String },
        ];
        for (int i = 0; i < 24; i++)
        {
            WriteRequest write = new() { Namespace = "n", Metric = DistanceMetric.CosineDistance, Schema = schema };
            for (ulong id = (ulong)i; id < (ulong)i + 6; id++)
            {
                float[] vector = new float[16];
                for (int j = 0; j < vector.Length; j++) vector[j] = (i * 7 + j * 3 + (int)id) % 11 - 5;
                write.Upserts.Add(new Row { Id = Value.Of(id) }.With("vector", Value.Of(vector))
                    .With("text", Value.Of($"walrus number {i} runs with {id} others"))
                    .With("color", Value.Of(i % 3 == 0 ? "red" : "blue")));
            }
            write.Patches.Add(new Row { Id = Value.Of((ulong)(i + 12)) }.With("color", Value.Of("green")));
            write.Deletes.Add(Value.Of((ulong)(i + 18)));
            Add(Operation.Write, write.Write);
            QueryRequest query = new()
            {
                Namespace = "n",
                Queries =
                [
                    new Query
                    {
                        RankBy = RankBy.Ann("vector", new float[16]), Limit = 5, Include = IncludeMode.All,
                        Filter = Filter.Compare("color", FilterOperator.Eq, Value.Of("red")),
                    },
                    new Query { RankBy = RankBy.Bm25("text", "walrus others"), Limit = 5, Include = IncludeMode.All },
                ],
                Rerank = i % 2 == 0 ? Rerank.None : Rerank.ReciprocalRankFusion,
            };
            Add(Operation.Query, query.Write);
            Add(Operation.Explain, query.Write);
            Add(Operation.Query, new QueryRequest
            {
                Namespace = "n",
                Queries = [new Query { Aggregates = [new("n", AggregateFunction.Count)], GroupBy = ["color"] }],
            }.Write);
            Add(Operation.Branch, new BranchRequest { Namespace = $"b{i}", Source = "n" }.Write);
            Add(Operation.DeleteNamespace, new NamespaceRequest { Namespace = $"b{i}" }.Write);
            Add(Operation.ListNamespaces, new ListNamespacesRequest().Write);
            ApiKey key = new() { Id = $"k{i}", Scopes = KeyScopes.Read, Hash = new byte[Limits.KeyHashSize] };
            Add(Operation.CreateKey, new CreateKeyRequest { Key = key }.Write);
            Add(Operation.ListKeys, new ListKeysRequest().Write);
            Add(Operation.RevokeKey, new RevokeKeyRequest { Id = key.Id }.Write);
        }
        operations = [.. kinds];
        return [.. bodies];

        void Add(Operation operation, BodyWriter write)
        {
            byte[] buffer = new byte[16 << 10];
            WireWriter writer = new(buffer);
            write(ref writer);
            Assert.False(writer.Overflowed);
            bodies.Add(writer.Written.ToArray());
            kinds.Add(operation);
        }
    }

    private delegate void BodyWriter(ref WireWriter writer);

    /// <summary>One session, one request at a time.</summary>
    private sealed class Client(ReplyCatcher bus, MessagePool pool)
    {
        private uint _number;
        private ulong _session;

        public int Errors { get; private set; }

        public void Call(
            Replica<StateMachine.StateMachine, MemoryDisk, ReplyCatcher, StepClock> replica, MemoryDisk disk,
            Operation operation, byte[] body)
        {
            while (replica.Status != ReplicaStatus.Normal) Step(replica, disk);
            Message message = pool.TryTake()!;
            ref Header header = ref message.Header;
            header = Header.Create(Command.Request, 1, view: 0, replica: 0, body.Length);
            header.Request.Client = 7;
            header.Request.Operation = operation;
            header.Request.Parent = bus.Context;
            header.Request.Session = _session;
            if (operation != Operation.Register) header.Request.RequestNumber = ++_number;
            body.CopyTo(message.Body);
            header.SetChecksumBody(message.Body);
            header.SetChecksum();
            ulong replies = bus.Replies;
            replica.OnMessage(message);
            message.Release();
            while (bus.Replies == replies) Step(replica, disk);
            if (operation == Operation.Register) _session = bus.Op;
            else if (bus.Code != (ushort)ErrorCode.Ok) Errors++;
        }

        private static void Step(
            Replica<StateMachine.StateMachine, MemoryDisk, ReplyCatcher, StepClock> replica, MemoryDisk disk)
        {
            if (disk.TryComplete(out uint token)) replica.OnCompletion(token, IoResult.Ok);
            else replica.Tick();
        }
    }

    private sealed class MemoryDisk(StaticMemory memory, long size) : IDisk
    {
        private readonly NativeBuffer _image = memory.Take(size, Limits.SectorSize);
        private readonly RingBuffer<uint> _done = new(64);

        public Span<byte> Slice(long offset, int length) => _image.Slice(offset, length);

        public void Read(uint token, long offset, NativeBuffer buffer)
        {
            _image.Slice(offset, (int)buffer.Length).CopyTo(buffer.Span);
            Assert.True(_done.TryAdd(token));
        }

        public void Write(uint token, long offset, NativeBuffer buffer)
        {
            buffer.Span.CopyTo(_image.Slice(offset, (int)buffer.Length));
            Assert.True(_done.TryAdd(token));
        }

        public bool TryComplete(out uint token) => _done.TryTake(out token);
    }

    private readonly struct DiskSink(MemoryDisk disk) : IFormatSink
    {
        public void Write(long offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(disk.Slice(offset, bytes.Length));

        public void Flush()
        {
        }
    }

    private sealed class ReplyCatcher : IMessageBus
    {
        public ulong Replies { get; private set; }
        public UInt128 Context { get; private set; }
        public ulong Op { get; private set; }
        public ushort Code { get; private set; }

        public void SendToClient(UInt128 client, Message message)
        {
            Context = message.Header.Reply.Context;
            Op = message.Header.Reply.Op;
            Code = message.Body.Length >= 2 ? BitConverter.ToUInt16(message.Body) : (ushort)0;
            Replies++;
        }

        public void SendToReplica(byte replica, Message message) => Assert.Fail("there is no other replica");
    }

    private sealed class StepClock : IClock
    {
        private ulong _now = 1;

        public ulong RealtimeNanoseconds => _now++;
        public ulong MonotonicNanoseconds => _now++;
    }
}
