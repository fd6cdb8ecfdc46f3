using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Micro;

/// <summary>Whole queries through the state machine's commit, in process: what the kernels' figures become once
/// filters, liveness, ranking and the answer are paid for. Each turn is paired with a plain read of as many bytes as
/// the vectors have.</summary>
internal sealed class QueryMeasurement : IDisposable
{
    private const int VectorRows = 100_000;
    private const int Dimensions = 128;
    private const int TextRows = 60_000;
    private const int TextTokens = 60;
    private const int Words = 30_000;
    private const int SparseRows = 20_000;
    private const int SparseDimensions = 120;

    private readonly StaticMemory _memory = new();
    private readonly StateMachine.StateMachine _state;
    private readonly byte[] _reply = new byte[Configuration.Production.MessageBodySizeMax];
    private ulong _operation;

    private QueryMeasurement()
    {
        _state = new StateMachine.StateMachine(_memory, Configuration.Production, ComputeBackends.Select());
        _memory.Seal();
    }

    public void Dispose() => _memory.Dispose();

    public static void Run(int rounds)
    {
        using QueryMeasurement measurement = new();
        measurement.WriteVectors();
        measurement.Vectors(rounds);
        measurement.WriteTexts();
        measurement.Texts(rounds);
        using QueryMeasurement sparse = new();
        sparse.WriteSparse();
        sparse.Sparse(rounds);
        RewriteMeasurement.Run(rounds);
    }

    private void WriteVectors()
    {
        float[] values = KernelMeasurement.Singles(VectorRows * Dimensions, 3);
        for (int start = 0; start < VectorRows; start += 1000)
        {
            WriteRequest request = new() { Namespace = "v", Metric = DistanceMetric.EuclideanSquared };
            for (int i = start; i < start + 1000; i++)
            {
                request.Upserts.Add(new Row { Id = Value.Of((ulong)i) }.With("number", Value.Of((long)i))
                    .With("eighth", Value.Of(i * 7L % 8)).With("thousandth", Value.Of(i * 7L % 1000))
                    .With("vector", Value.Of(values.AsSpan(i * Dimensions, Dimensions).ToArray())));
            }
            Commit(Operation.Write, Encode(request.Write));
        }
    }

    private void Vectors(int rounds)
    {
        float[] plain = KernelMeasurement.Singles(VectorRows * Dimensions, 5);
        float[] query = KernelMeasurement.Singles(Dimensions, 4);
        (string, Filter?)[] filters =
        [
            ("all", null),
            ("half, one run", Filter.Compare("number", FilterOperator.Lt, Value.Of(VectorRows / 2L))),
            ("1/2 scattered", Filter.Compare("eighth", FilterOperator.Lt, Value.Of(4L))),
            ("1/4 scattered", Filter.Compare("eighth", FilterOperator.Lt, Value.Of(2L))),
            ("1/8 scattered", Filter.Compare("eighth", FilterOperator.Eq, Value.Of(1L))),
            ("1/1000", Filter.Compare("thousandth", FilterOperator.Eq, Value.Of(1L))),
            ("none", Filter.Compare("number", FilterOperator.Lt, Value.Of(-1L))),
        ];
        foreach ((string name, Filter? filter) in filters)
        {
            byte[] body = Query("v", new Query { RankBy = RankBy.Ann("vector", query), Filter = filter, Limit = 10 });
            KernelMeasurement.Compare($"query 100,000 x 128 f32, {name}", plain, () =>
                Commit(Operation.Query, body), rounds);
        }
    }

    /// <summary>Words of a Zipf-like frequency.</summary>
    private void WriteTexts()
    {
        Random random = new(7);
        AttributeSchema schema = new()
        {
            Name = "text", Type = AttributeType.String, Filterable = false, FullText = new FullTextOptions(),
        };
        for (int start = 0; start < TextRows; start += 1000)
        {
            WriteRequest request = new() { Namespace = "t", Schema = [schema] };
            for (int i = start; i < start + 1000; i++)
            {
                string[] words = new string[TextTokens];
                for (int word = 0; word < words.Length; word++)
                    words[word] = "w" + (int)Math.Pow(Words, random.NextDouble());
                Value text = Value.Of(string.Join(' ', words));
                request.Upserts.Add(new Row { Id = Value.Of((ulong)i) }.With("text", text));
            }
            Commit(Operation.Write, Encode(request.Write));
        }
    }

    private void Texts(int rounds)
    {
        foreach (string text in (string[])["w1 w2 w3", "w10 w40 w200", "w300 w1000 w5000"])
        {
            byte[] body = Query("t", new Query { RankBy = RankBy.Bm25("text", text), Limit = 10 });
            Time($"query 60,000 x 60 tokens, \"{text}\"", body, rounds);
        }
    }

    /// <summary>As learned sparse encoders make them: dimensions of a Zipf-like frequency, weights up to 3.</summary>
    private static SparseDimension[] SparseVector(Random random, int count)
    {
        SortedDictionary<string, double> weights = new(StringComparer.Ordinal);
        while (weights.Count < count)
            weights["t" + (int)Math.Pow(Words, 0.3 + 0.7 * random.NextDouble())] = 3 * random.NextDouble();
        return [.. weights.Select(pair => new SparseDimension(pair.Key, pair.Value))];
    }

    private void WriteSparse()
    {
        Random random = new(8);
        AttributeSchema schema = new() { Name = "sv", Type = AttributeType.SparseF16 };
        long ticks = 0;
        for (int start = 0; start < SparseRows; start += 500)
        {
            WriteRequest request = new() { Namespace = "s", Schema = [schema] };
            for (int i = start; i < start + 500; i++)
            {
                Value vector = Value.OfSparse(SparseVector(random, SparseDimensions));
                request.Upserts.Add(new Row { Id = Value.Of((ulong)i) }.With("sv", vector));
            }
            byte[] body = Encode(request.Write);
            long before = Stopwatch.GetTimestamp();
            Commit(Operation.Write, body);
            ticks += Stopwatch.GetTimestamp() - before;
        }
        double seconds = (double)ticks / Stopwatch.Frequency;
        double rate = SparseRows / seconds;
        Console.WriteLine($"write {SparseRows:N0} x {SparseDimensions} sparse: {rate:N0} rows a second");
    }

    private void Sparse(int rounds)
    {
        Random random = new(9);
        foreach (int count in (int[])[5, 30, 200])
        {
            RankBy rank = RankBy.SparseKnn("sv", SparseVector(random, count));
            byte[] body = Query("s", new Query { RankBy = rank, Limit = 10 });
            Time($"query {SparseRows:N0} x {SparseDimensions} sparse, {count} dimensions", body, rounds);
        }
    }

    private void Time(string name, byte[] body, int rounds)
    {
        long warm = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(warm).TotalMilliseconds < 500) Commit(Operation.Query, body);
        double[] times = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            Commit(Operation.Query, body);
            times[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(times);
        Console.WriteLine($"{name}: {times[rounds / 2]:F2} ms, least {times[0]:F2} ms");
    }

    public delegate void BodyWriter(ref WireWriter writer);

    public static byte[] Query(string name, Query query) =>
        Encode(new QueryRequest { Namespace = name, Queries = [query] }.Write);

    public static byte[] Encode(BodyWriter write)
    {
        byte[] buffer = new byte[Configuration.Production.MessageBodySizeMax];
        WireWriter writer = new(buffer);
        write(ref writer);
        return writer.Written.ToArray();
    }

    private void Commit(Operation operation, ReadOnlySpan<byte> body)
    {
        _operation++;
        OperationContext context = new(_operation, _operation, operation);
        while (!_state.Prefetch(context, body)) continue;
        int size = _state.Commit(context, body, _reply);
        WireReader reader = new(_reply.AsSpan(0, size));
        ReplyStatus status = ReplyStatus.Read(ref reader);
        if (status.Code != ErrorCode.Ok) throw new InvalidOperationException(status.Message);
    }
}
