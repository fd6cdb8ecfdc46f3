using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Aggregates and groups against the same over plain objects.</summary>
public sealed class AggregateProperties : IDisposable
{
    private readonly Corpus _corpus = new(DistanceMetric.CosineDistance);

    public void Dispose() => _corpus.Dispose();

    [Fact]
    public void Aggregates_agree_with_their_definition_grouped_or_not()
    {
        Random random = new(41);
        for (int i = 0; i < 200; i++)
        {
            Filter? filter = i % 2 == 0 ? null : FilterProperties.Tree(random, 2);
            Aggregate[] aggregates = [.. Enumerable.Range(0, random.Next(1, 6)).Select(n => OneAggregate(random, n))];
            string[] groups = [.. random.GetItems([.. Corpus.ScalarNames], random.Next(4)).Distinct()];
            uint limit = groups.Length > 0 && i % 3 == 0 ? (uint)random.Next(1, 9) : 0;
            Core.Model.Query query = new()
            {
                Filter = filter, Aggregates = aggregates, GroupBy = groups, Limit = limit,
            };
            NaiveDocument[] documents = [.. _corpus.Documents.Values.Where(d => NaiveFilter.Matches(filter, d))];
            QueryResult result = _corpus.Machine.One(query);
            if (groups.Length == 0)
            {
                AssertAggregates(aggregates, documents, result.Aggregates);
                continue;
            }
            NaiveDocument[][] expected =
            [
                .. documents.GroupBy(d => string.Join("|", groups.Select(name => d.Get(name).ToString())))
                    .Select(group => group.ToArray())
                    .Order(Comparer<NaiveDocument[]>.Create((left, right) => groups
                        .Select(name => NaiveFilter.Compare(left[0].Get(name), right[0].Get(name)))
                        .FirstOrDefault(order => order != 0)))
                    .Take(limit == 0 ? 10_000 : (int)limit),
            ];
            Assert.Equal(expected.Length, result.Groups.Count);
            foreach ((NaiveDocument[] one, ResultGroup group) in expected.Zip(result.Groups))
            {
                Assert.Equal(groups.Select(name => one[0].Get(name)), group.Keys.Select(pair => pair.Value));
                Assert.Equal(groups, group.Keys.Select(pair => pair.Key));
                AssertAggregates(aggregates, one, group.Aggregates);
            }
        }
    }

    /// <summary>Sums are taken of the ids, whose sums are exact in any order.</summary>
    private static Aggregate OneAggregate(Random random, int number)
    {
        AggregateFunction function = (AggregateFunction)random.Next(1, 6);
        string[] names = function switch
        {
            AggregateFunction.Count => ["", .. Corpus.ScalarNames, .. Corpus.ArrayNames],
            AggregateFunction.Min or AggregateFunction.Max => ["i", "u", "f", "d"],
            _ => ["id"],
        };
        return new Aggregate("label " + number, function, random.GetItems(names, 1)[0]);
    }

    private static void AssertAggregates(
        Aggregate[] aggregates, NaiveDocument[] documents, List<KeyValuePair<string, Value>> found)
    {
        Assert.Equal(aggregates.Select(aggregate => aggregate.Label), found.Select(pair => pair.Key));
        Assert.Equal(aggregates.Select(aggregate => Expected(aggregate, documents)), found.Select(pair => pair.Value));
    }

    private static Value Expected(Aggregate aggregate, NaiveDocument[] documents)
    {
        if (aggregate.Attribute == "") return Value.Of((ulong)documents.Length);
        Value[] values = [.. documents.Select(d => d.Get(aggregate.Attribute)).Where(value => !value.IsNull)];
        Comparer<Value> order = Comparer<Value>.Create(NaiveFilter.Compare);
        return aggregate.Function switch
        {
            AggregateFunction.Count => Value.Of((ulong)values.Length),
            AggregateFunction.Sum => Value.Of(values.Aggregate(0UL, (sum, value) => sum + value.AsUint)),
            AggregateFunction.Min => values.Length == 0 ? Value.Null : values.Min(order)!,
            AggregateFunction.Max => values.Length == 0 ? Value.Null : values.Max(order)!,
            _ => values.Length == 0 ? Value.Null
                : Value.Of(values.Aggregate(0UL, (sum, value) => sum + value.AsUint) / (double)values.Length),
        };
    }
}
