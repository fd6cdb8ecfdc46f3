using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client.Tests.Sessions;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Replica.Commands.Data;
using Xunit;

namespace Deterministic.Client.Tests.Commands;

public sealed class LoaderTests
{
    [Fact]
    public async Task DocumentsArriveOnceInBatchesAndTheSchemaComesFirst()
    {
        await using ScriptedServer server = new() { Execute = Accept };
        await using Clients clients = new(server, 3);
        Loader loader = new(clients.All, Options(server, batch: 10));
        await loader.LoadAsync(Enumerable.Range(0, 95).Select(Document), distinct: true, CancellationToken.None);
        await loader.FinishAsync(CancellationToken.None);
        Assert.Equal(95, loader.Acknowledged);
        List<WriteRequest> writes = Writes(server);
        Assert.Equal(Enumerable.Range(0, 95), writes.SelectMany(Ids).Order());
        Assert.Equal(10, writes.Count);
        Assert.Single(writes[0].Schema);
        Assert.All(writes.Skip(1), write => Assert.Empty(write.Schema));
        Assert.All(writes, write => Assert.Equal(DistanceMetric.CosineDistance, write.Metric));
    }

    [Fact]
    public async Task AFullMessageEndsABatch()
    {
        await using ScriptedServer server = new() { Execute = Accept };
        await using Clients clients = new(server, 1);
        Loader loader = new(clients.All, Options(server, batch: 1000));
        IEnumerable<Row> rows = Enumerable.Range(0, 9)
            .Select(i => Document(i).With("text", Value.Of(new string('x', 4000))));
        await loader.LoadAsync(rows, distinct: true, CancellationToken.None);
        await loader.FinishAsync(CancellationToken.None);
        Assert.Equal(Enumerable.Range(0, 9), Writes(server).SelectMany(Ids));
        Assert.All(Writes(server), write => Assert.InRange(write.Upserts.Count, 1, 3));
    }

    [Fact]
    public async Task TheLastOfEqualIdsWins()
    {
        await using ScriptedServer server = new() { Execute = Accept };
        await using Clients clients = new(server, 4);
        Loader loader = new(clients.All, Options(server, batch: 5));
        IEnumerable<Row> rows = Enumerable.Range(0, 60)
            .Select(i => new Row { Id = Value.Of((ulong)(i % 7)) }.With("order", Value.Of((long)i)));
        await loader.LoadAsync(rows, distinct: false, CancellationToken.None);
        await loader.FinishAsync(CancellationToken.None);
        Dictionary<Value, long> last = [];
        foreach (WriteRequest write in Writes(server))
        {
            Assert.Equal(write.Upserts.Count, write.Upserts.Select(row => row.Id).Distinct().Count());
            foreach (Row row in write.Upserts) last[row.Id] = row.Attributes[0].Value.AsInt;
        }
        Assert.All(last, pair =>
            Assert.Equal(Enumerable.Range(0, 60).Last(i => (ulong)(i % 7) == pair.Key.AsUint), pair.Value));
    }

    [Fact]
    public async Task AnErrorStopsAfterAKnownNumberOfSafeDocuments()
    {
        await using ScriptedServer server = new();
        server.Execute = request => server.Executed.Count < 4
            ? Accept(request) : ScriptedServer.Error(ErrorCode.StateFull, "full");
        await using Clients clients = new(server, 1);
        Loader loader = new(clients.All, Options(server, batch: 10));
        DeterministicException exception = await Assert.ThrowsAsync<DeterministicException>(() =>
            loader.LoadAsync(Enumerable.Range(0, 1000).Select(Document), distinct: true, CancellationToken.None));
        Assert.Equal(ErrorCode.StateFull, exception.Code);
        Assert.Equal(30, loader.Acknowledged);
    }

    [Fact]
    public async Task ABusyReplicaIsAskedAgain()
    {
        await using ScriptedServer server = new();
        server.Execute = request => server.Executed.Count < 3
            ? ScriptedServer.Error(ErrorCode.Busy, "later") : Accept(request);
        await using Clients clients = new(server, 1);
        Loader loader = new(clients.All, Options(server, batch: 10));
        await loader.LoadAsync(Enumerable.Range(0, 10).Select(Document), distinct: true, CancellationToken.None);
        await loader.FinishAsync(CancellationToken.None);
        Assert.Equal(10, loader.Acknowledged);
    }

    private static Row Document(int number) => new() { Id = Value.Of((ulong)number) };

    private static LoaderOptions Options(ScriptedServer server, int batch) => new()
    {
        Namespace = "ns", BatchRows = batch, Metric = DistanceMetric.CosineDistance,
        Schema = [new() { Name = "text", Type = AttributeType.String }],
        BodySizeMax = server.Options().MessageSizeMax - Core.Limits.HeaderSize,
    };

    private static byte[] Accept(SeenRequest request)
    {
        WireWriter writer = new(new byte[256]);
        new ReplyStatus(ErrorCode.Ok, "").Write(ref writer);
        new WriteReply { Kinds = WriteKinds.Upsert }.Write(ref writer);
        return writer.Written.ToArray();
    }

    private static List<WriteRequest> Writes(ScriptedServer server) => server.Executed
        .Where(request => request.Header.Request.Operation == Operation.Write).Select(request =>
        {
            WireReader reader = new(request.Body);
            WriteRequest write = WriteRequest.Read(ref reader);
            Assert.True(reader.AtEnd);
            return write;
        }).ToList();

    private static IEnumerable<int> Ids(WriteRequest write) => write.Upserts.Select(row => (int)row.Id.AsUint);

    private sealed class Clients(ScriptedServer server, int count) : IAsyncDisposable
    {
        public List<DeterministicClient> All { get; } =
            Enumerable.Range(0, count).Select(_ => new DeterministicClient(server.Options())).ToList();

        public async ValueTask DisposeAsync()
        {
            foreach (DeterministicClient client in All) await client.DisposeAsync();
        }
    }
}
