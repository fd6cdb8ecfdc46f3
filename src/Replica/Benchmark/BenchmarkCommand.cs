using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Command = System.CommandLine.Command;

namespace Deterministic.Replica.Benchmark;

/// <summary>`deterministic benchmark`: loads seeded random documents, queries them, prints rates, latencies and a hash
/// of all answers, so that two runs of one seed can be compared.</summary>
internal static class BenchmarkCommand
{
    private static readonly Option<int> Dimensions = new("--dims")
        { Description = "Dimensions of the vectors", DefaultValueFactory = _ => 128 };
    private static readonly Option<int> Documents = new("--documents")
        { Description = "Documents to load", DefaultValueFactory = _ => 100_000 };
    private static readonly Option<int> Clients = new("--clients")
        { Description = "Clients, each with a session and one request in flight", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> Queries = new("--queries")
        { Description = "Queries of each kind", DefaultValueFactory = _ => 200 };
    private static readonly Option<int> Batch = new("--batch")
        { Description = "Documents in one write (0: as many as fit a message)", DefaultValueFactory = _ => 0 };
    private static readonly Option<ulong> Seed = new("--seed")
        { Description = "Seed of documents and queries", DefaultValueFactory = _ => 42 };
    private static readonly Option<string?> Addresses = new("--addresses")
        { Description = "A running cluster; without it the benchmark formats and starts a replica of its own" };
    private static readonly Option<string?> Folder = new("--folder")
        { Description = "Where its own replica keeps the data file (default: a temporary folder)" };

    public static Command Create()
    {
        Command command = new("benchmark",
            "Measure ingest and queries on seeded random data.\n\n" +
            "Example: deterministic benchmark --documents 100000 --dims 128 --clients 1")
        {
            Dimensions, Documents, Clients, Queries, Batch, Seed, Addresses, Folder,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        BenchmarkData data = new(arguments.GetValue(Seed), arguments.GetValue(Dimensions),
            arguments.GetValue(Documents));
        string? given = arguments.GetValue(Addresses);
        ChildReplica? replica = null;
        try
        {
            IReadOnlyList<EndPoint> addresses;
            if (given is null)
            {
                replica = await ChildReplica.FormatAsync(arguments.GetValue(Folder)).ConfigureAwait(false);
                await replica.StartAsync().ConfigureAwait(false);
                addresses = [replica.Address];
            }
            else
            {
                addresses = ClientOptions.ParseAddresses(given);
            }
            int clients = arguments.GetValue(Clients);
            await LoadAsync(data, addresses, clients, arguments.GetValue(Batch), cancellation).ConfigureAwait(false);
            await QueryAsync(data, addresses, clients, arguments.GetValue(Queries), cancellation).ConfigureAwait(false);
            if (replica is not null) Print("peak memory", $"{replica.PeakMemory / 1048576.0:0} MiB of the replica");
            return 0;
        }
        finally
        {
            if (replica is not null) await replica.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task LoadAsync(
        BenchmarkData data, IReadOnlyList<EndPoint> addresses, int clients, int batch, CancellationToken cancellation)
    {
        int documents = batch > 0 ? batch : data.DocumentsPerMessage;
        Latencies latencies = new();
        int next = 0;
        TimeSpan generating = TimeSpan.Zero;
        async Task Work()
        {
            await using DeterministicClient client = new(new ClientOptions { Addresses = addresses, Cluster = 1 });
            while (true)
            {
                int first = Interlocked.Add(ref next, documents) - documents;
                if (first >= data.Documents) return;
                long before = Stopwatch.GetTimestamp();
                WriteRequest request = data.Write(first, Math.Min(documents, data.Documents - first));
                long sent = Stopwatch.GetTimestamp();
                await client.WriteAsync(request, cancellation: cancellation).ConfigureAwait(false);
                latencies.Add(Stopwatch.GetElapsedTime(sent));
                lock (latencies) generating += Stopwatch.GetElapsedTime(before, sent);
            }
        }
        long started = Stopwatch.GetTimestamp();
        await RunAll(clients, Work).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        Print("load",
            $"{data.Documents:N0} documents of {data.Dimensions} dimensions in {elapsed.TotalSeconds:0.00} s");
        Print("  rate", $"{data.Documents / elapsed.TotalSeconds:N0} documents/s, durable before each answer");
        Print("  writes", $"{latencies.Count:N0} of {documents:N0} documents, {latencies}");
        Print("  generating", $"{generating.TotalSeconds:0.00} s of the time went into making the documents");
    }

    private static async Task QueryAsync(
        BenchmarkData data, IReadOnlyList<EndPoint> addresses, int clients, int queries, CancellationToken cancellation)
    {
        UInt128 hash = 0;
        foreach (QueryKind kind in Enum.GetValues<QueryKind>())
        {
            Latencies latencies = new();
            UInt128[] answers = new UInt128[queries];
            int next = 0;
            async Task Work()
            {
                await using DeterministicClient client = new(new ClientOptions { Addresses = addresses, Cluster = 1 });
                await client.QueryAsync(data.Query(kind, 0), cancellation: cancellation).ConfigureAwait(false);
                for (int i; (i = Interlocked.Increment(ref next) - 1) < queries;)
                {
                    QueryRequest request = data.Query(kind, i);
                    long sent = Stopwatch.GetTimestamp();
                    QueryReply reply = await client.QueryAsync(request,
                        cancellation: cancellation).ConfigureAwait(false);
                    latencies.Add(Stopwatch.GetElapsedTime(sent));
                    answers[i] = HashOf(reply);
                }
            }
            long started = Stopwatch.GetTimestamp();
            await RunAll(clients, Work).ConfigureAwait(false);
            double rate = queries / Stopwatch.GetElapsedTime(started).TotalSeconds;
            Print(BenchmarkData.NameOf(kind), $"{rate:N0} queries/s, {latencies}");
            foreach (UInt128 answer in answers) hash = Combine(hash, answer);
        }
        Print("result hash", hash.ToString("x32", CultureInfo.InvariantCulture));
    }

    private static Task RunAll(int count, Func<Task> work)
    {
        Task[] tasks = new Task[count];
        for (int i = 0; i < count; i++) tasks[i] = Task.Run(work);
        return Task.WhenAll(tasks);
    }

    /// <summary>Ids and scores of the rows, in order.</summary>
    private static UInt128 HashOf(QueryReply reply)
    {
        byte[] bytes = new byte[1 << 16];
        WireWriter writer = new(bytes);
        foreach (QueryResult result in reply.Results)
        {
            foreach (ResultRow row in result.Rows)
            {
                row.Id.Write(ref writer);
                writer.F32(row.Score ?? 0);
            }
        }
        return XxHash128.HashToUInt128(writer.Written);
    }

    private static UInt128 Combine(UInt128 hash, UInt128 next)
    {
        byte[] bytes = new byte[32];
        WireWriter writer = new(bytes);
        writer.U128(hash);
        writer.U128(next);
        return XxHash128.HashToUInt128(bytes);
    }

    private static void Print(string name, FormattableString text) =>
        Print(name, text.ToString(CultureInfo.InvariantCulture));

    private static void Print(string name, string text) => Console.WriteLine($"{name,-18} {text}");
}

/// <summary>The kinds of query that the benchmark times.</summary>
internal enum QueryKind
{
    Vector,
    FilteredVector,
    SelectiveVector,
    Text,
    OrderBy,
}

/// <summary>Documents and queries from a seed: a vector, a number, a color and a short text each.</summary>
internal sealed class BenchmarkData(ulong seed, int dimensions, int documents)
{
    public const string Namespace = "benchmark";
    private const int OtherBytesPerDocument = 120;
    private const int MessageBudget = 1_000_000;
    private const int WordKinds = 2000;

    private static readonly string[] Colors = ["red", "orange", "yellow", "green", "blue", "indigo", "violet", "grey"];

    public int Dimensions => dimensions;
    public int Documents => documents;
    public int DocumentsPerMessage => Math.Max(1, MessageBudget / (4 * dimensions + OtherBytesPerDocument));

    public static string NameOf(QueryKind kind) => kind switch
    {
        QueryKind.Vector => "vector",
        QueryKind.FilteredVector => "vector, 1/8 pass",
        QueryKind.SelectiveVector => "vector, 1/1000",
        QueryKind.Text => "text",
        _ => "order by",
    };

    public WriteRequest Write(int first, int count)
    {
        WriteRequest request = new()
        {
            Namespace = Namespace,
            Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new() { Name = "vector", Type = AttributeType.VectorF32, Dimensions = (uint)dimensions, Ann = true },
                new() { Name = "number", Type = AttributeType.Int },
                new() { Name = "color", Type = AttributeType.String },
                new() { Name = "text", Type = AttributeType.String, FullText = new FullTextOptions() },
            ],
        };
        for (int i = first; i < first + count; i++)
        {
            Prng prng = Prng.For(seed, (ulong)i);
            request.Upserts.Add(new Row { Id = Value.Of((ulong)i) }
                .With("vector", Value.Of(Vector(prng)))
                .With("number", Value.Of((long)prng.Below(1000UL)))
                .With("color", Value.Of(Colors[prng.Below((ulong)Colors.Length)]))
                .With("text", Value.Of(Text(prng, 5))));
        }
        return request;
    }

    public QueryRequest Query(QueryKind kind, int number)
    {
        Prng prng = Prng.For(~seed, (ulong)number);
        RankBy rankBy = kind switch
        {
            QueryKind.Text => RankBy.Bm25("text", Text(prng, 3)),
            QueryKind.OrderBy => RankBy.OrderBy(("number", true), ("id", false)),
            _ => RankBy.Ann("vector", Vector(prng)),
        };
        Filter? filter = kind switch
        {
            QueryKind.FilteredVector or QueryKind.OrderBy =>
                Filter.Compare("color", FilterOperator.Eq, Value.Of(Colors[prng.Below((ulong)Colors.Length)])),
            QueryKind.SelectiveVector =>
                Filter.Compare("number", FilterOperator.Eq, Value.Of((long)prng.Below(1000UL))),
            _ => null,
        };
        return new QueryRequest
        {
            Namespace = Namespace, Queries = [new Query { RankBy = rankBy, Filter = filter, Limit = 10 }],
        };
    }

    private float[] Vector(Prng prng)
    {
        float[] vector = new float[dimensions];
        for (int i = 0; i < vector.Length; i++) vector[i] = (int)(prng.Next() >> 40) / 8388608f - 1f;
        return vector;
    }

    /// <summary>Words with a skew: low numbers are common.</summary>
    private static string Text(Prng prng, int words)
    {
        string text = "";
        for (int i = 0; i < words; i++)
        {
            ulong word = prng.Below((ulong)WordKinds) * prng.Below((ulong)WordKinds) / WordKinds;
            text += (i == 0 ? "w" : " w") + word.ToString(CultureInfo.InvariantCulture);
        }
        return text;
    }
}
