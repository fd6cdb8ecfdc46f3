using System;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Hosting;
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

    /// <summary>A stopped replica's file with some documents in it.</summary>
    private static async Task<ChildReplica> LoadedAsync()
    {
        ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync();
        await using (DeterministicClient client =
            Documents.Connect(replica)) await client.WriteAsync(Documents.Write(1, 10));
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
