using System.Linq;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Reads outside of the log, from real processes.</summary>
public sealed class ReadTests
{
    private static readonly ReadBounds Strong = new(ReadConsistency.Strong);

    private static async Task<(long Version, ReadState State)> ReadAsync(DeterministicReader reader, ReadBounds bounds)
    {
        QueryRequest request = new()
        {
            Namespace = Documents.Namespace,
            Queries = [new Query { Aggregates = [new("least", AggregateFunction.Min, "version")] }],
        };
        (QueryReply reply, ReadState state) = await reader.QueryAsync(request, bounds);
        return (reply.Results[0].Aggregates.Single().Value.AsInt, state);
    }

    /// <summary>A replica knows how old its state is once others have answered its pings.</summary>
    private static async Task<(long Version, ReadState State)> ReadOnceItsAgeIsKnownAsync(
        DeterministicReader reader, ReadBounds bounds)
    {
        while (true)
        {
            try
            {
                return await ReadAsync(reader, bounds);
            }
            catch (StateTooOldException)
            {
                continue;
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task EachStrongReadSeesTheWriteBeforeItAlsoAfterThePrimaryIsGone(int replicas)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(replicas);
        await using DeterministicClient client = cluster.Connect();
        using DeterministicReader reader = new(new ClientOptions { Addresses = cluster.Addresses });
        for (int version = 1; version <= 20; version++)
        {
            await client.WriteAsync(Documents.Write(version, 3));
            Assert.Equal(version, (await ReadAsync(reader, Strong)).Version);
        }
        if (replicas == 1) return;
        ReplicaStanding?[] standings = await cluster.WaitAsync("a primary", Standings.AgreeOnPrimary);
        await cluster.KillAsync(Standings.PrimaryOf(standings));
        await client.WriteAsync(Documents.Write(21, 3));
        Assert.Equal(21, (await ReadAsync(reader, Strong)).Version);
    }

    [Fact]
    public async Task ABackupAnswersStaleReadsAndRefusesOnesThatAreTooNewForIt()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        await client.WriteAsync(Documents.Write(1, 3));
        using DeterministicReader reader = new(new ClientOptions { Addresses = cluster.Addresses, Cluster = 1 });
        ulong commit = (await ReadAsync(reader, Strong)).State.Commit;
        ReplicaStanding?[] standings = await cluster.WaitAsync("all have run it", standings =>
            Standings.AgreeOnPrimary(standings) &&
            standings.All(standing => standing is not null && standing.Fields.CommitMin >= commit));
        int backup = (Standings.PrimaryOf(standings) + 1) % 3;
        using DeterministicReader stale = new(new ClientOptions { Addresses = [cluster.Addresses[backup]] });
        (long version, ReadState state) = await ReadOnceItsAgeIsKnownAsync(
            stale, new(ReadConsistency.Stale, 60_000, commit));
        Assert.Equal(1, version);
        Assert.Equal(backup, state.Replica);
        Assert.True(state.Commit >= commit && state.Timestamp > 0);
        await Assert.ThrowsAsync<StateTooOldException>(() =>
            ReadAsync(stale, new(ReadConsistency.Stale, CommitLeast: state.Commit + 1000)));

        CommandResult result = await CommandResult.RunAsync(
            "query", "--addresses", cluster.AddressText, "-n", Documents.Namespace, "--consistency", "strong",
            """{"aggregate_by":{"n":["Count"]}}""");
        Assert.True(result.ExitCode == 0, result.All);
        Assert.Contains("answered by replica", result.All);
    }
}
