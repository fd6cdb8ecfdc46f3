using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Filters;

/// <summary>Patterns in requests: where values come from, what decides changes, and the bounds of the work.</summary>
public sealed class PatternFilterTests : IDisposable
{
    private readonly Machine _machine = new();

    public PatternFilterTests() => _machine.Write(new WriteRequest
    {
        Namespace = "n",
        Schema = [Text(filterable: null)],
        Upserts = [Row(1, "a/b.cs"), Row(2, "a/b.md"), Row(3, "A/c.CS"), Ask.Row(4)],
    });

    public void Dispose() => _machine.Dispose();

    private static AttributeSchema Text(bool? filterable) => new()
    {
        Name = "t", Type = AttributeType.String, Filterable = filterable, Glob = true, Regex = true, Fuzzy = true,
    };

    private static Row Row(ulong id, string text) => Ask.Row(id, ("t", Value.Of(text)));

    private static Filter Is(FilterOperator op, string pattern) => Filter.Compare("t", op, Value.Of(pattern));

    private static Filter Near(string text) => new()
    {
        Operator = FilterOperator.Fuzzy, Attribute = "t", Operand = Value.Of(text),
        Fuzzy = new FuzzyOptions { Distances = [new(6, 1), new(9, 2)] },
    };

    private string Find(Filter filter) => _machine.Ids(Ask.ById, filter);

    [Fact]
    public void A_column_changes_nothing_but_where_the_values_are_read()
    {
        Filter[] filters =
        [
            Is(FilterOperator.Glob, "a/*"), Is(FilterOperator.NotIGlob, "*.cs"), Is(FilterOperator.Regex, "[.]..$"),
            Near("a/bb.cs"),
        ];
        string[] rows = [.. filters.Select(Find)];
        Assert.Equal(["1,2", "2,4", "1,2,3", "1"], rows);
        _machine.Write(new WriteRequest { Namespace = "n", Schema = [Text(true)], Upserts = [Ask.Row(5)] });
        string[] column = [.. filters.Select(Find)];
        Assert.Equal(["1,2", "2,4,5", "1,2,3", "1"], column);
    }

    [Fact]
    public void An_option_is_kept_until_it_is_said_to_be_off()
    {
        AttributeSchema off = new() { Name = "t", Type = AttributeType.String, Regex = false };
        _machine.Write(new WriteRequest { Namespace = "n", Schema = [off], Upserts = [Ask.Row(5)] });
        Assert.Equal("filter error in key `t`: attribute has no regex", _machine.Fails(new Core.Model.Query
            { RankBy = Ask.ById, Limit = 1, Filter = Is(FilterOperator.Regex, "a") }).Message);
        Assert.Equal("1,2", Find(Is(FilterOperator.Glob, "a/*")));
        SchemaReply schema = Schema();
        AttributeSchema text = schema.Schema.Single(attribute => attribute.Name == "t");
        Assert.Equal((true, null, true, false), (text.Glob, text.Regex, text.Fuzzy, text.Filterable));
    }

    private SchemaReply Schema()
    {
        NamespaceRequest request = new() { Namespace = "n" };
        WireReader reader = _machine.Commit(Operation.Schema, request.Write, out _);
        return SchemaReply.Read(ref reader);
    }

    [Fact]
    public void They_decide_changes_by_filter_and_conditions()
    {
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "n", Flags = WriteFlags.ReturnAffectedIds,
            DeleteByFilter = Is(FilterOperator.Glob, "*.md"),
            PatchByFilter = Is(FilterOperator.Regex, "(?i)^a/c"), PatchByFilterValues = [new("t", Value.Of("new"))],
        });
        Assert.Equal([Value.Of(2UL)], reply.DeletedIds);
        Assert.Equal([Value.Of(3UL)], reply.PatchedIds);
        WriteReply conditional = _machine.Write(new WriteRequest
        {
            Namespace = "n", Flags = WriteFlags.ReturnAffectedIds, DeleteCondition = Is(FilterOperator.IGlob, "N?W"),
            Deletes = [Value.Of(1UL), Value.Of(3UL), Value.Of(4UL)],
        });
        Assert.Equal([Value.Of(3UL)], conditional.DeletedIds);
    }

    [Fact]
    public void The_patterns_of_conditions_are_bounded_together()
    {
        WriteRequest Guarded(params string[] patterns) => new()
        {
            Namespace = "n", Upserts = [Row(1, "x")],
            UpsertCondition = Filter.And([.. patterns.Select(pattern => Is(FilterOperator.Regex, pattern))]),
        };
        const string message = "patterns of conditions are too complex, their steps may be at most 1024";
        Assert.Equal(message, _machine.WriteFails(Guarded("a{1024}")).Message);
        Assert.Equal(message, _machine.WriteFails(Guarded("a{600}", "b{600}")).Message);
        _machine.Write(Guarded("a{1000}"));
    }

    [Fact]
    public void Nothing_of_the_new_row_can_be_a_pattern()
    {
        Filter filter = new() { Operator = FilterOperator.Glob, Attribute = "t", NewRowAttribute = "t" };
        Assert.Equal("filter error in key `t`: $ref_new cannot be an operand of Glob", _machine.WriteFails(
            new WriteRequest { Namespace = "n", Upserts = [Row(1, "x")], UpsertCondition = filter }).Message);
    }

    [Theory]
    [InlineData("title", AttributeType.Int)]
    [InlineData("marks", AttributeType.IntArray)]
    [InlineData("vector", AttributeType.VectorF32)]
    public void Only_strings_take_patterns(string name, AttributeType type)
    {
        AttributeSchema wrong = new()
        {
            Name = name, Type = type, Glob = true, Dimensions = type == AttributeType.VectorF32 ? 2u : 0,
        };
        Assert.Equal($"glob, regex and fuzzy of attribute `{name}` need type string or []string",
            _machine.WriteFails(new WriteRequest { Namespace = "n", Schema = [wrong] }).Message);
    }

    [Fact]
    public void Ids_of_text_take_globs()
    {
        using Machine machine = new();
        Row named = new() { Id = Value.Of("user-7") };
        machine.Write(new WriteRequest { Namespace = "n", Upserts = [named, new Row { Id = Value.Of("group-7") }] });
        Filter users = Filter.Compare("id", FilterOperator.Glob, Value.Of("user-*"));
        Assert.Equal("user-7", machine.Ids(Ask.ById, users));
    }

    /// <summary>Of the distances to a text that the value nearly begins with no cell can be left out.</summary>
    [Fact]
    public void A_walk_that_takes_too_many_steps_is_refused_and_others_are_not()
    {
        _machine.Write(new WriteRequest { Namespace = "n", Upserts = [Row(9, new string('a', 600_000))] });
        Filter slow = Near(new string('a', 2040) + "bbb");
        const string message = "filters by patterns need more than 1073741824 steps; " +
            "put a filter that leaves fewer rows before them in an And";
        Assert.Equal(message, _machine.Fails(
            new Core.Model.Query { RankBy = Ask.ById, Limit = 9, Filter = slow }).Message);
        Assert.Equal(message, _machine.WriteFails(
            new WriteRequest { Namespace = "n", DeleteByFilter = slow }).Message);
        Assert.Equal("9", Find(Is(FilterOperator.Regex, "^a{50}")));
        Assert.Equal("", Find(Filter.And(Filter.Compare("id", FilterOperator.Lt, Value.Of(9UL)), slow)));
    }

    [Fact]
    public void No_pattern_allocates()
    {
        byte[] body = new byte[4096];
        WireWriter writer = new(body);
        Filter all = Filter.Or(Is(FilterOperator.Glob, "{x,[!y]}*z"), Is(FilterOperator.NotIGlob, "*A*"),
            Is(FilterOperator.Regex, "(?i)(a|é)+\\b.{2,5}$"), Near("b.cs a/c"));
        new QueryRequest
        {
            Namespace = "n", Queries = [new Core.Model.Query { RankBy = Ask.ById, Limit = 3, Filter = all }],
        }.Write(ref writer);
        int size = writer.Position;
        _machine.Guarded = false;
        for (int i = 0; i < 3; i++) _machine.Commit(Operation.Query, body.AsSpan(0, size));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++) _machine.Commit(Operation.Query, body.AsSpan(0, size));
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
