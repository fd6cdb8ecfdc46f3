using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Queries at and beyond every limit, and bytes that are no queries.</summary>
public sealed class NastyQueryTests : IDisposable
{
    private readonly Corpus _corpus = new(DistanceMetric.CosineDistance, rows: 300);

    private Machine Machine => _corpus.Machine;

    public void Dispose() => _corpus.Dispose();

    private static Core.Model.Query ById(Filter? filter = null, uint limit = 10_000) =>
        new() { RankBy = Ask.ById, Filter = filter, Limit = limit };

    private static Core.Model.Query[] EveryKind() =>
    [
        new() { RankBy = RankBy.Ann("v", new float[Corpus.Dimensions]), Limit = 10_000, Include = IncludeMode.All },
        new()
        {
            RankBy = RankBy.Ann("h", Corpus.Vector(new Random(5))), Limit = 7, Offset = 3,
            Filter = FilterProperties.Tree(new Random(1), 3),
        },
        new() { RankBy = RankBy.OrderBy(("s", true), ("x", false), ("f", true)), Limit = 100 },
        new() { Limit = 5, Include = IncludeMode.AllExcept, IncludeNames = ["v", "unknown"] },
        new()
        {
            Limit = 1000, Include = IncludeMode.Listed, IncludeNames = ["t", "h", "id"],
            RankBy = new RankBy
            {
                Kind = RankKind.Sum, Children =
                [
                    RankBy.Bm25("t", "red fox red jumps"),
                    new RankBy
                    {
                        Kind = RankKind.Bm25, Attribute = "p", Operand = Words("do", "r"), LastAsPrefix = true,
                    },
                    new RankBy { Kind = RankKind.Product, Children = [Constant(2), RankBy.Bm25("t", "dog")] },
                    new RankBy { Kind = RankKind.Max, Children = [Constant(0), Attribute("i"), Attribute("f")] },
                    new RankBy { Kind = RankKind.Filter, Filter = Tokens("t", "red runs") },
                ],
            },
        },
        new() { Aggregates = [new("a", AggregateFunction.Count), new("b", AggregateFunction.Min, "f")] },
        new()
        {
            Aggregates = [new("a", AggregateFunction.Max, "d"), new("b", AggregateFunction.Avg, "id")],
            GroupBy = ["s", "b"], Limit = 4,
        },
        new()
        {
            RankBy = RankBy.SparseKnn("sv", Corpus.Sparse(new Random(6), 9)), Limit = 1000, Include = IncludeMode.All,
            Computed = [new() { Label = "c", Score = RankBy.SparseKnn("sv", new SparseDimension("red", 0.3)) }],
        },
    ];

    private static Value Words(params string[] words) => Value.Of(words.Select(Value.Of).ToArray());
    private static RankBy Constant(double value) => new() { Kind = RankKind.Constant, Constant = value };
    private static RankBy Attribute(string name) => new() { Kind = RankKind.Attribute, Attribute = name };
    private static Filter Tokens(string name, string words) =>
        Filter.Compare(name, FilterOperator.ContainsTokenSequence, Value.Of(words));

    [Fact]
    public void A_namespace_without_documents_answers_every_kind_of_query_with_nothing()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n", Metric = DistanceMetric.CosineDistance, Schema = Corpus.Schema,
            Upserts = [new NaiveDocument(1).ToRow()],
        });
        machine.Write(new WriteRequest { Namespace = "n", Deletes = [Value.Of(1UL)] });
        AssertEmpty(machine);
        foreach (ulong id in _corpus.Documents.Keys)
            Machine.Write(new WriteRequest { Namespace = "n", Deletes = [Value.Of(id)] });
        AssertEmpty(Machine);
    }

    private static void AssertEmpty(Machine machine)
    {
        QueryReply reply = machine.All(new QueryRequest { Namespace = "n", Queries = EveryKind() });
        Assert.All(reply.Results, result => Assert.Empty(result.Rows));
        Assert.All(reply.Results, result => Assert.Empty(result.Groups));
        Assert.Equal([Value.Of(0UL), Value.Null], reply.Results[5].Aggregates.Select(pair => pair.Value));
        Assert.Equal(0UL, reply.NamespaceRows);
        Assert.Equal(0UL, reply.ExhaustiveCount);
    }

    [Fact]
    public void Sixteen_sub_queries_are_one_request_and_seventeen_are_refused()
    {
        Core.Model.Query[] many = [.. Enumerable.Range(0, 16).Select(i => ById(limit: (uint)i + 1))];
        QueryReply reply = Machine.All(new QueryRequest { Namespace = "n", Queries = many });
        Assert.Equal(Enumerable.Range(1, 16), reply.Results.Select(result => result.Rows.Count));
        ReplyStatus status = Fails(new QueryRequest { Namespace = "n", Queries = [.. many, many[0]] });
        Assert.Equal(ErrorCode.LimitExceeded, status.Code);
        Assert.Equal("queries must have between 1 and 16 entries, but has 17", status.Message);
    }

    [Fact]
    public void Top_k_with_offset_is_bounded()
    {
        Assert.Equal(ErrorCode.LimitExceeded, Machine.Fails(ById(limit: 10_001)).Code);
        Core.Model.Query beyond = new() { RankBy = Ask.ById, Limit = 9_999, Offset = 2 };
        Assert.Equal("top_k must be between 1 and 10000, offset included, but is 9999 with offset 2",
            Machine.Fails(beyond).Message);
        Assert.Equal(_corpus.Documents.Count, Machine.One(ById()).Rows.Count);
        Assert.Empty(Machine.One(new Core.Model.Query { RankBy = Ask.ById, Limit = 9_000, Offset = 1_000 }).Rows);
    }

    [Fact]
    public void An_answer_that_does_not_fit_into_a_message_is_refused_with_advice()
    {
        byte[] body = new byte[64 << 10];
        WireWriter writer = new(body);
        new QueryRequest { Namespace = "n", Queries = EveryKind() }.Write(ref writer);
        for (int size = 256; size < 4096; size += 7)
        {
            byte[] reply = new byte[size];
            OperationContext context = new(1, 1, Operation.Query);
            WireReader reader = new(reply.AsSpan(0, Machine.State.Commit(context, writer.Written, reply)));
            ReplyStatus status = ReplyStatus.Read(ref reader);
            Assert.Equal(ErrorCode.ReplyTooLarge, status.Code);
            Assert.Contains("lower top_k or limit", status.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Filters_may_be_nested_as_deep_and_be_as_large_as_the_limits_say()
    {
        Filter deep = Filter.Compare("i", FilterOperator.Gte, Value.Of(0L));
        int count = Machine.One(ById(deep)).Rows.Count;
        for (int depth = 1; depth < Limits.FilterDepthMax; depth++)
            deep = depth % 2 == 0 ? Filter.And(deep) : Filter.Or(deep);
        Assert.Equal(count, Machine.One(ById(deep)).Rows.Count);
        ReplyStatus status = Machine.Fails(ById(Filter.Not(deep)));
        Assert.Equal("filter is nested too deeply, at most 32", status.Message);

        Filter[] leaves = [.. Enumerable.Repeat(Tokens("t", "red fox"), Limits.FilterNodesMax)];
        Assert.Equal(Machine.One(ById(leaves[0])).Rows.Count, Machine.One(ById(Filter.Or(leaves[1..]))).Rows.Count);
        status = Machine.Fails(ById(Filter.Or(leaves)));
        Assert.Equal("filter has too many nodes, at most 1024", status.Message);
    }

    [Fact]
    public void Ranking_expressions_may_be_nested_as_deep_as_the_limit_says()
    {
        RankBy deep = Constant(1);
        for (int depth = 1; depth < Limits.RankDepthMax; depth++)
            deep = new RankBy { Kind = RankKind.Sum, Children = [Constant(1), deep] };
        Assert.Equal(16f, Machine.One(new Core.Model.Query { RankBy = deep, Limit = 1 }).Rows[0].Score);
        deep = new RankBy { Kind = RankKind.Max, Children = [deep] };
        Assert.Equal(ErrorCode.LimitExceeded, Machine.Fails(new Core.Model.Query { RankBy = deep, Limit = 1 }).Code);
        RankBy wide = new() { Kind = RankKind.Sum, Children = [.. Enumerable.Repeat(Constant(1), 255)] };
        Assert.Equal(255f, Machine.One(new Core.Model.Query { RankBy = wide, Limit = 1 }).Rows[0].Score);
        wide = new RankBy { Kind = RankKind.Sum, Children = [.. Enumerable.Repeat(Constant(1), 256)] };
        Assert.Equal(ErrorCode.LimitExceeded, Machine.Fails(new Core.Model.Query { RankBy = wide, Limit = 1 }).Code);
    }

    /// <summary>A text of 8 KiB has at most some thousand terms. Only those that occur in documents count.</summary>
    [Fact]
    public void Long_texts_of_many_different_terms_are_queries_too()
    {
        string unknown = string.Join(' ', Enumerable.Range(0, 1600).Select(i => "q" + i.ToString("x3")));
        Assert.InRange(unknown.Length, 7900, Limits.QueryTextSizeMax);
        Assert.Equal(Machine.Ids(RankBy.Bm25("t", "fox")), Machine.Ids(RankBy.Bm25("t", "fox " + unknown)));
        RankBy many = new() { Kind = RankKind.Sum, Children = [.. Enumerable.Repeat(RankBy.Bm25("t", unknown), 120)] };
        Assert.Equal("", Machine.Ids(many));
        Assert.Equal(ErrorCode.LimitExceeded,
            Machine.Fails(new Core.Model.Query { RankBy = RankBy.Bm25("t", new string('a', 8193)), Limit = 1 }).Code);

        string[] words = [.. Enumerable.Range(0, 1030).Select(i => "k" + i)];
        Row row = Ask.Row(1, ("t", Value.Of(string.Join(' ', words))));
        Machine.Write(new WriteRequest { Namespace = "n", Upserts = [row] });
        Assert.Equal("1", Machine.Ids(RankBy.Bm25("t", string.Join(' ', words[..1024]))));
        ReplyStatus status = Machine.Fails(new Core.Model.Query
        {
            RankBy = RankBy.Bm25("t", string.Join(' ', words[..1025])), Limit = 1,
        });
        Assert.Equal((ErrorCode.LimitExceeded, "rank_by BM25 terms has 1025 entries, at most 1024"),
            (status.Code, status.Message));
    }

    [Fact]
    public void A_great_k3_makes_repetitions_count_in_full()
    {
        using Machine machine = new();
        FullTextOptions options = new() { Tokenizer = Tokenizer.WordV1, Language = Language.None, K3 = 1e9f };
        machine.Write(new WriteRequest
        {
            Namespace = "n", Upserts = [Ask.Row(1, ("t", Value.Of("red"))), Ask.Row(2, ("t", Value.Of("dog")))],
            Schema = [new AttributeSchema { Name = "t", Type = AttributeType.String, FullText = options }],
        });
        float Score(string text) =>
            machine.One(new Core.Model.Query { RankBy = RankBy.Bm25("t", text), Limit = 1 }).Rows[0].Score!.Value;
        float one = Score("red");
        string longest = string.Join(' ', Enumerable.Repeat("red", 2048));
        Assert.Equal(2048 * one, Score(longest), one * 0.01f);
    }

    [Fact]
    public void The_same_query_on_the_same_state_has_the_same_reply_whatever_was_asked_before()
    {
        using Machine restarted = Machine.Restart();
        QueryRequest request = new() { Namespace = "n", Queries = EveryKind() };
        Core.Model.Query[] two = [ById(FilterProperties.Tree(new Random(3), 3)), EveryKind()[4]];
        QueryRequest fused = new() { Namespace = "n", Queries = two, Rerank = Rerank.ReciprocalRankFusion };
        for (int i = 0; i < 3; i++)
        {
            foreach (QueryRequest one in (QueryRequest[])[request, fused])
            {
                byte[] first = Reply(Machine, one);
                if (i == 2) Assert.Equal(first, Reply(restarted, one));
                Assert.Equal(first, Reply(Machine, one));
            }
        }
    }

    private static byte[] Reply(Machine machine, QueryRequest request)
    {
        machine.Commit(Operation.Query, request.Write, out _);
        return machine.Reply.ToArray();
    }

    private ReplyStatus Fails(QueryRequest request)
    {
        Machine.Commit(Operation.Query, request.Write, out ReplyStatus status);
        Assert.NotEqual(ErrorCode.Ok, status.Code);
        return status;
    }

    [Fact]
    public void Mutated_and_truncated_bytes_get_a_reply_and_change_nothing()
    {
        Random random = new(51);
        byte[] body = new byte[64 << 10];
        WireWriter writer = new(body);
        Core.Model.Query[] queries = [.. EveryKind(), ById(FilterProperties.Tree(random, 4))];
        QueryRequest request = new() { Namespace = "n", Queries = queries, Rerank = Rerank.ReciprocalRankFusion };
        request.Write(ref writer);
        byte[] whole = writer.Written.ToArray();
        UInt128 before = Machine.StateChecksum();
        for (int i = 0; i < 6000; i++)
        {
            byte[] bytes = whole.AsSpan(0, i % 3 == 0 ? random.Next(1, whole.Length) : whole.Length).ToArray();
            for (int change = random.Next(4); change >= 0; change--)
            {
                int at = random.Next(bytes.Length);
                bytes[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)(bytes[at] ^ 1 << random.Next(8)),
                    _ => bytes[random.Next(bytes.Length)],
                };
            }
            Assert.InRange(Machine.Commit(Operation.Query, bytes), 2, Configuration.Production.MessageBodySizeMax);
        }
        Assert.Equal(before, Machine.StateChecksum());
    }

    /// <summary>Mutations of one short query each, so that most of them reach what is behind the decoder.</summary>
    [Fact]
    public void Mutations_of_every_kind_of_query_get_a_reply()
    {
        Random random = new(52);
        byte[] body = new byte[64 << 10];
        foreach (Core.Model.Query query in EveryKind())
        {
            WireWriter writer = new(body);
            new QueryRequest { Namespace = "n", Queries = [query] }.Write(ref writer);
            byte[] whole = writer.Written.ToArray();
            for (int i = 0; i < 1000; i++)
            {
                byte[] bytes = whole.ToArray();
                bytes[random.Next(4, bytes.Length)] = (byte)random.Next(random.Next(2) == 0 ? 20 : 256);
                Assert.InRange(Machine.Commit(Operation.Query, bytes), 2, Configuration.Production.MessageBodySizeMax);
            }
        }
    }

    [Fact]
    public void No_kind_of_query_allocates()
    {
        byte[] body = new byte[64 << 10];
        WireWriter writer = new(body);
        QueryRequest request = new() { Namespace = "n", Queries = [.. EveryKind(), ById()] };
        request.Write(ref writer);
        int size = writer.Position;
        Core.Model.Query[] ranked = [.. EveryKind().Where(query => query.Aggregates.Length == 0)];
        QueryRequest fused = new() { Namespace = "n", Queries = ranked, Rerank = Rerank.ReciprocalRankFusion };
        fused.Write(ref writer);
        int fusedSize = writer.Position - size;
        Machine.Guarded = false;
        for (int i = 0; i < 3; i++) Commit();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++) Commit();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Commit()
        {
            Machine.Commit(Operation.Query, body.AsSpan(0, size));
            Machine.Commit(Operation.Query, body.AsSpan(size, fusedSize));
            Machine.Commit(Operation.Query, body.AsSpan(0, size - 1));
        }
    }
}
