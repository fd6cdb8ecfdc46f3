using System;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Prefetch;

/// <summary>How often an operation waits for reads when nothing is in memory: 1 the namespace, 2 its attributes, then
/// what can be named with those. A query waits four times at most.</summary>
public sealed class RoundsTests : IDisposable
{
    private readonly Machine _machine = new();

    public RoundsTests()
    {
        WriteRequest request = new()
        {
            Namespace = "n", Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new() { Name = "text", Type = AttributeType.String, FullText = new() },
                new() { Name = "v", Type = AttributeType.VectorF32, Dimensions = 2, Ann = true },
            ],
        };
        for (int i = 0; i < 20; i++) request.Upserts.Add(NewRow((ulong)i, i % 2 == 0 ? "red fox jumps" : "blue fox"));
        _machine.Write(request);
    }

    public void Dispose() => _machine.Dispose();

    private static Row NewRow(ulong id, string text) => new Row { Id = Value.Of(id) }
        .With("text", Value.Of(text)).With("number", Value.Of((long)id)).With("v", Value.Of([1f, id]));

    private static Filter Number(FilterOperator op, long value) => Filter.Compare("number", op, Value.Of(value));

    private static Filter Sequence(string text) => Filter.Compare(
        "text", FilterOperator.ContainsTokenSequence, Value.Of(text));

    private static readonly string[] Kinds =
    [
        "vector", "filtered vector", "vector with vectors", "bm25", "sum", "max", "product", "prefix", "order",
        "filter", "sequence", "not a sequence", "id",
    ];

    public static TheoryData<string> Queries { get; } = new(Kinds);

    private static Core.Model.Query Kind(string kind)
    {
        RankBy fox = RankBy.Bm25("text", "fox");
        RankBy red = RankBy.Bm25("text", "red");
        RankBy prefix = new()
        {
            Kind = RankKind.Bm25, Attribute = "text", Operand = Value.Of("re"), LastAsPrefix = true,
        };
        RankBy number = new() { Kind = RankKind.Attribute, Attribute = "number" };
        RankBy id = RankBy.OrderBy(("id", false));
        RankBy near = RankBy.Ann("v", [1f, 0f]);
        return kind switch
        {
            "vector" => Ranked(near),
            "filtered vector" => Ranked(near, Number(FilterOperator.Lt, 9)),
            "vector with vectors" => Ranked(near, include: IncludeMode.All),
            "bm25" => Ranked(fox),
            "sum" => Ranked(new RankBy { Kind = RankKind.Sum, Children = [fox, red, number] }),
            "max" => Ranked(new RankBy { Kind = RankKind.Max, Children = [fox, red] }),
            "product" => Ranked(new RankBy { Kind = RankKind.Product, Children = [fox, red] }),
            "prefix" => Ranked(prefix),
            "order" => Ranked(RankBy.OrderBy(("number", true))),
            "filter" => Ranked(id, Number(FilterOperator.Gte, 3)),
            "sequence" => Ranked(id, Sequence("fox jumps")),
            "not a sequence" => Ranked(id, Filter.Not(Sequence("fox jumps"))),
            _ => Ranked(id, Filter.Compare("id", FilterOperator.Eq, Value.Of(7UL))),
        };
    }

    private static Core.Model.Query Ranked(
        RankBy rank, Filter? filter = null, IncludeMode include = IncludeMode.IdOnly) =>
        new() { RankBy = rank, Filter = filter, Limit = 5, Include = include };

    private int Ask(QueryRequest request)
    {
        _machine.Commit(Operation.Query, request.Write, out ReplyStatus status);
        Assert.Equal(ErrorCode.Ok, status.Code);
        return _machine.Rounds;
    }

    private int Ask(params Core.Model.Query[] queries) => Ask(new QueryRequest { Namespace = "n", Queries = queries });

    [Theory, MemberData(nameof(Queries))]
    public void A_query_takes_four(string kind) => Assert.Equal(4, Ask(Kind(kind)));

    [Fact]
    public void An_aggregate_has_no_rows_to_read() => Assert.Equal(3, Ask(new Core.Model.Query
    {
        Aggregates = [new("n", AggregateFunction.Count), new("s", AggregateFunction.Sum, "number")],
        Filter = Number(FilterOperator.Lt, 9),
    }));

    [Fact]
    public void Nor_have_groups() => Assert.Equal(3, Ask(new Core.Model.Query
    {
        Aggregates = [new("n", AggregateFunction.Count)], GroupBy = ["number"],
    }));

    [Fact]
    public void Sub_queries_share_their_rounds_fused_or_not()
    {
        Core.Model.Query[] queries = [Kind("vector"), Kind("bm25"), Kind("order"), Kind("sequence")];
        Assert.Equal(4, Ask(queries));
        Assert.Equal(4, Ask(new QueryRequest
        {
            Namespace = "n", Queries = queries, Rerank = Rerank.ReciprocalRankFusion,
        }));
    }

    [Fact]
    public void What_is_not_there_or_not_valid_is_known_early()
    {
        QueryRequest missing = new() { Namespace = "m", Queries = [Kind("bm25")] };
        Assert.Equal(ErrorCode.NamespaceNotFound, _machine.CodeOf(Operation.Query, missing.Write));
        Assert.Equal(1, _machine.Rounds);
        QueryRequest wrong = new() { Namespace = "n", Queries = [Ranked(RankBy.Bm25("number", "fox"))] };
        Assert.Equal(ErrorCode.AttributeNotFilterable, _machine.CodeOf(Operation.Query, wrong.Write));
        Assert.Equal(2, _machine.Rounds);
    }

    [Fact]
    public void A_batch_of_queries_takes_no_more_than_one()
    {
        byte[] buffer = new byte[8192];
        WireWriter writer = new(buffer);
        writer.U16(Kinds.Length);
        byte[] part = new byte[4096];
        foreach (string kind in Kinds)
        {
            WireWriter one = new(part);
            new QueryRequest { Namespace = "n", Queries = [Kind(kind)] }.Write(ref one);
            writer.U32((uint)Operation.Query);
            writer.U32((uint)one.Position);
            writer.Bytes(one.Written);
        }
        _machine.Commit(Operation.Batch, writer.Written);
        Assert.Equal(4, _machine.Rounds);
    }

    [Fact]
    public void Reads_of_namespaces()
    {
        Assert.Equal(ErrorCode.Ok, _machine.CodeOf(Operation.ListNamespaces, new ListNamespacesRequest().Write));
        Assert.Equal(1, _machine.Rounds);
        _machine.Metadata("n");
        Assert.Equal(2, _machine.Rounds);
    }

    private int Write(WriteRequest request)
    {
        _machine.Write(request);
        return _machine.Rounds;
    }

    [Fact]
    public void New_documents_take_three_and_a_new_namespace_two()
    {
        Assert.Equal(3, Write(new WriteRequest { Namespace = "n", Upserts = [NewRow(100, "green fox")] }));
        Assert.Equal(2, Write(new WriteRequest { Namespace = "m", Upserts = [new Row { Id = Value.Of(1UL) }] }));
    }

    /// <summary>The fourth is for the terms of the old text.</summary>
    [Fact]
    public void Changes_of_documents_take_four()
    {
        Assert.Equal(4, Write(new WriteRequest { Namespace = "n", Upserts = [NewRow(1, "green fox")] }));
        Row patch = new Row { Id = Value.Of(2UL) }.With("number", Value.Of(7L));
        Assert.Equal(4, Write(new WriteRequest { Namespace = "n", Patches = [patch] }));
        Assert.Equal(4, Write(new WriteRequest { Namespace = "n", Deletes = [Value.Of(3UL)] }));
    }

    [Fact]
    public void Changes_by_filter_take_five()
    {
        Assert.Equal(5, Write(new WriteRequest { Namespace = "n", DeleteByFilter = Number(FilterOperator.Lt, 3) }));
        Assert.Equal(5, Write(new WriteRequest
        {
            Namespace = "n", PatchByFilter = Number(FilterOperator.Lt, 5),
            PatchByFilterValues = [new("text", Value.Of("grey wolf"))],
        }));
        Assert.Equal(5, Write(new WriteRequest { Namespace = "n", DeleteByFilter = Number(FilterOperator.Gte, 0) }));
        Assert.Equal(0UL, _machine.Metadata("n").Rows);
    }

    [Fact]
    public void Changes_of_schemas_take_three_and_deletions_two_with_what_they_leave_behind()
    {
        UpdateSchemaRequest request = new()
        {
            Namespace = "n",
            Schema = [new() { Name = "number", Type = AttributeType.Int, Filterable = false }],
        };
        Assert.Equal(ErrorCode.Ok, _machine.CodeOf(Operation.UpdateSchema, request.Write));
        Assert.Equal(3, _machine.Rounds);
        NamespaceRequest name = new() { Namespace = "n" };
        Assert.Equal(ErrorCode.Ok, _machine.CodeOf(Operation.DeleteNamespace, name.Write));
        Assert.Equal(2, _machine.Rounds);
        Assert.Equal(ErrorCode.Ok, _machine.CodeOf(Operation.ListNamespaces, new ListNamespacesRequest().Write));
        Assert.Equal(2, _machine.Rounds);
    }

    /// <summary>Commit renders what the prefetch has ranked; without a prefetch it ranks itself.</summary>
    [Fact]
    public void The_answer_is_the_same_without_a_prefetch()
    {
        byte[] body = new byte[4096];
        WireWriter writer = new(body);
        new QueryRequest
        {
            Namespace = "n", Queries = [Kind("bm25"), Kind("vector with vectors")],
        }.Write(ref writer);
        _machine.Commit(Operation.Query, writer.Written);
        byte[] reply = new byte[4096];
        Core.OperationContext context = new(_machine.Op + 1, 1, Operation.Query);
        int size = _machine.State.Commit(context, writer.Written, reply);
        Assert.Equal(_machine.Reply, reply.AsSpan(0, size));
    }
}
