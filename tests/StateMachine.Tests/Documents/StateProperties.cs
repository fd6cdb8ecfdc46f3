using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

/// <summary>Random operations of every kind; after each sequence every tree is checked against the live rows, and the
/// rows against a dictionary, before and after a restart from a checkpoint.</summary>
public sealed class StateProperties
{
    private const int Ids = 40;
    private static readonly string[] Words = ["the", "quick", "Fox's", "straße", "naïve", "日本", "running", "fox"];

    private enum Act
    {
        Upsert,
        Patch,
        Delete,
        DeleteByFilter,
        PatchByFilter,
        Schema,
        DeleteNamespace,
    }

    private sealed record Step(Act Act, int Seed);

    private sealed class Model : SortedDictionary<ulong, SortedDictionary<string, Value>>;

    private static Arbitrary<Step[]> Steps => (
        from act in Gen.Frequency<Act>(
            (8, Gen.Constant(Act.Upsert)), (5, Gen.Constant(Act.Patch)), (3, Gen.Constant(Act.Delete)),
            (2, Gen.Constant(Act.DeleteByFilter)), (2, Gen.Constant(Act.PatchByFilter)),
            (3, Gen.Constant(Act.Schema)), (1, Gen.Constant(Act.DeleteNamespace)))
        from seed in Gen.Choose(0, 1 << 20)
        select new Step(act, seed)).ArrayOf().ToArbitrary();

    [Fact]
    public void Every_tree_holds_exactly_what_the_live_rows_lead_to()
    {
        Prop.ForAll(Steps, Verify)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithEndSize(80));
    }

    private static void Verify(Step[] steps)
    {
        using Machine machine = new(Configuration.Tiny);
        Model model = [];
        foreach (Step step in steps) Run(machine, model, step);
        machine.Verify();
        AssertRows(machine, model);
        using Machine restarted = machine.Restart();
        Assert.Equal(machine.StateChecksum(), restarted.StateChecksum());
        restarted.Verify();
        Step more = new(Act.Upsert, steps.Length);
        Run(machine, model, more);
        Run(restarted, model, more);
        Assert.Equal(machine.StateChecksum(), restarted.StateChecksum());
        restarted.Verify();
        AssertRows(restarted, model);
    }

    private static void Run(Machine machine, Model model, Step step)
    {
        Random random = new(step.Seed);
        bool exists = machine.State.View.TryOpen("n"u8);
        if (step.Act == Act.Schema && exists) ChangeSchema(machine, random);
        if (step.Act == Act.DeleteNamespace && exists)
        {
            machine.CodeOf(Operation.DeleteNamespace, new NamespaceRequest { Namespace = "n" }.Write);
            model.Clear();
        }
        if (step.Act is Act.Schema or Act.DeleteNamespace || !exists && step.Act != Act.Upsert) return;
        WriteRequest request = step.Act switch
        {
            Act.Upsert => Request(upserts: RandomRows(random, vectors: true)),
            Act.Patch => Request(patches: RandomRows(random, vectors: false)),
            Act.Delete => Request(deletes: [.. RandomRows(random, vectors: false).Select(row => row.Id)]),
            Act.DeleteByFilter => Request(delete: AtLeast(random)),
            _ => Request(patch: AtLeast(random), values: RandomRow(random, 0, vectors: false).Attributes),
        };
        machine.Write(request);
        Apply(model, request);
    }

    private static WriteRequest Request(List<Row>? upserts = null, List<Row>? patches = null,
        List<Value>? deletes = null, Filter? delete = null, Filter? patch = null,
        List<KeyValuePair<string, Value>>? values = null) => new()
        {
            Namespace = "n", Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new AttributeSchema { Name = "half", Type = AttributeType.VectorF16, Dimensions = 3 },
                new AttributeSchema { Name = "n", Type = AttributeType.Int, Filterable = true },
                new AttributeSchema { Name = "words", Type = AttributeType.StringArray },
                new AttributeSchema { Name = "weights", Type = AttributeType.SparseF16 },
            ],
            Upserts = upserts ?? [], Patches = patches ?? [], Deletes = deletes ?? [],
            DeleteByFilter = delete, PatchByFilter = patch, PatchByFilterValues = values ?? [],
        };

    private static Filter AtLeast(Random random) =>
        Filter.Compare("n", FilterOperator.Gte, Value.Of((long)random.Next(60, 100)));

    private static List<Row> RandomRows(Random random, bool vectors)
    {
        SortedSet<ulong> ids = [];
        for (int i = random.Next(1, 8); i > 0; i--) ids.Add((ulong)random.Next(Ids));
        return [.. ids.Select(id => RandomRow(random, id, vectors))];
    }

    private static Row RandomRow(Random random, ulong id, bool vectors)
    {
        Row row = new() { Id = Value.Of(id) };
        bool Some() => random.Next(3) > 0;
        if (Some()) row.With("n", Maybe(random, Value.Of((long)random.Next(100))));
        if (Some()) row.With("text", Maybe(random, Value.Of(Sentence(random))));
        if (Some()) row.With("flag", Maybe(random, Value.Of(random.Next(2) == 0)));
        if (Some()) row.With("words", Maybe(random, Value.Of(
            [.. Enumerable.Range(0, random.Next(4)).Select(_ => Value.Of(Sentence(random)))])));
        if (Some()) row.With("float", Maybe(random, Value.Of(random.Next(8) / 4.0)));
        if (Some()) row.With("weights", Maybe(random, Value.OfSparse(Weights(random))));
        if (vectors && Some()) row.With("vector", Value.Of(random.Next(3), random.Next(3) - 1));
        if (vectors && Some()) row.With("half", Value.Of(random.Next(3), 0.1f, random.Next(9)));
        return row;
    }

    private static SparseDimension[] Weights(Random random) =>
    [
        .. Words.Where(_ => random.Next(3) == 0).Select(word => new SparseDimension(word, random.Next(-9, 30) / 10.0)),
    ];

    private static Value Maybe(Random random, Value value) => random.Next(6) == 0 ? Value.Null : value;

    private static string Sentence(Random random) => string.Join(
        ' ', Enumerable.Range(0, random.Next(12)).Select(_ => Words[random.Next(Words.Length)]));

    private static void ChangeSchema(Machine machine, Random random)
    {
        FullTextOptions options = new()
        {
            Tokenizer = random.Next(2) == 0 ? Tokenizer.WordV4 : Tokenizer.WordV1,
            Language = (Language)random.Next(3), Stemming = random.Next(2) == 0,
            RemoveStopwords = random.Next(2) == 0, AsciiFolding = random.Next(2) == 0,
            CaseSensitive = random.Next(2) == 0, MaxTokenLength = (byte)random.Next(1, 20),
        };
        bool off = random.Next(4) == 0;
        bool array = random.Next(2) == 0;
        UpdateSchemaRequest request = new()
        {
            Namespace = "n",
            Schema =
            [
                new AttributeSchema
                {
                    Name = array ? "words" : "text", Type = array ? AttributeType.StringArray : AttributeType.String,
                    Filterable = random.Next(3) switch { 0 => null, 1 => false, _ => true },
                    FullText = off ? null : options, FullTextOff = off,
                },
            ],
        };
        Assert.Equal(ErrorCode.Ok, machine.CodeOf(Operation.UpdateSchema, request.Write));
    }

    private static void Apply(Model model, WriteRequest request)
    {
        bool Matches(SortedDictionary<string, Value> row, Filter? filter) => filter is not null &&
            row.TryGetValue("n", out Value? n) && n.AsInt >= filter.Operand.AsInt;
        foreach (ulong id in model.Keys.Where(id => Matches(model[id], request.DeleteByFilter)).ToArray())
            model.Remove(id);
        foreach (ulong id in model.Keys.Where(id => Matches(model[id], request.PatchByFilter)).ToArray())
            foreach ((string name, Value value) in request.PatchByFilterValues) Set(model[id], name, value);
        foreach (Row row in request.Upserts)
        {
            model[row.Id.AsUint] = new(StringComparer.Ordinal);
            foreach ((string name, Value value) in row.Attributes) Set(model[row.Id.AsUint], name, value);
        }
        foreach (Row row in request.Patches)
            if (model.TryGetValue(row.Id.AsUint, out SortedDictionary<string, Value>? old))
                foreach ((string name, Value value) in row.Attributes) Set(old, name, value);
        foreach (Value id in request.Deletes) model.Remove(id.AsUint);
    }

    private static void Set(SortedDictionary<string, Value> row, string name, Value value)
    {
        if (value.IsNull) row.Remove(name);
        else if (name == "half") row[name] = Value.Of([.. value.AsVector.Select(x => (float)(Half)x)]);
        else row[name] = value;
    }

    private static void AssertRows(Machine machine, Model model)
    {
        if (!machine.State.View.TryOpen("n"u8)) return;
        QueryResult result = machine.One(new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 1000, Include = IncludeMode.All,
        });
        Assert.Equal(model.Keys, result.Rows.Select(row => row.Id.AsUint));
        foreach (ResultRow row in result.Rows)
        {
            SortedDictionary<string, Value> stored = new(StringComparer.Ordinal);
            foreach ((string name, Value value) in row.Attributes) stored.Add(name, value);
            Assert.Equal(model[row.Id.AsUint], stored);
        }
    }
}
