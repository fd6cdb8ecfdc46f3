using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Objects;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Replica.Tests.Objects;

public sealed class S3ObjectStoreTests(S3Server server, ITestOutputHelper output)
    : ObjectStoreContract, IClassFixture<S3Server>
{
    private protected override ObjectClient? TryOpen()
    {
        string? endpoint = server.TryGetEndpoint(output);
        return endpoint is null ? null : server.Open(endpoint);
    }

    [Fact]
    public void APrefixIsALittleStoreOfItsOwn()
    {
        string? endpoint = server.TryGetEndpoint(output);
        if (endpoint is null) return;
        using ObjectClient first = server.Open(endpoint);
        using ObjectClient second = server.Open(endpoint);
        first.Put("key", "first");
        Assert.Equal(ObjectStatus.NotFound, second.Get("key", out _).Status);
        List<string> keys = [];
        second.ListAll("", 1000, keys);
        Assert.Empty(keys);
    }

    [Fact]
    public void AMissingBucketIsRefusedAndNotTakenForAMissingObject()
    {
        string? endpoint = server.TryGetEndpoint(output);
        if (endpoint is null) return;
        using ObjectClient client = S3Server.Open(S3Server.Settings(endpoint) with { Bucket = "no-such-bucket-here" });
        Assert.Equal(ObjectStatus.Refused, client.Put("key", "").Status);
        Assert.Equal(ObjectStatus.Refused, client.Get("key", out _).Status);
        Assert.Contains("NoSuchBucket", ((ThreadedWorld)client.World).Error, System.StringComparison.Ordinal);
    }

    [Fact]
    public void AServerKilledInTheMiddleOfUploadsCostsResultsAndNothingElse()
    {
        S3Server.UseSomeCredentials();
        MotoServer? moto = MotoServer.TryStart(0, out string reason);
        if (moto is null)
        {
            S3Server.Report(reason, output);
            return;
        }
        using ObjectClient client = S3Server.Open(S3Server.Settings(moto.Endpoint) with
        {
            AttemptsMax = 2, BackoffMin = System.TimeSpan.FromMilliseconds(1),
        });
        try
        {
            S3Server.MakeBucket(moto.Endpoint);
            uint upload = client.StartUpload("large");
            Assert.Equal(ObjectStatus.Ok, client.Part(upload, 1, [1]));
            KillUnderLoad(client, moto, upload);
            Assert.Equal(ObjectStatus.Unknown, client.Put("later", "x").Status);
            Assert.Equal(ObjectStatus.Unknown, client.Get("later", out _).Status);
            Assert.Equal(ObjectStatus.Unknown, client.Complete(upload, 1).Status);

            moto = MotoServer.TryStart(moto.Port, out reason);
            Assert.True(moto is not null, reason);
            S3Server.MakeBucket(moto.Endpoint);
            uint second = client.StartUpload("large");
            Assert.Equal(ObjectStatus.Ok, client.Part(second, 1, [2]));
            Assert.Equal(ObjectStatus.Ok, client.Complete(second, 1, PutCondition.IfAbsent).Status);
            Assert.Equal(ObjectStatus.Ok, client.Put("later", "again", PutCondition.IfAbsent).Status);
            Assert.Equal("again", client.Text("later"));
        }
        finally
        {
            moto?.Dispose();
        }
    }

    /// <summary>Kills the server after the first few of many requests have ended.</summary>
    private void KillUnderLoad(ObjectClient client, MotoServer moto, uint upload)
    {
        const int Puts = 40;
        NativeBuffer part = client.Native(ObjectClient.Bytes(IObjectStore.PartSizeMin, 7));
        client.Store.MultipartPart(0, upload, 1, part);
        for (uint i = 1; i <= Puts; i++)
        {
            ObjectKey key = new(Encoding.ASCII.GetBytes($"put/{i}"));
            PutCondition condition = i % 2 == 0 ? PutCondition.IfAbsent : PutCondition.None;
            client.Store.Put(i, key, part.Part(0, 1 << 20), condition, default);
        }
        int[] ends = new int[(int)ObjectStatus.TooLarge + 1];
        for (int i = 0; i <= Puts; i++)
        {
            if (i == 3) moto.Kill();
            client.World.Next(out ObjectResult result);
            Assert.True(result.Status is ObjectStatus.Ok or ObjectStatus.Unknown or ObjectStatus.Throttled);
            ends[(int)result.Status]++;
        }
        output.WriteLine($"{ends[0]} ended well, {ends[(int)ObjectStatus.Unknown]} are unknown");
    }
}
