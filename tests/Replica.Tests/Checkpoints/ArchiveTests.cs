using System;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Replica.Io;
using Deterministic.Replica.Tests.Process;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Replica.Tests.Checkpoints;

/// <summary>Real processes that keep their checkpoints in a folder, end in every way, lose their files, and come
/// back.</summary>
public sealed class ArchiveTests
{
    private const ulong First = ArchivedReplica.Interval - 1;
    private const ulong Second = First + ArchivedReplica.Interval;
    private const int Writes = ArchivedReplica.Interval + 10;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EveryCheckpointComesBackAsItWas(bool killed)
    {
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        string store = replica.DirectoryStore;
        (ulong Op, string Checksum) first = await RunAsync(replica, First, killed);
        Assert.Equal(First, first.Op);
        CommandResult created = await SnapshotAsync("create", "first", store);
        Assert.Equal("", created.Errors);
        Assert.Equal($"snapshot first: checkpoint {First}\n", created.Output);
        (ulong Op, string Checksum) second = await RunAsync(replica, Second, killed);
        Assert.Equal(Second, second.Op);
        Assert.NotEqual(first.Checksum, second.Checksum);

        File.Delete(replica.DataFile);
        Assert.Equal(second, await replica.RecoverAsync(store, "latest"));
        Assert.Equal(first, await replica.RecoverAsync(store, "first"));
        Assert.Equal(first, await replica.RecoverAsync(store, $"{First}"));
    }

    [Fact]
    public async Task ARecoveredOlderCheckpointGoesOnOnlyWhenToldTo()
    {
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        string store = replica.DirectoryStore;
        (ulong Op, string Checksum) first = await RunAsync(replica, First, killed: false);
        await SnapshotAsync("create", "first", store);
        (ulong Op, string Checksum) second = await RunAsync(replica, Second, killed: false);
        await SnapshotAsync("create", "second", store);
        Assert.Equal(first, await replica.RecoverAsync(store, "first"));
        string recovered = replica.File("recovered-first");

        await using (ReplicaProcess refused = await ReplicaProcess.StartAsync(recovered, "--object-store", store))
        {
            string error = await refused.LineAsync("No more checkpoints go to the object store");
            Assert.Contains("of another history", error, StringComparison.Ordinal);
            Assert.Contains("--take-over", error, StringComparison.Ordinal);
            await replica.WriteAsync(refused, 1);
            Assert.Equal(0, await refused.TerminateAsync());
        }
        Assert.Equal(second, await replica.RecoverAsync(store, "latest"));

        await using ReplicaProcess taking =
            await ReplicaProcess.StartAsync(recovered, "--object-store", store, "--take-over");
        await taking.LineAsync($"Checkpoint {First} is in the object store");
        await taking.TerminateAsync();
        Assert.Equal(first, await replica.RecoverAsync(store, "latest"));
        Assert.Equal(second, await replica.RecoverAsync(store, "second"));
        await using ReplicaProcess old = await replica.StartAsync("--object-store", store);
        await old.LineAsync("of another history");
    }

    [Fact]
    public async Task GarbageInEveryBlockOfTheFileIsRepairedOutOfTheStore()
    {
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        await RunAsync(replica, First, killed: true);
        Assert.True(Garble(replica.DataFile) > 5);
        await using (ReplicaProcess alone = ReplicaProcess.Launch(replica.DataFile))
        {
            await alone.LineAsync("damaged on disk and there is nowhere else to get it from");
            Assert.Equal(1, await alone.EndAsync());
        }
        string empty = "dir:" + replica.File("empty");
        await using (ReplicaProcess lost = ReplicaProcess.Launch(replica.DataFile, "--object-store", empty))
        {
            await lost.LineAsync("cannot be repaired: ");
            await lost.LineAsync("holds no checkpoints under this prefix: catalog)");
            Assert.Equal(1, await lost.EndAsync());
        }
        await using ReplicaProcess repaired =
            await replica.StartAsync("--object-store", replica.DirectoryStore);
        await repaired.LineAsync("is damaged on disk");
        await repaired.LineAsync("is repaired");
        await replica.CheckAsync(repaired);
        Assert.Equal(0, await repaired.TerminateAsync());
    }

    [Fact]
    public async Task AStoreOfAnotherClusterIsLeftAloneAndTheReplicaServes()
    {
        using ArchivedReplica other = await ArchivedReplica.FormatAsync("2");
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        await RunAsync(replica, First, killed: false);
        File.Delete(replica.DataFile);
        File.Move(other.DataFile, replica.DataFile);
        await using ReplicaProcess stranger =
            await replica.StartAsync("--object-store", replica.DirectoryStore);
        await using (Client.DeterministicClient client = new(new Client.ClientOptions
            { Addresses = [stranger.Address], Cluster = 2 }))
        {
            for (int i = 0; i < Writes; i++) await client.WriteAsync(Documents.Write(i, 1));
        }
        string error = await stranger.LineAsync("No more checkpoints go to the object store");
        Assert.Contains("of another cluster: choose another prefix", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SnapshotsAreListedAndDeletedAndMistakesAreExplained()
    {
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        string store = replica.DirectoryStore;
        await ExpectAsync(1, "holds no checkpoints", "create", "a", store);
        await RunAsync(replica, First, killed: false);
        await ExpectAsync(0, $"snapshot a: checkpoint {First}", "create", "a", store);
        await ExpectAsync(0, $"snapshot a: checkpoint {First}", "create", "a", store, "--checkpoint", $"{First}");
        await ExpectAsync(0, $"snapshot b: checkpoint {First}", "create", "b", store);
        await ExpectAsync(1, "does not keep this checkpoint", "create", "c", store, "--checkpoint", "17");
        await ExpectAsync(2, "\"b\" is neither latest nor an op above 0", "create", "c", store, "--checkpoint", "b");
        await ExpectAsync(2, "NAME: \"Upper\" cannot name a snapshot; use 1 to 64 of a-z", "create", "Upper", store);
        await ExpectAsync(2, "NAME: \"latest\" cannot name a snapshot", "create", "latest", store);
        CommandResult list = await CommandResult.RunAsync("snapshot", "list", "--object-store", store);
        Assert.Contains("cluster 1, 2 snapshots", list.Output, StringComparison.Ordinal);
        Assert.Matches($@"(?m)^ +{First} .* a$", list.Output);
        await ExpectAsync(0, "snapshot a: deleted", "delete", "a", store);
        await ExpectAsync(1, "there is no snapshot \"a\"", "delete", "a", store);
        list = await CommandResult.RunAsync("snapshot", "list", "--object-store", store);
        Assert.Contains("cluster 1, 1 snapshots", list.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--keep-checkpoints: \"0\" is not a whole number from 1 to 64", "--keep-checkpoints", "0")]
    [InlineData("--lag-checkpoints: \"x\" is not a whole number from 0 on", "--lag-checkpoints", "x")]
    [InlineData("go with --object-store", "--take-over")]
    [InlineData("--object-store: \"ftp://x\" is not the address of an object store", "--object-store", "ftp://x")]
    public async Task SettingsThatMakeNoSenseAreRefused(string expected, params string[] arguments)
    {
        string[] store = arguments[0].EndsWith("-checkpoints", StringComparison.Ordinal)
            ? ["--object-store", "dir:/tmp/nowhere"] : [];
        CommandResult start = await CommandResult.RunAsync(["start", .. store, .. arguments, "/tmp/no-file"]);
        Assert.Equal(2, start.ExitCode);
        Assert.Contains(expected, start.Errors, StringComparison.Ordinal);
    }

    /// <summary>Runs the replica until a checkpoint of it is in the store, ends it and says what the checkpoint in its
    /// file is.</summary>
    private static async Task<(ulong Op, string Checksum)> RunAsync(ArchivedReplica replica, ulong op, bool killed)
    {
        await using ReplicaProcess process =
            await replica.StartAsync("--object-store", replica.DirectoryStore);
        await replica.WriteAsync(process, Writes);
        await replica.CheckAsync(process);
        await process.LineAsync($"Checkpoint {op} is in the object store");
        if (killed) await process.KillAsync();
        else Assert.Equal(0, await process.TerminateAsync());
        return await ArchivedReplica.CheckpointAsync(replica.DataFile);
    }

    private static Task<CommandResult> SnapshotAsync(string what, string name, string store, params string[] more) =>
        CommandResult.RunAsync(["snapshot", what, name, "--object-store", store, .. more]);

    private static async Task ExpectAsync(
        int code, string text, string what, string name, string store, params string[] more)
    {
        CommandResult result = await SnapshotAsync(what, name, store, more);
        Assert.Contains(text, result.All, StringComparison.Ordinal);
        Assert.Equal(code, result.ExitCode);
    }

    private static DataFileLayout LayoutOf(string path)
    {
        using DataFile file = DataFile.TryOpenExisting(path, writable: false, out _)!;
        using DataFileSource source = new(file);
        return new DataFileLayout(DataFileInspection.Superblock(source).Configuration!);
    }

    /// <summary>Writes garbage over every block that a data file has; says how many those are.</summary>
    private static int Garble(string path)
    {
        DataFileLayout layout = LayoutOf(path);
        using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite);
        byte[] block = new byte[layout.BlockSize];
        int garbled = 0;
        for (ulong address = 1; address <= (ulong)layout.GridBlocks; address++)
        {
            file.Position = layout.BlockOffset(address);
            file.ReadExactly(block.AsSpan(0, Limits.HeaderSize));
            Header header = Header.Read(block);
            if (header.Command != Command.Block || !header.ValidChecksum()) continue;
            new Random((int)address).NextBytes(block);
            file.Position = layout.BlockOffset(address);
            file.Write(block);
            garbled++;
        }
        return garbled;
    }
}
