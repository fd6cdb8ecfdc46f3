using System;
using System.Linq;
using Deterministic.Accel;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Nearest neighbours against the defining backend, bit for bit, and then a sort by distance and id.</summary>
public sealed class VectorProperties
{
    private static readonly ScalarBackend _backend = new();

    [Theory]
    [InlineData(DistanceMetric.CosineDistance, "v")]
    [InlineData(DistanceMetric.CosineDistance, "h")]
    [InlineData(DistanceMetric.EuclideanSquared, "v")]
    [InlineData(DistanceMetric.EuclideanSquared, "h")]
    public void Neighbours_are_those_of_a_sort_by_exact_distance_and_id(DistanceMetric metric, string name)
    {
        using Corpus corpus = new(metric);
        Random random = new(21);
        for (int i = 0; i < 60; i++)
        {
            float[] query = Corpus.Vector(random);
            Filter? filter = i % 3 == 0 ? null : FilterProperties.Tree(random, 2);
            uint limit = (uint)random.Next(1, 60) * (i % 10 == 0 ? 100u : 1u);
            uint offset = i % 4 == 0 ? (uint)random.Next(30) : 0;
            (float Distance, ulong Id)[] expected =
            [
                .. corpus.Documents.Values
                    .Where(d => d.Values.ContainsKey(name) && NaiveFilter.Matches(filter, d))
                    .Select(d => (Distance(metric, query, d.Values[name].AsVector), d.Id))
                    .OrderBy(pair => pair.Item1).ThenBy(pair => pair.Id).Skip((int)offset).Take((int)limit),
            ];
            RankBy rank = new()
            {
                Kind = i % 2 == 0 ? RankKind.Ann : RankKind.Knn, Attribute = name, Operand = Value.Of(query),
            };
            Core.Model.Query request = new() { RankBy = rank, Filter = filter, Limit = limit, Offset = offset };
            (float, ulong)[] found =
                [.. corpus.Machine.One(request).Rows.Select(row => (row.Score!.Value, row.Id.AsUint))];
            Assert.Equal(expected.Select(Bits), found.Select(Bits));
        }
    }

    private static (int, ulong) Bits((float Distance, ulong Id) row) =>
        (BitConverter.SingleToInt32Bits(row.Distance), row.Id);

    private static float Distance(DistanceMetric metric, float[] query, float[] vector)
    {
        if (metric == DistanceMetric.EuclideanSquared) return ScalarBackend.SquaredL2(query, vector);
        float dot = ScalarBackend.Dot(query, vector);
        float inverseNorm = Normalisation.InverseNorm(_backend, vector);
        return 1f - dot * Normalisation.InverseNorm(_backend, query) * inverseNorm;
    }

    [Fact]
    public void Vectors_may_be_given_as_arrays_of_numbers_or_base64_and_come_back_as_they_were_written()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n", Metric = DistanceMetric.EuclideanSquared,
            Schema = [new AttributeSchema { Name = "v", Type = AttributeType.VectorF16, Dimensions = 2, Ann = true }],
            Upserts = [Ask.Row(1, ("v", Value.Of(0.5f, -2f))), Ask.Row(2, ("v", Value.Of(8f, 8f)))],
        });
        foreach (Value operand in (Value[])
            [Value.Of(Value.Of(8L), Value.Of(7.5)), Value.Of(Convert.ToBase64String([0, 0, 0, 65, 0, 0, 240, 64]))])
        {
            RankBy rank = new() { Kind = RankKind.Ann, Attribute = "v", Operand = operand };
            Core.Model.Query query = new() { RankBy = rank, Limit = 2, Include = IncludeMode.All };
            QueryResult result = machine.One(query);
            Assert.Equal([2UL, 1UL], result.Rows.Select(row => row.Id.AsUint));
            Assert.Equal(0.25f, result.Rows[0].Score);
            Assert.Equal(Value.Of(0.5f, -2f), result.Rows[1].Attributes.Single().Value);
        }
    }
}
