using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Replica.Tests.Process;

/// <summary>Whatever comes in over the wire is answered with a clear error; the replica stays up and its data is
/// unharmed.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private const int DocumentCount = 20;
    private ChildReplica _replica = null!;
    private DeterministicClient _client = null!;

    public async Task InitializeAsync()
    {
        _replica = await ChildReplica.FormatAsync(null, "64MiB");
        await _replica.StartAsync();
        _client = Documents.Connect(_replica);
        await _client.WriteAsync(Documents.Write(1, DocumentCount));
    }

    public async Task DisposeAsync()
    {
        // The end of every test: the same process still serves the same data.
        (long version, ulong count) = await Documents.ReadAsync(_client);
        Assert.Equal(1, version);
        Assert.Equal((ulong)DocumentCount, count);
        await _client.DisposeAsync();
        await _replica.DisposeAsync();
    }

    private async Task<string> RefusalAsync(ErrorCode code, string attribute, Value value)
    {
        WriteRequest request = new() { Namespace = Documents.Namespace, Schema = Documents.Schema };
        request.Upserts.Add(new Row { Id = Value.Of(7UL) }.With(attribute, value));
        DeterministicException refusal =
            await Assert.ThrowsAsync<DeterministicException>(() => _client.WriteAsync(request));
        Assert.Equal(code, refusal.Code);
        return refusal.Message;
    }

    [Fact]
    public async Task AVectorOfTheWrongLengthNamesBothLengths()
    {
        string message = await RefusalAsync(ErrorCode.DimensionMismatch, "vector", Value.Of(new float[3]));
        Assert.Contains("vector", message, StringComparison.Ordinal);
        Assert.Contains("8", message, StringComparison.Ordinal);
        Assert.Contains("3", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NotANumberInAVectorIsRefused()
    {
        float[] vector = new float[Documents.Dimensions];
        vector[5] = float.NaN;
        string message = await RefusalAsync(ErrorCode.NotFinite, "vector", Value.Of(vector));
        Assert.Contains("vector", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueOfTheWrongTypeNamesTheAttribute()
    {
        string message = await RefusalAsync(ErrorCode.TypeMismatch, "version", Value.Of("three"));
        Assert.Contains("version", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUnknownAttributeInAFilterIsNamed()
    {
        QueryRequest request = new()
        {
            Namespace = Documents.Namespace,
            Queries =
            [
                new Query
                {
                    RankBy = RankBy.OrderBy(("id", false)), Limit = 1,
                    Filter = Filter.Compare("colour", FilterOperator.Eq, Value.Of("red")),
                },
            ],
        };
        DeterministicException refusal =
            await Assert.ThrowsAsync<DeterministicException>(() => _client.QueryAsync(request));
        Assert.Equal(ErrorCode.AttributeNotFound, refusal.Code);
        Assert.Contains("colour", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARequestLargerThanAMessageNamesTheLimit()
    {
        WriteRequest request = Documents.Write(2, 1);
        request.Upserts[0].With("note", Value.Of(new string('x', 2 << 20)));
        DeterministicException refusal =
            await Assert.ThrowsAsync<DeterministicException>(() => _client.WriteAsync(request));
        Assert.Equal(ErrorCode.LimitExceeded, refusal.Code);
        Assert.Contains("1048320", refusal.Message.Replace(",", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task BadJsonOnTheCommandLineNamesThePlace()
    {
        string address = _replica.Address.ToString();
        CommandResult result = await CommandResult.RunAsync(
            "query", "--addresses", address, "--namespace", Documents.Namespace,
                "{\"rank_by\": [\"id\", \"asc\"], \"top_k\": }");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("JSON", result.All, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task BytesThatAreNotOurProtocolEndTheConnection()
    {
        using TcpClient socket = new();
        await socket.ConnectAsync(_replica.Address);
        NetworkStream stream = socket.GetStream();
        byte[] noise = new byte[4096];
        for (int i = 0; i < noise.Length; i++) noise[i] = (byte)(i * 31);
        await stream.WriteAsync(noise);
        Assert.Equal(0, await ReadToEndAsync(stream));
    }

    [Fact]
    public async Task AHeaderThatClaimsAGiganticMessageEndsTheConnection()
    {
        using TcpClient socket = new();
        await socket.ConnectAsync(_replica.Address);
        NetworkStream stream = socket.GetStream();
        Header header = default;
        header.Cluster = 1;
        header.Size = uint.MaxValue;
        header.Protocol = Header.ProtocolVersion;
        header.Command = Command.Request;
        header.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize];
        header.WriteTo(bytes);
        await stream.WriteAsync(bytes);
        Assert.Equal(0, await ReadToEndAsync(stream));
    }

    [Fact]
    public async Task HalfAMessageIsForgottenWithItsConnection()
    {
        using TcpClient socket = new();
        await socket.ConnectAsync(_replica.Address);
        await socket.GetStream().WriteAsync(new byte[100]);
        socket.Close();
        await _client.PingAsync();
    }

    [Fact]
    public async Task AClientOfAnotherClusterIsToldWhichClusterThisIs()
    {
        await using DeterministicClient stranger = new(new ClientOptions { Addresses = [_replica.Address], Cluster =
            99 });
        ConnectionException refusal =
            await Assert.ThrowsAsync<ConnectionException>(() => stranger.WriteAsync(Documents.Write(9, 1)));
        Assert.Contains("belongs to cluster 1", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<int> ReadToEndAsync(NetworkStream stream)
    {
        byte[] buffer = new byte[1024];
        int total = 0;
        try
        {
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;) total += read;
        }
        catch (IOException)
        {
            // A reset is an end too.
        }
        return total;
    }
}
