using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Only who knows the cluster's secret is heard as a replica.</summary>
public sealed class StrangerTests
{
    private const int DocumentsPerWrite = 5;

    [Fact]
    public async Task WithAnotherSecretAReplicaStaysOutside()
    {
        using TemporaryFolder folder = new();
        string secret = folder.File("secret");
        string wrong = folder.File("wrong");
        await File.WriteAllTextAsync(secret, "the secret of this cluster\n");
        await File.WriteAllTextAsync(wrong, "the secret of another one\n");
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3, "--cluster-secret-file", secret);
        await using DeterministicClient client = cluster.Connect();
        await client.WriteAsync(Documents.Write(1, DocumentsPerWrite));

        await cluster.KillAsync(2);
        cluster.Launch(2, ["--cluster-secret-file", wrong]);
        await cluster.LineAsync(2, "WrongSecret");
        await client.WriteAsync(Documents.Write(2, DocumentsPerWrite));
        ReplicaStanding?[] standings = await cluster.WaitAsync("all answer", all => all.All(one => one is not null));
        Assert.Equal(0, standings[2]!.Fields.Connected);
        Assert.Equal(0, standings[0]!.Fields.Connected & 1 << 2);
        Assert.Equal((2L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));

        await cluster.KillAsync(2);
        cluster.Launch(2, ["--cluster-secret-file", secret]);
        await cluster.WaitAsync("it is back", all => all.All(one => one is not null) &&
            Standings.AgreeOnPrimary(all) && all.All(one => one!.Fields.CommitMin == all[0]!.Fields.CommitMin));
        await CommandsOfReplicasEndTheConnectionAsync(cluster);
        await StatusTellsAsync(cluster);
    }

    /// <summary>A stranger's view change would stop the cluster if anybody heeded it.</summary>
    private static async Task CommandsOfReplicasEndTheConnectionAsync(ProcessCluster cluster)
    {
        ReplicaStanding before = (await cluster.AskAsync(0))!;
        foreach (Command command in (Command[])[Command.ExitView, Command.Ping, Command.Status, (Command)200])
        {
            Header header = Header.Create(command, cluster: 1, view: 1000, replica: 1);
            header.SetChecksumBody([]);
            header.SetChecksum();
            Assert.True(await IsRefusedAsync(cluster.Addresses[0], header), command.ToString());
        }
        await cluster.LineAsync(0, "NotAllowed");
        Header call = Header.Create(Command.Hello, cluster: 1, view: 0, replica: 2);
        call.Hello = new HelloFields { NonceLow = 1, Step = HelloStep.Call, Receiver = 1 };
        call.SetChecksumBody([]);
        call.SetChecksum();
        Assert.True(await IsRefusedAsync(cluster.Addresses[0], call), "a call for another replica");
        Assert.Equal(before.View, (await cluster.AskAsync(0))!.View);
    }

    /// <summary>Whether the replica ends the connection without a word.</summary>
    private static async Task<bool> IsRefusedAsync(EndPoint address, Header header)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address);
        byte[] bytes = new byte[Limits.HeaderSize];
        header.WriteTo(bytes);
        await socket.SendAsync(bytes);
        try
        {
            return await socket.ReceiveAsync(bytes) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static async Task StatusTellsAsync(ProcessCluster cluster)
    {
        CommandResult status = await CommandResult.RunAsync("status", "--addresses", cluster.AddressText, "--json");
        Assert.True(status.ExitCode == 0, status.All);
        using System.Text.Json.JsonDocument json = System.Text.Json.JsonDocument.Parse(status.Output);
        int primary = json.RootElement.GetProperty("primary").GetInt32();
        Assert.Equal(3, json.RootElement.GetProperty("replicas").GetArrayLength());
        Assert.Equal("primary",
            json.RootElement.GetProperty("replicas")[primary].GetProperty("role").GetString());
        Assert.All(json.RootElement.GetProperty("replicas").EnumerateArray(), replica =>
        {
            Assert.True(replica.GetProperty("reachable").GetBoolean());
            Assert.Equal(0UL, replica.GetProperty("lag").GetUInt64());
            Assert.Equal(2, replica.GetProperty("connected").GetArrayLength());
        });

        await cluster.KillAsync(primary);
        CommandResult less = await CommandResult.RunAsync("status", "--addresses", cluster.AddressText);
        Assert.NotEqual(0, less.ExitCode);
        Assert.Contains($"{ClientOptions.Describe(cluster.Addresses[primary])} is not reachable", less.Output,
            StringComparison.Ordinal);
    }

    /// <summary>The same log would refuse a write there that the others take.</summary>
    [Fact]
    public async Task AReplicaWhoseFileHasAnotherSizeStaysOutsideAndBothSidesSayWhy()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        await client.WriteAsync(Documents.Write(1, DocumentsPerWrite));
        await cluster.KillAsync(2);
        File.Delete(cluster.DataFile(2));
        CommandResult replaced = await CommandResult.RunAsync("replace", "--cluster", "1", "--replica", "2",
            "--replica-count", "3", "--state-size", "32MiB", "--quick", cluster.DataFile(2));
        Assert.True(replaced.ExitCode == 0, replaced.All);
        cluster.Launch(2);
        Assert.Contains("--state-size", await cluster.LineAsync(2, "WrongConfiguration"), StringComparison.Ordinal);
        Assert.Contains("--state-size", await cluster.LineAsync(0, "WrongConfiguration"), StringComparison.Ordinal);
        await client.WriteAsync(Documents.Write(2, DocumentsPerWrite));
        Assert.Equal((2L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }

    [Fact]
    public async Task AClusterThatCouldBeJoinedByAnybodyDoesNotStart()
    {
        using TemporaryFolder folder = new();
        string file = folder.File("0.deterministic");
        CommandResult format = await CommandResult.RunAsync("format", "--cluster", "1", "--replica", "1",
            "--replica-count", "3", "--state-size", "16MiB", "--quick", file);
        Assert.True(format.ExitCode == 0, format.All);
        await RefusesAsync(file, "127.0.0.1:4001,127.0.0.1:4002,192.0.2.1:4003", "loopback");
        await RefusesAsync(file, "127.0.0.1:4001,127.0.0.1:4002", "replica 1 of a cluster of 3");
        await RefusesAsync(file, "127.0.0.1:4001,127.0.0.1:0,127.0.0.1:4003", "not an address with a port");
        string secret = folder.File("secret");
        await File.WriteAllTextAsync(secret, "short");
        await RefusesAsync(file, "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", "16 to 4096 bytes", "--cluster-secret-file",
            secret);
    }

    private static async Task RefusesAsync(string file, string addresses, string why, params string[] options)
    {
        CommandResult start = await CommandResult.RunAsync(["start", "--addresses", addresses, .. options, file]);
        Assert.NotEqual(0, start.ExitCode);
        Assert.Contains(why, start.All, StringComparison.Ordinal);
    }
}
