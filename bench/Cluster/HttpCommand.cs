using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Wire;
using Deterministic.Gateway;
using Deterministic.Replica.Hosting;
using Command = System.CommandLine.Command;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench http`: the same requests by the binary client and over HTTP through a gateway in a process
/// of its own, in turns.</summary>
internal static class HttpCommand
{
    private const string Namespace = "http";
    private const int Dimensions = 128;
    private const int Documents = 10_000;
    private const int BatchSize = 1_000;
    private const int BodiesKept = 8;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Replicas = new("--replicas")
        { Description = "Replicas of the cluster", DefaultValueFactory = _ => 1 };
    private static readonly Option<int[]> Connections = new("--connections")
    {
        Description = "Callers at a time, one run each", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 16],
    };
    private static readonly Option<double> Seconds = new("--seconds")
        { Description = "Time of a run", DefaultValueFactory = _ => 4 };

    public static Command Create()
    {
        Command command = new("http",
            $"Upserts of one row, of {BatchSize} rows, and the nearest 10 of {Documents} vectors of {Dimensions} " +
            "dimensions under a filter: by the binary client and over HTTP.")
        {
            Folder, Replicas, Connections, Seconds,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        await using ReplicaGroup group =
            await ReplicaGroup.StartAsync(arguments.GetValue(Folder), arguments.GetValue(Replicas));
        using Process gateway = ChildReplica.Run(
            "gateway", "--addresses", string.Join(",", group.Addresses), "--http", "127.0.0.1:0", "--development");
        try
        {
            string ready = await gateway.StandardOutput.ReadLineAsync(cancellation) ?? "";
            _ = gateway.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            using HttpClient http = new() { BaseAddress = new Uri(ready[GatewayServer.ReadyPrefix.Length..]) };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
            await using DeterministicClient client = new(group.Options());
            foreach (byte[] body in Bodies(Work.Batch, Documents / BatchSize))
                await client.WriteAsync(WriteRequestJson.Parse(Namespace, body), cancellation: cancellation);
            TimeSpan time = TimeSpan.FromSeconds(arguments.GetValue(Seconds));
            Report.Heading($"{group.Count} replicas, {Documents} vectors of {Dimensions} dimensions");
            Report.Line("work    over    callers  calls/s  p50 ms  p99 ms  max ms");
            foreach (Work work in Enum.GetValues<Work>())
            {
                foreach (int callers in arguments.GetValue(Connections)!)
                {
                    await MeasureAsync("binary", work, callers, time, () => new BinaryCaller(group.Options(), client));
                    await MeasureAsync("http", work, callers, time, () => new HttpCaller(http));
                    cancellation.ThrowIfCancellationRequested();
                }
            }
        }
        finally
        {
            gateway.Kill();
            await gateway.WaitForExitAsync(CancellationToken.None);
        }
        return 0;
    }

    private static async Task MeasureAsync(
        string over, Work work, int callers, TimeSpan time, Func<ICaller> connect)
    {
        ICaller[] all = [.. Enumerable.Range(0, callers).Select(_ => connect())];
        byte[][] bodies = Bodies(work, BodiesKept);
        foreach (ICaller caller in all) caller.Prepare(work, bodies);
        await RunAsync(all, WarmUp);
        long started = Stopwatch.GetTimestamp();
        Percentiles latency = await RunAsync(all, time);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        foreach (ICaller caller in all) caller.Dispose();
        Report.Line($"{work,-6}  {over,-6}  {callers,7}  {latency.Count / seconds,7:N0}  {latency.Text(50),6}  " +
            $"{latency.Text(99),6}  {latency.Text(100),6}");
    }

    private static async Task<Percentiles> RunAsync(ICaller[] callers, TimeSpan time)
    {
        long started = Stopwatch.GetTimestamp();
        List<double>[] latencies = await Task.WhenAll(callers.Select((caller, first) => Task.Run(async () =>
        {
            List<double> own = [];
            for (int i = first; Stopwatch.GetElapsedTime(started) < time; i++)
            {
                long sent = Stopwatch.GetTimestamp();
                await caller.CallAsync(i % BodiesKept);
                own.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }
            return own;
        })));
        return new Percentiles([.. latencies.SelectMany(static own => own)]);
    }

    /// <summary>The JSON of requests; both kinds of callers make the same ones.</summary>
    private static byte[][] Bodies(Work work, int count)
    {
        Random random = new(1);
        byte[][] bodies = new byte[count][];
        for (int i = 0; i < count; i++)
        {
            string text = $$"""
                {"rank_by":["vector","ANN",{{Vector(random)}}],"filters":["n","Lt",500],"top_k":10}
                """;
            if (work != Work.Query)
            {
                int rows = work == Work.Batch ? BatchSize : 1;
                IEnumerable<string> all = Enumerable.Range(i * rows, rows)
                    .Select(id => $$"""{"id":{{id}},"n":{{id % 1000}},"vector":{{Vector(random)}}}""");
                text = $$"""{"distance_metric":"cosine_distance","upsert_rows":[{{string.Join(",", all)}}]}""";
            }
            bodies[i] = Encoding.UTF8.GetBytes(text);
        }
        return bodies;
    }

    private static string Vector(Random random) => "[" + string.Join(",", Enumerable.Range(0, Dimensions)
        .Select(_ => random.NextSingle().ToString(CultureInfo.InvariantCulture))) + "]";

    private enum Work
    {
        Row,
        Batch,
        Query,
    }

    private interface ICaller : IDisposable
    {
        void Prepare(Work work, byte[][] bodies);
        Task CallAsync(int body);
    }

    /// <summary>Writes share a session; each caller has a reader.</summary>
    private sealed class BinaryCaller(ClientOptions options, DeterministicClient client) : ICaller
    {
        private readonly DeterministicReader _reader = new(options);
        private Func<int, Task> _call = static _ => Task.CompletedTask;

        public void Prepare(Work work, byte[][] bodies)
        {
            if (work == Work.Query)
            {
                ParsedQuery[] queries = Array.ConvertAll(bodies, body => QueryRequestJson.Parse(Namespace, body));
                ReadBounds bounds = new(ReadConsistency.Strong);
                _call = i => _reader.QueryAsync(queries[i].Request, bounds);
                return;
            }
            Core.Model.WriteRequest[] writes =
                Array.ConvertAll(bodies, body => WriteRequestJson.Parse(Namespace, body));
            _call = i => client.WriteAsync(writes[i]);
        }

        public Task CallAsync(int body) => _call(body);

        public void Dispose() => _reader.Dispose();
    }

    private sealed class HttpCaller(HttpClient http) : ICaller
    {
        private string _path = "";
        private byte[][] _bodies = [];

        public void Prepare(Work work, byte[][] bodies)
        {
            _bodies = bodies;
            _path = $"/v2/namespaces/{Namespace}{(work == Work.Query ? "/query" : "")}";
        }

        public async Task CallAsync(int body)
        {
            using ByteArrayContent content = new(_bodies[body]);
            using HttpResponseMessage response = await http.PostAsync(_path, content);
            response.EnsureSuccessStatusCode();
            await response.Content.ReadAsByteArrayAsync();
        }

        public void Dispose()
        {
            // The connections are the client's.
        }
    }
}
