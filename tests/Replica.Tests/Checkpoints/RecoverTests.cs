using System;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Objects;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Deterministic.Storage.Packs;
using Xunit;

namespace Deterministic.Replica.Tests.Checkpoints;

/// <summary>A data file is lost and made anew out of a checkpoint in an object store.</summary>
public sealed class RecoverTests
{
    [Fact]
    public async Task ALostDataFileComesBackAsOfTheCheckpointThatIsAskedFor()
    {
        using TemporaryFolder folder = new();
        string objects = folder.File("objects");
        string store = "dir:" + objects;
        await using ChildReplica lost = await ChildReplica.FormatAsync(null, "64MiB");
        using PackedCheckpoint packed = new(objects);
        await WriteAsync(lost, from: 1, writes: 970);
        (ulong Op, string StateChecksum) old = packed.Add(lost.DataFile, "before-move");
        await WriteAsync(lost, from: 971, writes: 970);
        (ulong Op, string StateChecksum) newest = packed.Add(lost.DataFile, "");
        Assert.True(old.Op < newest.Op && old.StateChecksum != newest.StateChecksum);

        CommandResult list = await CommandResult.RunAsync("inspect", "--object-store", store);
        Assert.Equal("", list.Errors);
        Assert.Contains("before-move", list.Output, StringComparison.Ordinal);
        Assert.Contains($" {newest.Op}  20", list.Output, StringComparison.Ordinal);

        CommandResult taken = await RecoverAsync(store, "latest", lost.DataFile);
        Assert.NotEqual(0, taken.ExitCode);
        Assert.Contains("exists already", taken.Errors, StringComparison.Ordinal);
        await AssertRecoversAsync(lost, store, "latest", newest);
        await AssertRecoversAsync(lost, store, "before-move", old);
        await AssertRecoversAsync(lost, store, $"{newest.Op}", newest);
        await WriteAsync(lost, from: 1, writes: 1000);
        Assert.Contains("state checksum", (await CommandResult.RunAsync("inspect", lost.DataFile)).Output,
            StringComparison.Ordinal);

        string other = folder.File("other.deterministic");
        CommandResult unknown = await RecoverAsync(store, "no-such-name", other);
        Assert.NotEqual(0, unknown.ExitCode);
        Assert.Contains("does not keep this checkpoint", unknown.Errors, StringComparison.Ordinal);
        ObjectKey pack = new PackKeys(default).Pack(packed.LastPack);
        string packFile = Path.Combine(objects, "objects", pack.ToString().Replace('/', '~'));
        Assert.True(File.Exists(packFile));
        File.Delete(packFile);
        CommandResult missing = await RecoverAsync(store, "latest", other);
        Assert.NotEqual(0, missing.ExitCode);
        Assert.Contains($"missing: {pack}", missing.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(other));
    }

    [Fact]
    public async Task AStoreWithoutCheckpointsSaysSo()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("new.deterministic");
        CommandResult empty = await RecoverAsync("dir:" + folder.File("objects"), "latest", path);
        Assert.NotEqual(0, empty.ExitCode);
        Assert.Contains("holds no checkpoints", empty.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    private static async Task AssertRecoversAsync(
        ChildReplica lost, string store, string checkpoint, (ulong Op, string StateChecksum) expected)
    {
        File.Delete(lost.DataFile);
        CommandResult recover = await RecoverAsync(store, checkpoint, lost.DataFile);
        Assert.Equal("", recover.Errors);
        Assert.Contains($"recovered checkpoint {expected.Op}, ", recover.Output, StringComparison.Ordinal);
        Assert.Equal(expected.StateChecksum, await lost.StateChecksumAsync());
    }

    private static Task<CommandResult> RecoverAsync(string store, string checkpoint, string path) =>
        CommandResult.RunAsync("recover", "--object-store", store, "--checkpoint", checkpoint, path);

    /// <summary>Each write is one operation of the log; the replica is killed afterwards.</summary>
    private static async Task WriteAsync(ChildReplica replica, int from, int writes)
    {
        await replica.StartAsync();
        await using (DeterministicClient client = Documents.Connect(replica))
        {
            for (int i = 0; i < writes; i++)
                await client.WriteAsync(Documents.Write(from + i, 1));
        }
        await replica.KillAsync();
    }
}
