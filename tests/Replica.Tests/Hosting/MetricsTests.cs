using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net.Http;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway.Telemetry;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Hosting.Metrics;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Hosting;

/// <summary>The figures that a running replica publishes, as instruments and as the page of
/// `start --metrics`.</summary>
public sealed partial class MetricsTests
{
    private const string Document = "docs/operations.md";

    [Fact]
    public void EveryInstrumentHasTheValueThatWasPublished()
    {
        using ReplicaMetrics metrics = new();
        ReplicaFigures figures = new()
        {
            CacheHits = 1, CacheMisses = 2, CacheEvictions = 3, CacheSize = 4, BlocksRead = 5, BlocksWritten = 6,
            BytesWritten = 7, BlocksUsed = 8, BlocksFree = 9, StateSize = 10, UsedSize = 30, DataSize = 20,
            CompactionDebt = 13, BytesPut = 100, BytesFlushed = 110, BytesMerged = 120, BytesOfCheckpoints = 20,
            ScrubberBlocks = 14, ScrubberPasses = 15, ScrubberRot = 16, CommitOp = 17, CheckpointOp = 18,
            MemoryTaken = 19, MemoryResident = 20, MemoryLimit = 21,
            BytesAllocated = 22, ObjectRequests = 23, ObjectFailures = 24,
        };
        metrics.Publish(in figures);
        SortedDictionary<string, double> page = Parse(PrometheusText.Of(metrics.Meter));
        Assert.Equal(new SortedDictionary<string, double>(StringComparer.Ordinal)
        {
            ["deterministic_cache_hits_total"] = 1, ["deterministic_cache_misses_total"] = 2,
            ["deterministic_cache_evictions_total"] = 3, ["deterministic_cache_bytes"] = 4,
            ["deterministic_blocks_read_total"] = 5, ["deterministic_blocks_written_total"] = 6,
            ["deterministic_bytes_written_total"] = 7, ["deterministic_blocks_used"] = 8,
            ["deterministic_blocks_free"] = 9, ["deterministic_state_bytes"] = 10,
            ["deterministic_write_amplification"] = 2.5, ["deterministic_space_amplification"] = 1.5,
            ["deterministic_compaction_debt_bytes"] = 13, ["deterministic_scrubber_blocks_total"] = 14,
            ["deterministic_scrubber_passes_total"] = 15, ["deterministic_scrubber_rot_total"] = 16,
            ["deterministic_commit_op"] = 17, ["deterministic_checkpoint_op"] = 18,
            ["deterministic_allocated_bytes_total"] = 22, ["deterministic_objects_requests_total"] = 23,
            ["deterministic_objects_failures_total"] = 24,
            ["deterministic_memory_taken_bytes"] = 19, ["deterministic_memory_resident_bytes"] = 20,
            ["deterministic_memory_limit_bytes"] = 21,
        }, page);
    }

    [Fact]
    public void PublishingAllocatesNothing()
    {
        using ReplicaMetrics metrics = new();
        ReplicaFigures figures = new() { CommitOp = 1 };
        metrics.Publish(in figures);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) metrics.Publish(in figures);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public async Task ThePageFollowsTheWork()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync("--metrics", "127.0.0.1:0", "--memory", "1GiB");
        using HttpClient http = new();
        SortedDictionary<string, double> before = Parse(await http.GetStringAsync(replica.MetricsPage));
        Assert.Equal(0, before["deterministic_state_bytes"]);
        Assert.Equal(1L << 30, before["deterministic_memory_limit_bytes"]);
        await using (DeterministicClient client = Documents.Connect(replica))
        {
            await client.WriteAsync(Documents.Write(1, 200));
            await client.WriteAsync(Documents.Write(2, 200));
        }
        // Registering and two writes; the figures are published with the next tick.
        SortedDictionary<string, double> after = before;
        while (after["deterministic_commit_op"] < 3) after = Parse(await http.GetStringAsync(replica.MetricsPage));
        Assert.Equal(3, after["deterministic_commit_op"]);
        Assert.Equal(0, after["deterministic_checkpoint_op"]);
        // 200 vectors of 8 × f32 and more.
        Assert.InRange(after["deterministic_state_bytes"], 200 * 32, 4 << 20);
        Assert.InRange(after["deterministic_memory_resident_bytes"], 20 << 20, 1L << 30);
        Assert.Equal(0, after["deterministic_write_amplification"]);
        Assert.Equal(before["deterministic_blocks_free"], after["deterministic_blocks_free"]);
    }

    [Fact]
    public async Task RequestsOverASocketAllocateNothing()
    {
        const int warmUp = 300, count = 2_000;
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync("--metrics", "127.0.0.1:0");
        using HttpClient http = new();
        await using DeterministicClient client = Documents.Connect(replica);
        for (int i = 0; i < warmUp; i++) await client.WriteAsync(Documents.Write(i, 3));
        double before = await AllocatedAsync(1 + warmUp);
        for (int i = 0; i < count; i++) await client.WriteAsync(Documents.Write(i, 3));
        double after = await AllocatedAsync(1 + warmUp + count);
        Assert.InRange(before, 1, double.MaxValue);
        Assert.Equal(before, after);

        // The figures are published with the next tick.
        async Task<double> AllocatedAsync(int op)
        {
            SortedDictionary<string, double> page;
            do page = Parse(await http.GetStringAsync(replica.MetricsPage));
            while (page["deterministic_commit_op"] < op);
            return page["deterministic_allocated_bytes_total"];
        }
    }

    [Fact]
    public async Task TheDocumentNamesExactlyWhatThePageHas()
    {
        using ReplicaMetrics metrics = new();
        SortedSet<string> documented = new(StringComparer.Ordinal);
        string text = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot(), Document));
        foreach (Match name in DocumentedName().Matches(text)) documented.Add(name.Groups[1].Value);
        Assert.Equal(documented, Parse(PrometheusText.Of(metrics.Meter)).Keys);
    }

    [Fact]
    public async Task AnAddressThatIsNoneIsRefused()
    {
        CommandResult start = await CommandResult.RunAsync("start", "--metrics", "everywhere", "unused");
        Assert.Equal(2, start.ExitCode);
        Assert.Contains("--metrics: \"everywhere\" is not one IP address with a port", start.Errors,
            StringComparison.Ordinal);
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Deterministic.sln")))
            folder = folder.Parent;
        return folder!.FullName;
    }

    private static SortedDictionary<string, double> Parse(string page)
    {
        SortedDictionary<string, double> values = new(StringComparer.Ordinal);
        foreach (string line in page.Split('\n'))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            string[] parts = line.Split(' ');
            Assert.Equal(2, parts.Length);
            Assert.Contains($"# TYPE {parts[0]} {(parts[0].EndsWith("_total", StringComparison.Ordinal)
                ? "counter" : "gauge")}\n", page, StringComparison.Ordinal);
            values.Add(parts[0], double.Parse(parts[1], CultureInfo.InvariantCulture));
        }
        return values;
    }

    [GeneratedRegex(@"\| `(deterministic_[a-z_]+)` \|")]
    private static partial Regex DocumentedName();
}
