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
using Deterministic.Gateway;
using Deterministic.Replica.Hosting;
using Command = System.CommandLine.Command;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench mixed`: everything at once over HTTP for a while, with requests that are broken off, clients
/// that are slow and a primary that is killed now and then. Every answer is compared with what must be there.</summary>
internal static class MixedCommand
{
    /// <summary>Documents whose fate is unknown stay, so the state grows for as long as it runs.</summary>
    private const string StateSize = "1GiB";
    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(1);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Replicas = CommonOptions.Replicas();
    private static readonly Option<double> Minutes = new("--minutes")
        { Description = "For how long", DefaultValueFactory = _ => 10 };

    private static readonly Option<int> Connections = new("--connections")
        { Description = "Callers, each with a connection of its own", DefaultValueFactory = _ => 256 };

    private static readonly Option<double> KillEvery = new("--kill-every")
        { Description = "Seconds between SIGKILLs to the primary; 0: none", DefaultValueFactory = _ => 60 };

    public static Command Create()
    {
        Command command = new("mixed",
            "Writes, queries, broken-off requests and slow clients over HTTP at once, and a killed primary.")
        {
            Folder, Replicas, Minutes, Connections, KillEvery,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        await using ReplicaGroup group =
            await ReplicaGroup.StartAsync(arguments.GetValue(Folder), arguments.GetValue(Replicas), StateSize);
        using Process gateway = ChildReplica.Run(
            "gateway", "--addresses", string.Join(",", group.Addresses), "--http", "127.0.0.1:0", "--development");
        _ = gateway.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        MixedTally tally = new();
        try
        {
            string ready = await gateway.StandardOutput.ReadLineAsync(cancellation) ?? "";
            _ = gateway.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            Uri address = new(ready[GatewayServer.ReadyPrefix.Length..]);
            int connections = arguments.GetValue(Connections);
            TimeSpan time = TimeSpan.FromMinutes(arguments.GetValue(Minutes));
            Report.Heading(
                $"{group.Count} replicas, a gateway, {connections} connections, {time.TotalMinutes} minutes");
            using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            stop.CancelAfter(time);
            Task<List<long>> memory = SampleAsync(gateway, stop.Token);
            Task<int> kills = KillAsync(group, TimeSpan.FromSeconds(arguments.GetValue(KillEvery)), stop.Token);
            await Task.WhenAll(Enumerable.Range(0, connections).Select(index => Task.Run(
                () => CallAsync(address, index, tally, stop.Token), CancellationToken.None)));
            await stop.CancelAsync();
            Tell(tally, await memory, await kills);
            if (gateway.HasExited) tally.Wrong($"the gateway ended with {gateway.ExitCode}");
        }
        finally
        {
            if (!gateway.HasExited) gateway.Kill();
            await gateway.WaitForExitAsync(CancellationToken.None);
        }
        foreach (string wrong in tally.FirstWrongs) Report.Line($"wrong: {wrong}");
        Report.Line(tally.WrongCount == 0 ? "no wrong answer" : $"{tally.WrongCount} wrong answers");
        return tally.WrongCount == 0 ? 0 : 1;
    }

    private static async Task CallAsync(Uri address, int index, MixedTally tally, CancellationToken stop)
    {
        using SocketsHttpHandler handler = new() { MaxConnectionsPerServer = 1 };
        using HttpClient http = new(handler) { BaseAddress = address, Timeout = TimeSpan.FromMinutes(3) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        MixedCaller caller = new(http, index, tally);
        while (!stop.IsCancellationRequested) await caller.StepAsync();
    }

    /// <summary>Resident bytes of the gateway, each second.</summary>
    private static async Task<List<long>> SampleAsync(Process gateway, CancellationToken stop)
    {
        List<long> samples = [];
        while (!stop.IsCancellationRequested && !gateway.HasExited)
        {
            gateway.Refresh();
            samples.Add(gateway.WorkingSet64);
            await Task.Delay(SampleInterval, stop).ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        return samples;
    }

    private static async Task<int> KillAsync(ReplicaGroup group, TimeSpan every, CancellationToken stop)
    {
        int kills = 0;
        if (every == TimeSpan.Zero) return kills;
        try
        {
            while (true)
            {
                await Task.Delay(every, stop);
                int primary = await group.PrimaryAsync();
                await group.KillAsync(primary);
                kills++;
                await Task.Delay(every / 4, stop);
                group.Launch(primary);
            }
        }
        catch (OperationCanceledException)
        {
            return kills;
        }
    }

    private static void Tell(MixedTally tally, List<long> memory, int kills)
    {
        Report.Line($"{kills} times SIGKILL to the primary");
        Report.Line("work                       good  p50 ms  p99 ms    max ms");
        foreach ((string work, Percentiles times) in tally.Times())
            Report.Line($"{work,-22} {times.Count,8}  {times.Text(50),6}  {times.Text(99),6}  {times.Text(100),8}");
        foreach ((string outcome, long count) in tally.Others()) Report.Line($"{outcome,-22} {count,8}");
        int part = Math.Max(1, memory.Count / 5);
        if (memory.Count == 0) return;
        Report.Line($"resident MiB of the gateway, greatest in each fifth of the time: " + string.Join(", ",
            memory.Chunk(part).Select(static chunk => (chunk.Max() >> 20).ToString(CultureInfo.InvariantCulture))));
    }
}
