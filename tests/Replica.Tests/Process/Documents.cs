using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Replica.Hosting;

namespace Deterministic.Replica.Tests.Process;

/// <summary>Small documents that carry their version in every part, so that half a write shows.</summary>
internal static class Documents
{
    public const string Namespace = "crash";
    public const int Dimensions = 8;

    public static AttributeSchema[] Schema { get; } =
    [
        new() { Name = "vector", Type = AttributeType.VectorF32, Dimensions = Dimensions, Ann = true },
        new() { Name = "version", Type = AttributeType.Int },
        new() { Name = "text", Type = AttributeType.String, FullText = new FullTextOptions() },
    ];

    public static WriteRequest Write(int version, int count)
    {
        WriteRequest request = new() { Namespace = Namespace, Metric = DistanceMetric.EuclideanSquared, Schema =
            Schema };
        for (int id = 0; id < count; id++)
        {
            float[] vector = new float[Dimensions];
            Array.Fill(vector, version);
            request.Upserts.Add(new Row { Id = Value.Of((ulong)id) }
                .With("vector", Value.Of(vector))
                .With("version", Value.Of((long)version))
                .With("text", Value.Of($"version{version} document")));
        }
        return request;
    }

    public static DeterministicClient Connect(ChildReplica replica) =>
        new(new ClientOptions { Addresses = [replica.Address], Cluster = 1 });

    /// <summary>The versions found, by three ways that must agree: the column, the vectors, and the text
    /// index.</summary>
    public static async Task<(long Version, ulong Count)> ReadAsync(DeterministicClient client)
    {
        QueryReply reply = await client.QueryAsync(new QueryRequest
        {
            Namespace = Namespace,
            Queries =
            [
                new Query
                {
                    Aggregates = [new("least", AggregateFunction.Min, "version"), new("most", AggregateFunction.Max,
                        "version"),
                        new("count", AggregateFunction.Count)],
                },
                new Query
                {
                    RankBy = RankBy.Ann("vector", new float[Dimensions]), Limit = 1000, Include = IncludeMode.All,
                },
            ],
        });
        SortedDictionary<string, Value> found = new(StringComparer.Ordinal);
        foreach (KeyValuePair<string, Value> pair in reply.Results[0].Aggregates) found.Add(pair.Key, pair.Value);
        long version = found["least"].AsInt;
        Xunit.Assert.Equal(version, found["most"].AsInt);
        ulong count = found["count"].AsUint;
        Xunit.Assert.Equal(count, (ulong)reply.Results[1].Rows.Count);
        foreach (ResultRow row in reply.Results[1].Rows)
        {
            foreach (KeyValuePair<string, Value> pair in row.Attributes)
            {
                if (pair.Key == "version") Xunit.Assert.Equal(version, pair.Value.AsInt);
                if (pair.Key == "vector") Xunit.Assert.All(pair.Value.AsVector, x => Xunit.Assert.Equal(version, x));
                if (pair.Key == "text") Xunit.Assert.Equal($"version{version} document", pair.Value.AsString);
            }
        }
        return (version, count);
    }
}
