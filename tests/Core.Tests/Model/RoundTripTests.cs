using System;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Core.Tests.Model;

/// <summary>What is written reads back to something that writes the same bytes, and no bytes make a decoder
/// throw.</summary>
public sealed class RoundTripTests
{
    private delegate void WriteTo(ref WireWriter writer);

    private delegate WriteTo Decode(ref WireReader reader);

    private static readonly Decode[] Decoders =
    [
        (ref reader) => Value.Read(ref reader).Write,
        (ref reader) => Filter.ReadOptional(ref reader) is { } filter ? filter.Write : Nothing,
        (ref reader) => RankBy.Read(ref reader).Write,
        (ref reader) => WriteRequest.Read(ref reader).Write,
        (ref reader) => QueryRequest.Read(ref reader).Write,
        (ref reader) => UpdateSchemaRequest.Read(ref reader).Write,
        (ref reader) => ListNamespacesRequest.Read(ref reader).Write,
        (ref reader) => NamespaceRequest.Read(ref reader).Write,
        (ref reader) => WriteReply.Read(ref reader).Write,
        (ref reader) => Ignored(QueryReply.Read(ref reader)),
        (ref reader) => Ignored(MetadataReply.Read(ref reader)),
        (ref reader) => Ignored(SchemaReply.Read(ref reader)),
        (ref reader) => Ignored(ListNamespacesReply.Read(ref reader)),
        (ref reader) => ReplyStatus.Read(ref reader).Write,
        (ref reader) => CreateKeyRequest.Read(ref reader).Write,
        (ref reader) => ListKeysRequest.Read(ref reader).Write,
        (ref reader) => RevokeKeyRequest.Read(ref reader).Write,
        (ref reader) => Ignored(CreateKeyReply.Read(ref reader)),
        (ref reader) => Ignored(ListKeysReply.Read(ref reader)),
        (ref reader) => ExplainReply.Read(ref reader).Write,
        (ref reader) => BranchRequest.Read(ref reader).Write,
        (ref reader) => BranchReply.Read(ref reader).Write,
    ];

    [Fact]
    public void Values() => RoundTrips(generator => generator.Value().Write, 0);

    [Fact]
    public void Filters() => RoundTrips(generator => generator.Filter().Write, 1);

    [Fact]
    public void RankExpressions() => RoundTrips(generator => generator.RankBy().Write, 2);

    [Fact]
    public void WriteRequests() => RoundTrips(generator => generator.WriteRequest("n").Write, 3);

    [Fact]
    public void QueryRequests() => RoundTrips(generator => generator.QueryRequest("n").Write, 4);

    [Fact]
    public void Schemas() => RoundTrips(
        generator => new UpdateSchemaRequest { Namespace = "n", Schema = generator.Schema() }.Write, 5);

    [Fact]
    public void Keys()
    {
        RoundTrips(generator => new CreateKeyRequest { Key = Key(generator) }.Write, 14);
        RoundTrips(generator => new ListKeysRequest { Cursor = Key(generator).Id, PageSize = 7 }.Write, 15);
        RoundTrips(generator => new RevokeKeyRequest { Id = Key(generator).Id }.Write, 16);
    }

    [Fact]
    public void Plans() => RoundTrips(generator => Plan(Bytes(generator.Value().Write)).Write, 19);

    [Fact]
    public void Branches()
    {
        RoundTrips(generator => new BranchRequest { Namespace = "n", Source = Key(generator).Id }.Write, 20);
        RoundTrips(generator => new BranchReply { Rows = (ulong)Key(generator).Id.Length, LogicalBytes = 7 }.Write, 21);
    }

    private static ExplainReply Plan(byte[] seed) => new()
    {
        Queries =
        [
            new()
            {
                Method = PlanMethod.Scores, Exact = seed[0] % 2 == 0, Windows = seed[0], WindowsWithCandidates = 1,
                Documents = 7, Candidates = (ulong)seed.Length, Scored = 3, Rows = seed[^1], Computed = 300,
                BytesRead = ulong.MaxValue,
                Steps =
                [
                    new()
                    {
                        Part = PlanPart.Filter, Depth = 2, Code = (byte)FilterOperator.Glob, Access = PlanAccess.Column,
                        Attribute = "nämlich", Words = 5, Considered = 9, Matched = seed[0],
                    },
                    new() { Part = PlanPart.Rank, Code = (byte)RankKind.Attributes, Descending = seed.Length > 2 },
                ],
            },
            new() { Method = PlanMethod.Aggregates },
        ],
        Fused = seed.Length % 2 == 0, AnswerSize = (uint)seed.Length,
    };

    private static ApiKey Key(RequestGenerator generator)
    {
        byte[] seed = Bytes(generator.Value().Write);
        return new ApiKey
        {
            Id = $"k{seed.Length}", Name = "nämlich", Prefix = $"p{seed[0]}", Scopes = (KeyScopes)seed[^1],
            RequestsPerSecond = (uint)seed.Length, Hash = System.Security.Cryptography.SHA256.HashData(seed),
        };
    }

    [Fact]
    public void RandomBytesNeverThrow() => Prop.ForAll<byte[]>(bytes =>
    {
        foreach (Decode decode in Decoders)
        {
            WireReader reader = new(bytes);
            decode(ref reader);
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void DamagedRequestsNeverThrow() => Prop.ForAll<ulong>(seed =>
    {
        Tape tape = Tape.Seeded(seed);
        RequestGenerator generator = new(tape.Stream(TapeConsumer.Input));
        TapeStream damage = tape.Stream(TapeConsumer.Mutation);
        byte[] bytes = Bytes(damage.Boolean() ? generator.WriteRequest("n").Write : generator.QueryRequest("n").Write);
        for (int i = damage.Range(1, 4); i > 0; i--) bytes[damage.Below(bytes.Length)] = (byte)damage.Below(256);
        foreach (Decode decode in Decoders)
        {
            WireReader reader = new(bytes.AsSpan(0, damage.Range(0, bytes.Length)));
            decode(ref reader);
        }
    }).QuickCheckThrowOnFailure();

    private static void RoundTrips(Func<RequestGenerator, WriteTo> generate, int decoder) => Prop.ForAll<ulong>(seed =>
    {
        byte[] bytes = Bytes(generate(new RequestGenerator(Tape.Seeded(seed).Stream(TapeConsumer.Input))));
        WireReader reader = new(bytes);
        byte[] again = Bytes(Decoders[decoder](ref reader));
        return reader.AtEnd && again.AsSpan().SequenceEqual(bytes);
    }).QuickCheckThrowOnFailure();

    private static byte[] Bytes(WriteTo write)
    {
        byte[] buffer = new byte[1 << 20];
        WireWriter writer = new(buffer);
        write(ref writer);
        Assert.False(writer.Overflowed);
        return writer.Written.ToArray();
    }

    private static WriteTo Ignored(object reply)
    {
        Assert.NotNull(reply);
        return Nothing;
    }

    private static void Nothing(ref WireWriter writer) => Assert.Equal(0, writer.Position);
}
