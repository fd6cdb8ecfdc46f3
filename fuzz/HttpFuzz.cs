using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Gateway;
using Deterministic.Replica.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Deterministic.Fuzz;

/// <summary>Asks a gateway in this process, with a replica in a process of its own behind it, over several connections
/// at a time. Every request must be answered, below 500, and the memory that is held in the end must be what it was
/// after the start. Requests follow from the seed; in which order they arrive does not.</summary>
internal sealed class HttpFuzz
{
    public const string Name = "http";

    /// <summary>A run ends after so many requests, however much time is left.</summary>
    public const long RequestsMax = 10_000_000;

    private const int Connections = 4;
    private const int BodySizeMax = 1 << 20;

    /// <summary>Requests after which memory is what it stays.</summary>
    private const long WarmRequests = 20_000;
    private const long GrowthMax = 64 << 20;

    private static readonly byte[] First = """
        {"upsert_rows":[{"id":1,"vector":[1,2],"title":"x","year":1}],"distance_metric":"cosine_distance",
         "schema":{"title":{"type":"string","full_text_search":true}}}
        """u8.ToArray();

    private readonly SortedDictionary<int, long> _statuses = [];
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly int _seconds;
    private long _next;
    private long _requests;
    private long _warmHeap;
    private string? _problem;

    private HttpFuzz(ulong seed, int seconds)
    {
        _next = (long)seed;
        _seconds = seconds;
    }

    /// <summary>Whether every request got an answer that it may get.</summary>
    public static async Task<bool> RunAsync(ulong seed, int seconds)
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "256MiB");
        await replica.StartAsync("--cache", "64MiB");
        GatewayOptions options = new()
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0), Development = true, BodySizeMax = BodySizeMax,
            Cluster = new ClientOptions { Addresses = [replica.Address] },
        };
        (GatewayServer? server, string error) = await GatewayServer.TryStartAsync(options, NullLogger.Instance);
        if (server is null) throw new InvalidOperationException(error);
        await using (server)
        {
            HttpFuzz fuzz = new(seed, seconds);
            IPEndPoint address = new(IPAddress.Loopback, new Uri(server.Url).Port);
            await Task.WhenAll(Enumerable.Range(0, Connections).Select(i => Task.Factory.StartNew(
                () => fuzz.Work(address, i == 0), CancellationToken.None, TaskCreationOptions.LongRunning,
                TaskScheduler.Default)));
            return fuzz.Report(seed, replica);
        }
    }

    private void Work(IPEndPoint server, bool isFirst)
    {
        using HttpConnection connection = new(server);
        if (isFirst) Ask(connection, new HttpInput(Head(First), IsWhole: true, WantsBody: true), 0);
        while (_watch.Elapsed.TotalSeconds < _seconds && Volatile.Read(ref _problem) is null)
        {
            long number = Interlocked.Increment(ref _requests);
            if (number > RequestsMax) break;
            if (number == WarmRequests) _warmHeap = GC.GetTotalMemory(forceFullCollection: true);
            ulong seed = (ulong)Interlocked.Increment(ref _next);
            Tape tape = Tape.Seeded(seed);
            Ask(connection, HttpRequests.Generate(tape.Stream(TapeConsumer.Input), tape.Stream(TapeConsumer.Mutation)),
                seed);
        }
    }

    private void Ask(HttpConnection connection, HttpInput input, ulong seed)
    {
        try
        {
            int status = connection.Ask(input);
            lock (_statuses) _statuses[status] = _statuses.GetValueOrDefault(status) + 1;
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or SocketException)
        {
            string name = ((ulong)Checksum.Of(input.Bytes)).ToString("x16", CultureInfo.InvariantCulture);
            string path = Path.Combine(Path.GetTempPath(), $"fuzz-{Name}-{name}");
            File.WriteAllBytes(path, input.Bytes);
            Interlocked.CompareExchange(
                ref _problem, $"seed {seed}, {path}: {exception.GetType().Name}: {exception.Message}", null);
        }
    }

    private bool Report(ulong seed, ChildReplica replica)
    {
        long heap = GC.GetTotalMemory(forceFullCollection: true);
        using Process self = Process.GetCurrentProcess();
        string statuses = string.Join(", ", _statuses.Select(static pair => $"{pair.Key}: {pair.Value}"));
        long answered = _statuses.Values.Sum();
        Console.WriteLine($"{Name}: {answered} requests in {_watch.Elapsed.TotalSeconds:F1} s, seeds {seed + 1} to " +
            $"{_next}; answers by status {statuses}");
        Console.WriteLine($"{Name}: heap {Mebibytes(_warmHeap)} MiB after {WarmRequests} requests, " +
            $"{Mebibytes(heap)} in the end; at most {Mebibytes(self.PeakWorkingSet64)} MiB resident, of the replica " +
            $"{Mebibytes(replica.PeakMemory)}");
        if (_problem is not null) Console.WriteLine($"{Name}: {_problem}");
        bool grows = _warmHeap > 0 && heap > _warmHeap + GrowthMax;
        if (grows) Console.WriteLine($"{Name}: memory grows");
        bool served = _statuses.GetValueOrDefault(200) > answered / 20;
        if (!served) Console.WriteLine($"{Name}: hardly any request was served, so little was tested");
        return _problem is null && !grows && served;
    }

    private static long Mebibytes(long size) => size >> 20;

    private static byte[] Head(byte[] body) =>
    [
        .. System.Text.Encoding.ASCII.GetBytes("POST /v2/namespaces/fuzz HTTP/1.1\r\nhost: a\r\n" +
            $"authorization: Bearer any\r\ncontent-length: {body.Length}\r\n\r\n"),
        .. body,
    ];
}
