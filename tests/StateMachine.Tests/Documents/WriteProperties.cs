using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

/// <summary>Sequences of writes against a dictionary, through a restart; and atomicity.</summary>
public sealed class WriteProperties
{
    private const int Ids = 12;

    private static AttributeSchema Text => new()
    {
        Name = "t", Type = AttributeType.String, Filterable = true, FullText = new FullTextOptions(),
    };

    private sealed record Step(int Kind, int Id, int Number);

    private static Arbitrary<Step[]> Steps =>
        (from kind in Gen.Choose(0, 2) from id in Gen.Choose(0, Ids - 1) from number in Gen.Choose(0, 4)
            select new Step(kind, id, number)).ArrayOf().ToArbitrary();

    private static string Words(int number) => string.Join(' ', Enumerable.Range(0, number).Select(i => "w" + i % 3));

    private static WriteRequest Request(Step step)
    {
        Value id = Value.Of((ulong)step.Id);
        Row row = new Row { Id = id }.With("n", Value.Of((long)step.Number));
        if (step.Kind == 0) row.With("t", Value.Of(Words(step.Number))).With("vector", Value.Of(step.Number, 1f));
        return new WriteRequest
        {
            Namespace = "n", Schema = [Text], Metric = DistanceMetric.EuclideanSquared,
            Upserts = step.Kind == 0 ? [row] : [], Patches = step.Kind == 1 ? [row] : [],
            Deletes = step.Kind == 2 ? [id] : [],
        };
    }

    [Fact]
    public void Any_sequence_of_writes_leaves_what_a_dictionary_would_hold() => Prop.ForAll(Steps, steps =>
    {
        using Machine machine = new(Configuration.Tiny);
        SortedDictionary<int, (int Number, int TextNumber)> model = [];
        machine.Write(Request(new Step(0, 0, 0)));
        model[0] = (0, 0);
        foreach (Step step in steps)
        {
            machine.Write(Request(step));
            if (step.Kind == 0) model[step.Id] = (step.Number, step.Number);
            if (step.Kind == 1 && model.TryGetValue(step.Id, out var old))
                model[step.Id] = (step.Number, old.TextNumber);
            if (step.Kind == 2) model.Remove(step.Id);
        }
        using Machine restarted = machine.Restart(Configuration.Tiny);
        Assert.Equal(machine.StateChecksum(), restarted.StateChecksum());
        AssertEqual(model, restarted.State);
    }).QuickCheckThrowOnFailure();

    private static void AssertEqual(SortedDictionary<int, (int Number, int TextNumber)> model, StateMachine state)
    {
        Trees trees = state.Trees;
        Assert.True(state.View.TryOpen("n"u8));
        Assert.Equal((ulong)model.Count, state.View.Record.Rows);
        Assert.True(state.View.TryFind("t"u8, out int text));
        Assert.True(state.View.TryFind("n"u8, out int number));
        Assert.Equal((ulong)model.Values.Sum(v => v.TextNumber), state.View.Attribute(text).TextTokens);
        SortedSet<int> seen = [];
        LiveDocuments live = new(trees.Liveness, state.View.Number, state.View.Record.NextDocument);
        while (live.MoveNext())
        {
            byte[] key = new byte[12];
            Keys keys = new(key);
            keys.Namespace(state.View.Number).Document(live.Document);
            Assert.True(trees.Documents.TryGet(keys.Key, out ReadOnlySpan<byte> bytes));
            DocumentRow row = new(bytes);
            int id = (int)row.Id.AsUint;
            Assert.True(seen.Add(id));
            Assert.True(row.TryFind((ushort)number, out EncodedValue n));
            Assert.Equal(model[id].Number, n.AsInt);
            Assert.True(row.TryFind((ushort)text, out EncodedValue t));
            Assert.Equal(Words(model[id].TextNumber), System.Text.Encoding.UTF8.GetString(t.Payload));
        }
        Assert.Equal(model.Keys, seen);
        Assert.Equal(model.Values.Select(v => v.TextNumber).Append(0).Max() switch { 0 => 0, 1 => 1, 2 => 2, _ => 3 },
            (int)trees.Terms.Count);
        trees.Forest.Verify();
    }

    [Fact]
    public void A_request_whose_last_row_is_wrong_changes_nothing() => Prop.ForAll(Steps, steps =>
    {
        using Machine machine = new(Configuration.Tiny);
        machine.Write(Request(new Step(0, 0, 3)));
        WriteRequest request = new()
        {
            Namespace = "n", DeleteByFilter = Filter.Compare("n", FilterOperator.Gte, Value.Of(0L)),
            Upserts = [.. steps.DistinctBy(s => s.Id).Select(s =>
                new Row { Id = Value.Of((ulong)s.Id) }.With("new" + s.Number, Value.Of("x")))],
            Patches = [new Row { Id = Value.Of(1000UL) }.With("n", Value.Of("no number"))],
        };
        Assert.Equal(ErrorCode.TypeMismatch, machine.WriteFails(request).Code);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Commits_allocate_nothing_after_the_first_ones()
    {
        using Machine machine = new(Configuration.Tiny) { Guarded = false };
        byte[] buffer = new byte[8192];
        byte[][] bodies = new byte[24][];
        for (int i = 0; i < bodies.Length; i++)
        {
            Core.Wire.WireWriter writer = new(buffer);
            Request(new Step(i % 3, i / 2, i % 5)).Write(ref writer);
            bodies[i] = writer.Written.ToArray();
        }
        for (int i = 0; i < 2000; i++) machine.Commit(Core.Wire.Operation.Write, bodies[i * 7 % bodies.Length]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++) machine.Commit(Core.Wire.Operation.Write, bodies[i * 7 % bodies.Length]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
