using System;
using System.IO;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Checkpoints;

/// <summary>A data file whose replica is started, loaded and stopped again and again, with an object store.</summary>
internal sealed class ArchivedReplica : IDisposable
{
    /// <summary>Operations from one checkpoint to the next; the first comes after one less.</summary>
    public const int Interval = 960;

    private readonly TemporaryFolder _folder = new();
    private int _version;

    public string DataFile => File("data.deterministic");

    public string DirectoryStore => "dir:" + File("objects");

    public string File(string name) => _folder.File(name);

    public static async Task<ArchivedReplica> FormatAsync(string cluster = "1")
    {
        ArchivedReplica replica = new();
        CommandResult format = await CommandResult.RunAsync("format", "--cluster", cluster, "--replica", "0",
            "--replica-count", "1", "--state-size", "64MiB", "--quick", replica.DataFile);
        Assert.Equal("", format.Errors);
        return replica;
    }

    public Task<ReplicaProcess> StartAsync(params string[] arguments) =>
        ReplicaProcess.StartAsync(DataFile, arguments);

    /// <summary>So many writes of some documents each, every one an operation of the log.</summary>
    public async Task WriteAsync(ReplicaProcess process, int writes, int documents = 4)
    {
        await using DeterministicClient client = process.Connect();
        for (int i = 0; i < writes; i++) await client.WriteAsync(Documents.Write(++_version, documents));
    }

    /// <summary>What is in the replica is what was written last.</summary>
    public async Task CheckAsync(ReplicaProcess process, ulong documents = 4)
    {
        await using DeterministicClient client = process.Connect();
        (long version, ulong count) = await Documents.ReadAsync(client);
        Assert.Equal(_version, version);
        Assert.Equal(documents, count);
    }

    /// <summary>Operation and checksum of the checkpoint in a data file.</summary>
    public static async Task<(ulong Op, string Checksum)> CheckpointAsync(string path)
    {
        CommandResult inspect = await CommandResult.RunAsync("inspect", "--checkpoint", path);
        Match match = Regex.Match(inspect.Output, @"state +as of op (\d+),(?s:.*)state checksum +([0-9a-f]{32})");
        Assert.True(match.Success, inspect.All);
        return (ulong.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture),
            match.Groups[2].Value);
    }

    /// <summary>Makes a new file out of a checkpoint and says what is in it.</summary>
    public async Task<(ulong Op, string Checksum)> RecoverAsync(string store, string checkpoint)
    {
        string path = File($"recovered-{checkpoint}");
        System.IO.File.Delete(path);
        CommandResult recover =
            await CommandResult.RunAsync("recover", "--object-store", store, "--checkpoint", checkpoint, path);
        Assert.Equal("", recover.Errors);
        return await CheckpointAsync(path);
    }

    public void Dispose() => _folder.Dispose();
}
