using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Random sparse vectors, changed, patched and deleted, against a dictionary of dictionaries: scores are equal
/// bit for bit, and ties are in the order of ids.</summary>
public sealed class SparseProperties
{
    private const int Ids = 400;
    private static readonly string[] Names = ["a", "aa", "b", "\0", "\0\0", "ü", "日本", "z", "0", "1", "10", "2"];

    private sealed record Step(int Kind, int Seed);

    private static Arbitrary<Step[]> Steps => (
        from kind in Gen.Choose(0, 5)
        from seed in Gen.Choose(0, 1 << 20)
        select new Step(kind, seed)).ArrayOf().ToArbitrary();

    [Fact]
    public void Answers_are_those_of_a_scan_over_dictionaries() =>
        Prop.ForAll(Steps, Verify).Check(Config.QuickThrowOnFailure.WithMaxTest(60).WithEndSize(40));

    private static void Verify(Step[] steps)
    {
        using Machine machine = new(Configuration.Tiny);
        SortedDictionary<ulong, SortedDictionary<string, Half>> model = [];
        WriteRequest founding = Request();
        founding.Upserts.Add(Ask.Row(0));
        machine.Write(founding);
        model[0] = [];
        foreach (Step step in steps)
        {
            Random random = new(step.Seed);
            machine.Write(Change(step.Kind, random, model));
            AssertAnswers(machine, model, random);
        }
        machine.Verify();
        using Machine restarted = machine.Restart();
        AssertAnswers(restarted, model, new Random(steps.Length));
    }

    private static WriteRequest Request() => new()
    {
        Namespace = "n", Schema = [new AttributeSchema { Name = "sv", Type = AttributeType.SparseF16 }],
    };

    private static WriteRequest Change(
        int kind, Random random, SortedDictionary<ulong, SortedDictionary<string, Half>> model)
    {
        WriteRequest request = Request();
        foreach (ulong id in Enumerable.Range(0, random.Next(1, 40)).Select(_ => (ulong)random.Next(Ids)).Distinct())
        {
            SparseDimension[] vector = Vector(random);
            Value value = random.Next(8) == 0 ? Value.Null : Value.OfSparse(vector);
            if (kind == 0) request.Deletes.Add(Value.Of(id));
            else if (kind == 1) request.Patches.Add(Ask.Row(id, ("sv", value)));
            else request.Upserts.Add(Ask.Row(id, ("sv", value)));
            if (kind == 0) model.Remove(id);
            else if (kind > 1 || model.ContainsKey(id)) model[id] = value.IsNull ? [] : Map(value);
        }
        return request;
    }

    private static SortedDictionary<string, Half> Map(Value value)
    {
        SortedDictionary<string, Half> map = new(StringComparer.Ordinal);
        foreach (SparseDimension dimension in value.AsSparse)
            map.Add(System.Text.Encoding.UTF8.GetString(dimension.Name), dimension.Weight);
        return map;
    }

    private static SparseDimension[] Vector(Random random) =>
        [.. Names.Where(_ => random.Next(4) == 0).Select(name => new SparseDimension(name, Weight(random)))];

    /// <summary>Of all sizes that f16 has, so that the order of additions makes a difference.</summary>
    private static double Weight(Random random) => random.Next(5) switch
    {
        0 => random.Next(-3, 4),
        1 => random.Next(-65504, 65505),
        2 => random.Next(-99, 100) * 5.9604645e-8,
        _ => random.NextDouble() * 2 - 0.5,
    };

    private static void AssertAnswers(
        Machine machine, SortedDictionary<ulong, SortedDictionary<string, Half>> model, Random random)
    {
        SparseDimension[] query = Vector(random);
        int limit = random.Next(1, 2 * Ids);
        RankBy rank = RankBy.SparseKnn("sv", query);
        (ulong, float)[] expected =
        [
            .. model.Select(row => (Id: row.Key, Score: Dot(rank.Operand.AsSparse, row.Value)))
                .Where(row => row.Score != 0).OrderByDescending(row => row.Score).ThenBy(row => row.Id)
                .Take(limit).Select(row => (row.Id, (float)row.Score)),
        ];
        QueryResult result = machine.One(new Core.Model.Query { RankBy = rank, Limit = (uint)limit });
        Assert.Equal(expected, result.Rows.Select(row => (row.Id.AsUint, row.Score!.Value)));
    }

    /// <summary>Dimension after dimension in the order of UTF-8, from 0.</summary>
    private static double Dot(SparseDimension[] query, SortedDictionary<string, Half> row)
    {
        double sum = 0;
        foreach (SparseDimension dimension in query)
        {
            string name = System.Text.Encoding.UTF8.GetString(dimension.Name);
            if (row.TryGetValue(name, out Half weight)) sum += (double)dimension.Weight * (double)weight;
        }
        return sum;
    }
}
