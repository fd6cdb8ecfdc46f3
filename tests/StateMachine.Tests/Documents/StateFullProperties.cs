using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

/// <summary>A state that fills up refuses writes before its limit, never passes it, and still takes deletes.</summary>
public sealed class StateFullProperties
{
    private static Row RandomRow(Random random, int size)
    {
        Row row = new() { Id = Value.Of((ulong)random.Next(100_000)) };
        if (random.Next(2) == 0)
            row.With("t", Value.Of(string.Join(' ', Enumerable.Range(0, size).Select(_ => random.Next(36 * 36 * 36)))));
        for (int i = random.Next(4); i > 0; i--) row.With("a" + random.Next(40) + i, Value.Of(random.Next(2) == 0));
        if (random.Next(3) == 0) row.With("vector", Value.Of(1f, 2f, 3f));
        if (random.Next(3) == 0) row.With("tags", Value.Of(Value.Of("x"), Value.Of(new string('y', random.Next(99)))));
        return row;
    }

    private static ErrorCode Commit(Machine machine, Random random, int size)
    {
        if (random.Next(8) == 0)
        {
            UpdateSchemaRequest schema = new()
            {
                Namespace = "n" + random.Next(3), Schema = [.. Enumerable.Range(0, random.Next(20)).Select(i =>
                    new AttributeSchema { Name = $"s{random.Next(900)}-{i}", Type = AttributeType.Int })],
            };
            ErrorCode code = machine.CodeOf(Operation.UpdateSchema, schema.Write);
            return code == ErrorCode.StateFull ? code : ErrorCode.Ok;
        }
        AttributeSchema text = new() { Name = "t", Type = AttributeType.String, FullText = new FullTextOptions() };
        WriteRequest request = new()
        {
            Namespace = "n" + random.Next(3), Schema = [text], Metric = DistanceMetric.CosineDistance,
        };
        for (int i = 1 + random.Next(30 / size); i > 0; i--)
        {
            Row row = RandomRow(random, size * 10);
            if (request.Upserts.All(other => !other.Id.Equals(row.Id))) request.Upserts.Add(row);
        }
        return machine.CodeOf(Operation.Write, request.Write);
    }

    [Fact]
    public void The_limit_is_never_passed_and_not_refused_far_below()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            using Machine machine = new(Configuration.Tiny);
            Storage.Forest forest = machine.State.Trees.Forest;
            Random random = new(seed);
            int size = random.Next(1, 30);
            int refused = 0;
            while (refused < 20)
            {
                ErrorCode code = Commit(machine, random, size);
                Assert.True(code is ErrorCode.Ok or ErrorCode.StateFull, code.ToString());
                if (code == ErrorCode.StateFull) refused++;
                // The bound of one request is loose: up to a few MiB, which is half of this small state.
                if (code == ErrorCode.StateFull) Assert.True(forest.SizeBytes > forest.SizeBytesMax / 4);
                Assert.True(forest.SizeBytes <= forest.SizeBytesMax);
            }
            WriteRequest delete = new()
            {
                Namespace = "n0", DeleteByFilter = Filter.Compare("id", FilterOperator.Gte, Value.Of(0UL)),
            };
            long before = forest.SizeBytes;
            Assert.True(machine.CodeOf(Operation.Write, delete.Write) is ErrorCode.Ok or ErrorCode.NamespaceNotFound);
            Assert.True(forest.SizeBytes <= before);
            machine.Verify();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5));
    }
}
