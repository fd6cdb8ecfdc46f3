using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Gateway;
using Deterministic.Replica.Hosting;
using Command = System.CommandLine.Command;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench http`: the same requests by the binary client and over HTTP through a gateway in a process
/// of its own, in turns.</summary>
internal static class HttpCommand
{
    private const string AllocatedFigure = "dotnet_gc_heap_total_allocated_bytes_total ";
    private const int BodiesKept = 8;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Replicas = new("--replicas")
        { Description = "Replicas of the cluster", DefaultValueFactory = _ => 1 };
    private static readonly Option<int[]> Connections = new("--connections")
    {
        Description = "Callers at a time, one run each", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 16, 256],
    };
    private static readonly Option<HttpWork[]> Works = new("--works")
    {
        Description = "Kinds of requests", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => Enum.GetValues<HttpWork>(),
    };
    private static readonly Option<int> Sessions = new("--sessions")
        { Description = "Sessions that the binary callers of batches share", DefaultValueFactory = _ => 4 };
    private static readonly Option<int> Rounds = new("--rounds")
        { Description = "How often each kind is measured, in turns", DefaultValueFactory = _ => 1 };
    private static readonly Option<double> Seconds = new("--seconds")
        { Description = "Time of a run", DefaultValueFactory = _ => 4 };

    public static Command Create()
    {
        Command command = new("http",
            $"Upserts of one row, of {HttpRequestBodies.BatchSize} rows, and the nearest 10 of " +
            $"{HttpRequestBodies.Documents} vectors of {HttpRequestBodies.Dimensions} dimensions under a filter: by " +
            "the binary client and over HTTP.")
        {
            Folder, Replicas, Connections, Works, Sessions, Rounds, Seconds,
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
        _ = gateway.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        DeterministicClient[] clients = [.. Enumerable.Range(0, arguments.GetValue(Sessions))
            .Select(_ => new DeterministicClient(group.Options()))];
        try
        {
            string ready = await gateway.StandardOutput.ReadLineAsync(cancellation) ?? "";
            _ = gateway.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            using HttpClient http = new() { BaseAddress = new Uri(ready[GatewayServer.ReadyPrefix.Length..]) };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
            Bench bench = new(group, gateway, http, TimeSpan.FromSeconds(arguments.GetValue(Seconds)));
            Report.Heading($"{group.Count} replicas, {HttpRequestBodies.Documents} vectors of " +
                $"{HttpRequestBodies.Dimensions} dimensions; us: processor time for a call");
            Report.Line("work   over    callers  calls/s  p50 ms  p99 ms  max ms  caller us  gateway us  " +
                "primary us  gateway KB");
            for (int round = 0; round < arguments.GetValue(Rounds); round++)
            {
                foreach (HttpWork work in arguments.GetValue(Works)!)
                {
                    await FillAsync(clients[0], cancellation);
                    foreach (int callers in arguments.GetValue(Connections)!)
                    {
                        int sessions = work == HttpWork.Batch ? clients.Length : 1;
                        double binary = await bench.MeasureAsync("binary", work, callers,
                            i => new BinaryCaller(group.Options(), clients[i % sessions]));
                        double overHttp = await bench.MeasureAsync("http", work, callers, _ => new HttpCaller(http));
                        Report.Line($"{work,-6} http to binary {overHttp / binary:P0}");
                        cancellation.ThrowIfCancellationRequested();
                    }
                }
            }
        }
        finally
        {
            foreach (DeterministicClient client in clients) await client.DisposeAsync();
            gateway.Kill();
            await gateway.WaitForExitAsync(CancellationToken.None);
        }
        return 0;
    }

    /// <summary>The same documents, written once, before each kind of work.</summary>
    private static async Task FillAsync(DeterministicClient client, CancellationToken cancellation)
    {
        const string name = HttpRequestBodies.Namespace;
        const int batches = HttpRequestBodies.Documents / HttpRequestBodies.BatchSize;
        byte[][] bodies = HttpRequestBodies.Of(HttpWork.Batch, batches);
        await client.WriteAsync(WriteRequestJson.Parse(name, bodies[0]), cancellation: cancellation);
        await client.DeleteNamespaceAsync(name, cancellation: cancellation);
        foreach (byte[] body in bodies)
            await client.WriteAsync(WriteRequestJson.Parse(name, body), cancellation: cancellation);
    }

    /// <summary>What is measured, and what it costs each process.</summary>
    private sealed class Bench(ReplicaGroup group, Process gateway, HttpClient http, TimeSpan time)
    {
        /// <summary>Calls a second.</summary>
        public async Task<double> MeasureAsync(
            string over, HttpWork work, int callers, Func<int, IHttpWorkCaller> connect)
        {
            IHttpWorkCaller[] all = [.. Enumerable.Range(0, callers).Select(connect)];
            byte[][] bodies = HttpRequestBodies.Of(work, BodiesKept);
            foreach (IHttpWorkCaller caller in all) caller.Prepare(work, bodies);
            await RunAsync(all, WarmUp);
            int primary = group.ProcessId(await group.PrimaryAsync())!.Value;
            int[] processes = [Environment.ProcessId, gateway.Id, primary];
            double[] before = Array.ConvertAll(processes, static id => ProcessFigures.Read(id).Seconds);
            double allocated = await AllocatedAsync();
            long started = Stopwatch.GetTimestamp();
            Percentiles latency = await RunAsync(all, time);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            allocated = await AllocatedAsync() - allocated;
            IEnumerable<string> costs = processes.Select((id, i) =>
                $"{(ProcessFigures.Read(id).Seconds - before[i]) * 1e6 / latency.Count,10:N0}");
            foreach (IHttpWorkCaller caller in all) caller.Dispose();
            double rate = latency.Count / seconds;
            Report.Line($"{work,-6} {over,-6}  {callers,7}  {rate,7:N0}  {latency.Text(50),6}  {latency.Text(99),6}  " +
                $"{latency.Text(100),6} {string.Join("  ", costs)}  {allocated / latency.Count / 1024,10:N1}");
            return rate;
        }

        private static async Task<Percentiles> RunAsync(IHttpWorkCaller[] callers, TimeSpan time)
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

        /// <summary>Bytes that the gateway has allocated since it began.</summary>
        private async Task<double> AllocatedAsync()
        {
            string page = await http.GetStringAsync("/metrics");
            string line = page.Split('\n')
                .First(static one => one.StartsWith(AllocatedFigure, StringComparison.Ordinal));
            return double.Parse(line[AllocatedFigure.Length..], CultureInfo.InvariantCulture);
        }
    }
}
