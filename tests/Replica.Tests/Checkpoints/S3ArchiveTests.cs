using System;
using System.Threading.Tasks;
using Deterministic.Replica.Tests.Objects;
using Deterministic.Replica.Tests.Process;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Replica.Tests.Checkpoints;

/// <summary>Checkpoints in a bucket of a real S3 server, over a wire that is cut.</summary>
public sealed class S3ArchiveTests(S3Server server, ITestOutputHelper output) : IClassFixture<S3Server>
{
    private const ulong First = ArchivedReplica.Interval - 1;

    /// <summary>Enough for the beginning of a checkpoint's pack, not for its end.</summary>
    private const long HalfAnUpload = 12_000;

    [Fact]
    public async Task AnUploadThatIsCutInTheMiddleGoesOnWhenTheServerIsBack()
    {
        if (server.TryGetEndpoint(output) is not string endpoint) return;
        using CutWire wire = new(endpoint);
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        string store = $"s3://{S3Server.Bucket}/{Guid.NewGuid():n}?endpoint={wire.Endpoint}";
        await using (ReplicaProcess process = await replica.StartAsync("--object-store", store))
        {
            await replica.WriteAsync(process, ArchivedReplica.Interval + 10, documents: 40);
            await process.LineAsync("gives no usable answer");
            await replica.CheckAsync(process, documents: 40);
            wire.Mend(HalfAnUpload);
            await wire.WhenCut;
            await replica.WriteAsync(process, 1, documents: 40);
            Assert.DoesNotContain($"Checkpoint {First} is in the object store", process.Said, StringComparison.Ordinal);
            wire.Mend();
            await process.LineAsync($"Checkpoint {First} is in the object store");
            await replica.CheckAsync(process, documents: 40);
            Assert.Equal(0, await process.TerminateAsync());
        }
        (ulong Op, string Checksum) there = await ArchivedReplica.CheckpointAsync(replica.DataFile);
        Assert.Equal(First, there.Op);
        Assert.Equal(there, await replica.RecoverAsync(store, "latest"));
    }

    [Fact]
    public async Task AnUploadWhoseReplicaIsKilledIsMadeByTheNextRun()
    {
        if (server.TryGetEndpoint(output) is not string endpoint) return;
        using CutWire wire = new(endpoint);
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        string store = $"s3://{S3Server.Bucket}/{Guid.NewGuid():n}?endpoint={wire.Endpoint}";
        wire.Mend(HalfAnUpload);
        await using (ReplicaProcess process = await replica.StartAsync("--object-store", store))
        {
            await replica.WriteAsync(process, ArchivedReplica.Interval + 10, documents: 40);
            await wire.WhenCut;
            await process.KillAsync();
        }
        wire.Mend();
        await using ReplicaProcess next = await replica.StartAsync("--object-store", store);
        await next.LineAsync($"Checkpoint {First} is in the object store");
        await replica.CheckAsync(next, documents: 40);
        await next.KillAsync();
        (ulong Op, string Checksum) there = await ArchivedReplica.CheckpointAsync(replica.DataFile);
        Assert.Equal(there, await replica.RecoverAsync(store, "latest"));
    }

    [Fact]
    public async Task AServerThatRefusesIsReportedWithWhatToDoAndTheReplicaServes()
    {
        S3Server.UseSomeCredentials();
        using ScriptedS3Server refusing = new(ScriptedS3Server.Error(403, "InvalidAccessKeyId"));
        using ArchivedReplica replica = await ArchivedReplica.FormatAsync();
        await using ReplicaProcess process =
            await replica.StartAsync("--object-store", $"s3://bucket/prefix?endpoint={refusing.Endpoint}");
        await replica.WriteAsync(process, ArchivedReplica.Interval + 10);
        string error = await process.LineAsync("No more checkpoints go to the object store");
        Assert.Contains("403 InvalidAccessKeyId", error, StringComparison.Ordinal);
        Assert.Contains("put that right, then restart", error, StringComparison.Ordinal);
        await replica.CheckAsync(process);
        Assert.Equal(0, await process.TerminateAsync());
    }
}
