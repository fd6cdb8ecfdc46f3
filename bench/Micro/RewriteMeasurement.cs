using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine;

namespace Deterministic.Micro;

/// <summary>The same filtered query over vectors written once and over as many that have been replaced again and
/// again, with memtables, tables and merges under the state machine and checkpoints as often as the log takes them. A
/// third namespace has had its documents replaced in no order, so that hardly a window has died as a whole.</summary>
internal sealed class RewriteMeasurement : IDisposable
{
    private const int Rows = 10_000;
    private const int Dimensions = 128;
    private const int BatchRows = 1000;
    private const int Rewrites = 20;
    private const int OperationsPerCheckpoint = 100;

    private readonly StaticMemory _memory = new();
    private readonly MemoryDisk _disk = new();
    private readonly StateMachine.StateMachine _state;
    private readonly byte[] _reply = new byte[Configuration.Production.MessageBodySizeMax];
    private readonly Random _random = new(11);
    private ulong _operation;

    private RewriteMeasurement()
    {
        _state = new StateMachine.StateMachine(
            _memory, Configuration.Production, ComputeBackends.Select(), new StorageOptions
            {
                Disk = _disk, Cluster = 1, GridOffset = 0, CacheSize = 256 << 20,
            });
        _memory.Seal();
    }

    public void Dispose() => _memory.Dispose();

    public static void Run(int rounds)
    {
        using RewriteMeasurement measurement = new();
        measurement.Write("ordered", Enumerable.Range(0, Rows));
        measurement.Write("shuffled", Enumerable.Range(0, Rows));
        for (int i = 0; i < Rewrites; i++)
        {
            measurement.Write("ordered", Enumerable.Range(0, Rows));
            measurement.Write("shuffled", Enumerable.Range(0, Rows).Select(_ => measurement._random.Next(Rows)));
        }
        measurement.Write("once", Enumerable.Range(0, Rows));
        measurement.Compare("ordered", $"replaced {Rewrites} times in order", rounds);
        measurement.Compare("shuffled", $"replaced {Rewrites} times in no order", rounds);
    }

    private void Compare(string name, string what, int rounds)
    {
        float[] near = Vector();
        byte[] candidate = Body(name, near);
        byte[] baseline = Body("once", near);
        KernelMeasurement.Pair pair = KernelMeasurement.Measure(
            rounds, () => Commit(Operation.Query, candidate), () => Commit(Operation.Query, baseline));
        Console.WriteLine($"query {Rows:N0} x {Dimensions} f32, half pass, {what}: " +
            $"{pair.CandidateMicroseconds:F0} us; written once {pair.BaselineMicroseconds:F0} us; " +
            $"time ratio {pair.Ratio:F2}");
    }

    private static byte[] Body(string name, float[] near) => QueryMeasurement.Query(name, new Query
    {
        RankBy = RankBy.Ann("vector", near), Limit = 10,
        Filter = Filter.Compare("n", FilterOperator.Lt, Value.Of(500L)),
    });

    private void Write(string name, IEnumerable<int> ids)
    {
        foreach (int[] batch in ids.Chunk(BatchRows))
        {
            WriteRequest request = new() { Namespace = name, Metric = DistanceMetric.CosineDistance };
            foreach (int id in batch.Distinct())
            {
                request.Upserts.Add(new Row { Id = Value.Of((ulong)id) }.With("n", Value.Of(id % 1000L))
                    .With("vector", Value.Of(Vector())));
            }
            Commit(Operation.Write, QueryMeasurement.Encode(request.Write));
        }
    }

    private float[] Vector()
    {
        float[] vector = new float[Dimensions];
        for (int i = 0; i < vector.Length; i++) vector[i] = _random.NextSingle();
        return vector;
    }

    private void Commit(Operation operation, ReadOnlySpan<byte> body)
    {
        _operation++;
        OperationContext context = new(_operation, _operation, operation);
        while (!_state.Prefetch(context, body)) CompleteAll();
        int size = _state.Commit(context, body, _reply);
        WireReader reader = new(_reply.AsSpan(0, size));
        ReplyStatus status = ReplyStatus.Read(ref reader);
        if (status.Code != ErrorCode.Ok) throw new InvalidOperationException(status.Message);
        if (operation == Operation.Query) return;
        while (!_state.Maintain(_operation)) CompleteAll();
        if (_operation % OperationsPerCheckpoint > 0) return;
        _state.CheckpointStart(_operation, []);
        while (!_state.CheckpointAdvance(out _)) CompleteAll();
        _state.CheckpointDurable();
    }

    private void CompleteAll()
    {
        while (_disk.TryComplete(out uint token)) _state.OnCompletion(token, IoResult.Ok);
    }

    /// <summary>Sectors in memory; operations complete in the order in which they were asked for.</summary>
    private sealed class MemoryDisk : IDisk
    {
        private readonly Queue<(uint Token, long Offset, NativeBuffer Buffer, bool Write)> _queue = new();
        private readonly Dictionary<long, byte[]> _sectors = [];

        public void Read(uint token, long offset, NativeBuffer buffer) =>
            _queue.Enqueue((token, offset, buffer, false));

        public void Write(uint token, long offset, NativeBuffer buffer) =>
            _queue.Enqueue((token, offset, buffer, true));

        public bool TryComplete(out uint token)
        {
            token = 0;
            if (!_queue.TryDequeue(out var operation)) return false;
            token = operation.Token;
            for (int at = 0; at < operation.Buffer.Length; at += Limits.SectorSize)
            {
                Span<byte> part = operation.Buffer.Slice(at, Limits.SectorSize);
                if (operation.Write) _sectors[operation.Offset + at] = part.ToArray();
                else if (_sectors.TryGetValue(operation.Offset + at, out byte[]? sector)) sector.CopyTo(part);
                else part.Clear();
            }
            return true;
        }
    }
}
