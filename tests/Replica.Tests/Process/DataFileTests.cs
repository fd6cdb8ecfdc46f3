using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Io;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Replica.Tests.Process;

/// <summary>Data files that cannot be served are refused with the reason and left as they are.</summary>
public sealed class DataFileTests
{
    [Fact]
    public async Task TwoProcessesCannotOpenOneFile()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync();
        CommandResult second = await CommandResult.RunAsync("start", "--addresses", "127.0.0.1:0", replica.DataFile);
        Assert.NotEqual(0, second.ExitCode);
        Assert.Contains("another process", second.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FormatNeverTouchesAFileThatExists()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("taken.deterministic");
        await File.WriteAllTextAsync(path, "precious");
        CommandResult format = await FormatAsync(path, "64MiB");
        Assert.NotEqual(0, format.ExitCode);
        Assert.Equal("precious", await File.ReadAllTextAsync(path));
    }

    [Fact]
    public async Task ATruncatedFileIsRefused()
    {
        await using ChildReplica replica = await LoadedAsync();
        await using (FileStream file = new(replica.DataFile, FileMode.Open)) file.SetLength(file.Length / 2);
        CommandResult start = await CommandResult.RunAsync("start", "--addresses", "127.0.0.1:0", replica.DataFile);
        Assert.NotEqual(0, start.ExitCode);
        Assert.Contains("bytes", start.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileThatIsNoDataFileIsRefused()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("noise");
        await File.WriteAllBytesAsync(path, new byte[1 << 20]);
        CommandResult start = await CommandResult.RunAsync("start", "--addresses", "127.0.0.1:0", path);
        Assert.NotEqual(0, start.ExitCode);
        Assert.Contains(path, start.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingFileSaysHowToMakeOne()
    {
        CommandResult start = await CommandResult.RunAsync("start", "--addresses", "127.0.0.1:0",
            "/nonexistent/0.deterministic");
        Assert.NotEqual(0, start.ExitCode);
        Assert.Contains("deterministic format", start.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileOfAnotherClusterIsRefusedByName()
    {
        await using ChildReplica replica = await LoadedAsync();
        CommandResult start = await CommandResult.RunAsync(
            "start", "--cluster", "2", "--addresses", "127.0.0.1:0", replica.DataFile);
        Assert.NotEqual(0, start.ExitCode);
        Assert.Contains("cluster", start.All, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFullDiskIsFoundOutAtFormat()
    {
        // No file system has this much room, so the reservation must fail before anything is written.
        using TemporaryFolder folder = new();
        string path = folder.File("huge.deterministic");
        CommandResult format = await FormatAsync(path, "4096TiB");
        Assert.NotEqual(0, format.ExitCode);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task InspectVerifiesAHealthyFileAndFindsDamage()
    {
        await using ChildReplica replica = await LoadedAsync();
        CommandResult healthy = await CommandResult.RunAsync("inspect", replica.DataFile);
        Assert.Equal(0, healthy.ExitCode);
        Assert.Contains("state checksum", healthy.Output, StringComparison.Ordinal);
        await using (FileStream file = new(replica.DataFile, FileMode.Open))
        {
            // All four superblock copies: nothing is left to trust.
            byte[] zeroes = new byte[128 << 10];
            await file.WriteAsync(zeroes);
        }
        CommandResult damaged = await CommandResult.RunAsync("inspect", replica.DataFile);
        Assert.NotEqual(0, damaged.ExitCode);
    }

    /// <summary>More operations than lie between two checkpoints, so that the file has one.</summary>
    [Fact]
    public async Task InspectTellsTheFiguresOfACheckpointAndTheKindOfWhatIsDamaged()
    {
        await using ChildReplica replica = await LoadedAsync(writes: Configuration.Production.CheckpointIntervalOps);
        CommandResult healthy = await CommandResult.RunAsync("inspect", replica.DataFile);
        Assert.Equal(0, healthy.ExitCode);
        Match write = Regex.Match(healthy.Output,
            @"^write amplification (\d+\.\d\d): (\S+) KiB written for (\S+) MiB put \(flushes (\S+) KiB, merges 0 B, " +
            @"checkpoints (\S+) KiB\)$", RegexOptions.Multiline);
        Assert.True(write.Success, healthy.Output);
        Assert.Equal(Number(write, 2), Number(write, 4) + Number(write, 5), tolerance: 0.02);
        Assert.Equal(Number(write, 1), Number(write, 2) / 1024 / Number(write, 3), tolerance: 0.01);
        Assert.Matches(new Regex(@"^space amplification \d+\.\d\d: \S+ KiB of blocks for \S+ KiB of entries$",
            RegexOptions.Multiline), healthy.Output);
        Assert.Matches(new Regex(@"^  level 0 +1 runs, 1 tables, [2-9] blocks, \S+ KiB of entries$",
            RegexOptions.Multiline), healthy.Output);
        Assert.Matches(new Regex(@"^merges due +\S+ KiB$", RegexOptions.Multiline), healthy.Output);
        Assert.Matches(new Regex(@"^checkpoint +op 959, .* in use, [\d,]+ free$", RegexOptions.Multiline),
            healthy.Output);
        Assert.Matches(new Regex(@"^blocks read +entries \d, indexes 1, trailers \d+, root 1$", RegexOptions.Multiline),
            healthy.Output);

        ulong rotten = await DamageEntriesAsync(replica.DataFile);
        CommandResult damaged = await CommandResult.RunAsync("inspect", replica.DataFile);
        Assert.NotEqual(0, damaged.ExitCode);
        Assert.Matches(new Regex(@"^blocks read +entries \d and 1 DAMAGED, indexes 1, trailers \d+, root 1; the " +
            $"first damaged one is block {rotten}$", RegexOptions.Multiline), damaged.Output);
    }

    [Fact]
    public async Task InspectRunsWhatSeveralClientsWroteInOneEntry()
    {
        const int clients = 8, rounds = 20;
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async number =>
        {
            await using DeterministicClient client = Documents.Connect(replica);
            for (int round = 0; round < rounds; round++)
            {
                Row row = new() { Id = Value.Of((ulong)(number * rounds + round)) };
                await client.WriteAsync(new WriteRequest { Namespace = Documents.Namespace, Upserts = { row } });
            }
        }));
        await replica.KillAsync();
        CommandResult inspect = await CommandResult.RunAsync("inspect", replica.DataFile);
        Assert.Equal(0, inspect.ExitCode);
        Assert.Matches(new Regex($"^ +documents +{clients * rounds} entries$", RegexOptions.Multiline), inspect.Output);
    }

    private static double Number(Match match, int group) =>
        double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    /// <summary>Turns a bit in the first block of entries and returns its address.</summary>
    private static async Task<ulong> DamageEntriesAsync(string path)
    {
        Configuration production = Configuration.Production;
        await using FileStream file = new(path, FileMode.Open);
        // The zones before the grid do not depend on how large the state may grow.
        file.Position = new DataFileLayout(production).GridOffset;
        byte[] block = new byte[production.BlockSize];
        for (ulong address = 1; ; address++)
        {
            await file.ReadExactlyAsync(block);
            Header header = Header.Read(block);
            if (header.Command != Command.Block || header.Block.Kind != BlockKind.Entries) continue;
            Assert.Equal(address, header.Block.Address);
            file.Position -= block.Length - Limits.HeaderSize;
            file.WriteByte((byte)(block[Limits.HeaderSize] ^ 1));
            return address;
        }
    }

    [Fact]
    public void ZeroesAreWrittenWhereTheyAreWantedAndNowhereElse()
    {
        const int sector = Limits.SectorSize, zeroed = (20 << 20) + sector;
        using TemporaryFolder folder = new();
        string path = folder.File("file");
        byte[] ones = new byte[zeroed + 2 * sector];
        Array.Fill(ones, (byte)1);
        long told = 0;
        using (DataFile? file = DataFile.TryCreate(path, zeroed + 2 * sector, out string error))
        {
            Assert.True(file is not null, error);
            file.WriteBuffered(0, ones);
            file.Synchronize();
            file.WriteZeroes(sector, zeroed, done => told = done);
        }
        Assert.Equal(zeroed, told);
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal(ones.AsSpan(0, sector), bytes.AsSpan(0, sector));
        Assert.Equal(-1, bytes.AsSpan(sector, zeroed).IndexOfAnyExcept((byte)0));
        Assert.Equal(ones.AsSpan(0, sector), bytes.AsSpan(sector + zeroed));
    }

    /// <summary>A stopped replica's file with some documents in it.</summary>
    private static async Task<ChildReplica> LoadedAsync(int writes = 1)
    {
        ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync();
        await using (DeterministicClient client = Documents.Connect(replica))
            for (int version = 1; version <= writes; version++) await client.WriteAsync(Documents.Write(version, 10));
        await replica.KillAsync();
        return replica;
    }

    private static Task<CommandResult> FormatAsync(string path, string stateSize) => CommandResult.RunAsync(
        "format", "--cluster", "1", "--replica", "0", "--replica-count", "1", "--state-size", stateSize, path);
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deterministic-test-");

    public string File(string name) => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
