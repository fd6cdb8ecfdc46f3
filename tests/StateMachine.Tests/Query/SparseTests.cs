using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Sparse vectors by examples: what is stored, what ranks, what is refused.</summary>
public sealed class SparseTests : IDisposable
{
    private readonly Machine _machine = new();

    public SparseTests() => Write(
        Ask.Row(1, ("sv", Of(("walrus", 2), ("ice", 0.5))), ("n", Value.Of(10L))),
        Ask.Row(2, ("sv", Of(("walrus", 1), ("tusk", 4))), ("n", Value.Of(20L))),
        Ask.Row(3, ("sv", Of(("ice", 1.5))), ("n", Value.Of(30L))),
        Ask.Row(4, ("n", Value.Of(40L))));

    public void Dispose() => _machine.Dispose();

    private static SparseDimension[] Weights(params (string Name, double Weight)[] weights) =>
        [.. weights.Select(pair => new SparseDimension(pair.Name, pair.Weight))];

    private static Value Of(params (string Name, double Weight)[] weights) => Value.OfSparse(Weights(weights));

    private static RankBy Near(params (string Name, double Weight)[] weights) =>
        RankBy.SparseKnn("sv", Weights(weights));

    private static RankBy Rank(RankKind kind, params RankBy[] children) => new() { Kind = kind, Children = children };

    private static RankBy Constant(double value) => new() { Kind = RankKind.Constant, Constant = value };

    private static WriteRequest Request(params Row[] rows) => new()
    {
        Namespace = "n", Schema = [new AttributeSchema { Name = "sv", Type = AttributeType.SparseF16 }],
        Upserts = [.. rows],
    };

    private void Write(params Row[] rows) => _machine.Write(Request(rows));

    private string Refusal(WriteRequest request)
    {
        ReplyStatus status = _machine.WriteFails(request);
        return $"{status.Code}: {status.Message}";
    }

    /// <summary>"id: score" of each row.</summary>
    private string Scores(RankBy rank, Filter? filter = null, uint limit = 10)
    {
        QueryResult result = _machine.One(new Core.Model.Query { RankBy = rank, Filter = filter, Limit = limit });
        return string.Join(", ", result.Rows.Select(row => FormattableString.Invariant($"{row.Id}: {row.Score}")));
    }

    private Value Stored(ulong id) => _machine.One(new Core.Model.Query
    {
        RankBy = Ask.ById, Limit = 1, Include = IncludeMode.All,
        Filter = Filter.Compare("id", FilterOperator.Eq, Value.Of(id)),
    }).Rows.Single().Attributes.SingleOrDefault(pair => pair.Key == "sv").Value ?? Value.Null;

    [Fact]
    public void Rows_are_ranked_by_their_dot_products_and_rows_without_a_common_dimension_are_not() =>
        Assert.Equal("2: 9, 1: 2", Scores(Near(("tusk", 2), ("walrus", 1), ("unheard", 7))));

    /// <summary>Also the first and the last one of each window of document numbers.</summary>
    [Fact]
    public void All_rows_of_several_windows_are_ranked()
    {
        const int rows = Limits.WindowDocuments + 100;
        for (int first = 0; first < rows; first += 1000)
        {
            Write([.. Enumerable.Range(first, Math.Min(1000, rows - first))
                .Select(id => Ask.Row((ulong)id, ("sv", Of(("many", 1)))))]);
        }
        QueryResult result = _machine.One(new Core.Model.Query { RankBy = Near(("many", 2)), Limit = 10_000 });
        Assert.Equal(Enumerable.Range(0, rows).Select(id => Value.Of((ulong)id)), result.Rows.Select(row => row.Id));
    }

    [Fact]
    public void Equal_products_come_in_the_order_of_ids()
    {
        Write(Ask.Row(0, ("sv", Of(("walrus", 1)))), Ask.Row(9, ("sv", Of(("walrus", 1)))));
        Assert.Equal("1: 2, 0: 1, 2: 1, 9: 1", Scores(Near(("walrus", 1))));
    }

    [Fact]
    public void Negative_products_are_ranked_behind_the_others() =>
        Assert.Equal("3: 3, 2: -1", Scores(Near(("ice", 2), ("walrus", -0.5), ("tusk", -0.125)),
            Filter.Compare("n", FilterOperator.Gt, Value.Of(10L))));

    [Fact]
    public void A_product_of_zero_is_no_answer() =>
        Assert.Equal("2: 1", Scores(Near(("ice", 4), ("walrus", -1), ("tusk", 0.5)),
            Filter.Compare("n", FilterOperator.Lt, Value.Of(30L))));

    [Fact]
    public void Products_are_added_in_the_order_of_the_dimensions_bytes()
    {
        // What is added to a number 2^53 times as large is lost: here before the large ones cancel, there behind them.
        const double Great = 65504, Small = 1.0 / (1 << 11);
        Write(Ask.Row(5, ("sv", Of(("0", Small), ("a", Great), ("b", -Great)))),
            Ask.Row(6, ("sv", Of(("a", Great), ("b", -Great), ("c", Small)))));
        Assert.Equal("6: 2.3841858E-07", Scores(Near(("c", Small), ("b", Great), ("a", Great), ("0", Small))));
    }

    [Fact]
    public void Weights_are_rounded_to_f16_in_rows_and_in_queries()
    {
        Write(Ask.Row(5, ("sv", Of(("tenth", 0.1)))));
        Assert.Equal(0.0999755859375, (double)Stored(5).AsSparse.Single().Weight);
        Assert.Equal("5: 0.009995118", Scores(Near(("tenth", 0.1))));
    }

    [Fact]
    public void An_answer_gives_the_dimensions_back_in_the_order_of_their_bytes()
    {
        Write(Ask.Row(5, ("sv", Of(("é", 1), ("b", -0.0), ("a\0", 3)))));
        Assert.Equal(Of(("a\0", 3), ("b", 0), ("é", 1)), Stored(5));
        Write(Ask.Row(6, ("sv", Of())));
        Assert.Equal(Of(), Stored(6));
        Assert.Equal(Value.Null, Stored(4));
    }

    /// <summary>Whatever a client makes of it: two states that hold the same are the same bytes.</summary>
    [Fact]
    public void A_negative_zero_is_a_zero()
    {
        WireWriter writer = new(new byte[8]);
        writer.Name("b"u8);
        writer.U16(0x8000);
        WireReader reader = new(writer.Written);
        Value sent = Value.OfSparse(SparseDimension.Read(ref reader));
        Assert.NotEqual(Of(("b", 0)), sent);
        Write(Ask.Row(5, ("sv", sent)));
        Assert.Equal(Of(("b", 0)), Stored(5));
        _machine.Verify();
    }

    [Fact]
    public void Patches_replace_the_whole_vector_and_null_clears_it()
    {
        WriteRequest patch = Request();
        patch.Patches.Add(Ask.Row(1, ("sv", Of(("tusk", 1)))));
        patch.Patches.Add(Ask.Row(3, ("sv", Value.Null)));
        _machine.Write(patch);
        Assert.Equal("2: 5, 1: 1", Scores(Near(("walrus", 1), ("tusk", 1), ("ice", 1))));
        WriteRequest byFilter = new()
        {
            Namespace = "n", PatchByFilter = Filter.Compare("n", FilterOperator.Gte, Value.Of(30L)),
            PatchByFilterValues = [new("sv", Of(("ice", 3)))],
        };
        _machine.Write(byFilter);
        Assert.Equal("3: 3, 4: 3", Scores(Near(("ice", 1))));
        _machine.Verify();
    }

    [Fact]
    public void What_is_deleted_or_replaced_is_found_no_more()
    {
        _machine.Write(new WriteRequest { Namespace = "n", Deletes = [Value.Of(1UL)] });
        Write(Ask.Row(2, ("n", Value.Of(1L))));
        Assert.Equal("", Scores(Near(("walrus", 1), ("tusk", 1))));
        _machine.Write(new WriteRequest
        {
            Namespace = "n", DeleteByFilter = Filter.Compare("n", FilterOperator.Eq, Value.Of(30L)),
        });
        Assert.Equal("", Scores(Near(("ice", 1))));
        _machine.Verify();
    }

    [Fact]
    public void Filters_offsets_and_limits_per_group_apply()
    {
        RankBy rank = Near(("walrus", 1), ("ice", 1));
        Assert.Equal("1: 2.5, 3: 1.5, 2: 1", Scores(rank));
        Assert.Equal("3: 1.5, 2: 1", Scores(rank, Filter.Compare("n", FilterOperator.NotEq, Value.Of(10L))));
        Write(Ask.Row(5, ("sv", Of(("ice", 2))), ("n", Value.Of(30L))));
        QueryResult result = _machine.One(new Core.Model.Query
        {
            RankBy = rank, Limit = 2, Offset = 1, LimitPer = ["n"], PerLimit = 1, Include = IncludeMode.Listed,
            IncludeNames = ["n"],
        });
        Assert.Equal(["5", "2"], result.Rows.Select(row => row.Id.ToString()));
    }

    [Fact]
    public void Products_are_parts_of_larger_rankings()
    {
        RankBy walrus = Near(("walrus", 1));
        Assert.Equal("4: 40, 3: 31.5, 2: 21, 1: 12.5", Scores(
            Rank(RankKind.Sum, walrus, Near(("ice", 1)), RankBy.OfAttribute("n"))));
        Assert.Equal("1: 6, 2: 3", Scores(Rank(RankKind.Product, Constant(3), walrus)));
        Assert.Equal("1: 2, 2: 1.5, 3: 1.5, 4: 1.5", Scores(Rank(RankKind.Max, walrus, Constant(1.5))));
        Assert.Equal("1: 0.6666667, 2: 0.5", Scores(RankBy.Saturate(walrus, 1)));
        RankBy text = new() { Kind = RankKind.Filter, Filter = Filter.Compare("n", FilterOperator.Eq, Value.Of(20L)) };
        Assert.Equal("1: 2, 2: 2", Scores(Rank(RankKind.Sum, walrus, text)));
    }

    [Fact]
    public void Products_are_fused_with_other_rankings_and_computed_for_the_rows_of_any()
    {
        QueryReply reply = _machine.All(new QueryRequest
        {
            Namespace = "n", Rerank = Rerank.ReciprocalRankFusion, RankConstant = 1,
            Queries =
            [
                new Core.Model.Query
                {
                    RankBy = Near(("walrus", 1)), Limit = 3,
                    Computed = [new ComputedAttribute { Label = "ice", Score = Near(("ice", 1)) }],
                },
                new Core.Model.Query { RankBy = Near(("tusk", 1)), Limit = 3 },
            ],
        });
        ResultRow[] rows = [.. reply.Results.Single().Rows];
        Assert.Equal([2UL, 1UL], rows.Select(row => row.Id.AsUint));
        Assert.Equal([0f, 0.5f], rows.Select(row => row.Computed.Single().Value));
    }

    [Fact]
    public void Writes_say_what_is_wrong_with_a_vector()
    {
        string Wrong(params (string Name, double Weight)[] weights) =>
            Refusal(Request(Ask.Row(7), Ask.Row(8, ("sv", Of(weights)))));
        const string Row = "attribute `sv` of row 1 has ";
        (string, double)[] many = [.. Enumerable.Range(0, 1025).Select(i => ("d" + i, 1.0))];
        Assert.Equal($"LimitExceeded: {Row}1025 dimensions, limit is 1024", Wrong(many));
        Write(Ask.Row(8, ("sv", Of(many[..1024]))));
        Assert.Equal($"LimitExceeded: {Row}a dimension whose name has 0 bytes, limit is 1 to 254", Wrong(("", 1)));
        Assert.Equal($"LimitExceeded: {Row}a dimension whose name has 255 bytes, limit is 1 to 254",
            Wrong((new string('n', 255), 1)));
        Write(Ask.Row(8, ("sv", Of((new string('\0', 254), 1)))));
        Assert.Equal($"InvalidArgument: {Row}dimension `a` twice or out of order", Wrong(("a", 1), ("a", 2)));
        foreach (double weight in (double[])[double.NaN, double.NegativeInfinity, 65520])
        {
            Assert.Equal(
                $"NotFinite: {Row}no finite f16 number in dimension `a` (limit of its magnitude is 65504)",
                Wrong(("a", weight)));
        }
        Write(Ask.Row(8, ("sv", Of(("a", 65519)))));
        Assert.Equal(65504, (double)Stored(8).AsSparse.Single().Weight);
        Value invalid = Value.OfSparse(new SparseDimension([0xFF], 1));
        Assert.Equal($"InvalidArgument: {Row}a dimension whose name is not UTF-8",
            Refusal(Request(Ask.Row(7), Ask.Row(8, ("sv", invalid)))));
    }

    [Fact]
    public void Writes_of_sparse_vectors_allocate_nothing_after_the_first_ones()
    {
        using Machine machine = new(Configuration.Tiny) { Guarded = false };
        byte[][] bodies =
        [
            Body(Request(Ask.Row(1, ("sv", Of(("a", 1), ("b", 2)))), Ask.Row(2, ("sv", Of(("b", 0.1), ("c", -3)))))),
            Body(Request(Ask.Row(2, ("sv", Of(("d", 5)))))),
            Body(new WriteRequest { Namespace = "n", Patches = [Ask.Row(1, ("sv", Of(("c", 1))))] }),
            Body(new WriteRequest { Namespace = "n", Deletes = [Value.Of(1UL), Value.Of(2UL)] }),
        ];
        for (int i = 0; i < 2000; i++) machine.Commit(Core.Wire.Operation.Write, bodies[i % bodies.Length]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 4000; i++) machine.Commit(Core.Wire.Operation.Write, bodies[i % bodies.Length]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        static byte[] Body(WriteRequest request)
        {
            Core.Wire.WireWriter writer = new(new byte[1024]);
            request.Write(ref writer);
            return writer.Written.ToArray();
        }
    }

    [Fact]
    public void Only_sparse_attributes_take_sparse_vectors_and_nothing_else()
    {
        Assert.Equal(
            "TypeMismatch: attribute `sv` of row 0 must be {}f16, got a value of kind string that is not one",
            Refusal(Request(Ask.Row(7, ("sv", Value.Of("walrus"))))));
        Assert.Equal(
            "TypeMismatch: attribute `n` of row 0 must be int, got a value of kind sparse vector that is not one",
            Refusal(Request(Ask.Row(7, ("n", Of(("a", 1)))))));
        Assert.Equal("InvalidArgument: type of new attribute `new` cannot be told from this value (sparse vector): " +
            "declare it in the schema", Refusal(Request(Ask.Row(7, ("new", Of(("a", 1)))))));
    }

    [Fact]
    public void A_sparse_attribute_can_be_added_later_but_not_filtered_on_or_changed()
    {
        string Change(AttributeSchema attribute) => Refusal(new WriteRequest { Namespace = "n", Schema = [attribute] });
        Assert.Equal("InvalidArgument: sparse vector attribute `late` cannot be filterable or full-text",
            Change(new AttributeSchema { Name = "late", Type = AttributeType.SparseF16, Filterable = true }));
        Assert.Equal("SchemaConflict: attribute `sv` has type {}f16, which cannot be changed to string",
            Change(new AttributeSchema { Name = "sv", Type = AttributeType.String }));
        Assert.Equal(
            "LimitExceeded: attribute `late` has 2 dimensions but is no vector, limit is 0",
            Change(new AttributeSchema { Name = "late", Type = AttributeType.SparseF16, Dimensions = 2 }));
        _machine.Write(new WriteRequest
        {
            Namespace = "n", Schema = [new AttributeSchema { Name = "late", Type = AttributeType.SparseF16 }],
            Patches = [Ask.Row(4, ("late", Of(("walrus", 1))))],
        });
        Assert.Equal("4", _machine.Ids(RankBy.SparseKnn("late", Weights(("walrus", 1)))));
        ReplyStatus filter = _machine.Fails(new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 1, Filter = Filter.Compare("sv", FilterOperator.Eq, Value.Null),
        });
        Assert.Equal("filter error in key `sv`: attribute is not filterable", filter.Message);
        ReplyStatus order = _machine.Fails(new Core.Model.Query { RankBy = RankBy.OrderBy(("sv", false)), Limit = 1 });
        Assert.Equal("rank_by: attribute `sv` is not filterable", order.Message);
    }

    [Fact]
    public void Queries_say_what_is_wrong_with_them()
    {
        string Wrong(string attribute, Value operand) => _machine.Fails(new Core.Model.Query
        {
            RankBy = new() { Kind = RankKind.SparseKnn, Attribute = attribute, Operand = operand }, Limit = 1,
        }).Message;
        Value one = Of(("a", 1));
        Assert.Equal("rank_by: attribute `absent` not found in schema", Wrong("absent", one));
        Assert.Equal("rank_by: attribute `n` has type int, which cannot be used there", Wrong("n", one));
        Assert.Equal("rank_by SparseKNN of `sv` expects a sparse vector, got vector", Wrong("sv", Value.Of(1f)));
        Assert.Equal("rank_by SparseKNN of `sv` has dimension `a` twice or out of order",
            Wrong("sv", Of(("a", 1), ("a", 1))));
        RankBy thousand = Near([.. Enumerable.Range(0, 1024).Select(i => ("d" + i, 1.0))]);
        RankBy[] four = [thousand, thousand, thousand, thousand];
        Assert.Equal("", Scores(Rank(RankKind.Sum, four)));
        Assert.Equal("dimensions of a query has 4097 entries, at most 4096", _machine.Fails(new Core.Model.Query
        {
            RankBy = Rank(RankKind.Sum, [.. four, Near(("a", 1))]), Limit = 1,
        }).Message);
        ReplyStatus dense = _machine.Fails(new Core.Model.Query { RankBy = RankBy.Ann("sv", [1]), Limit = 1 });
        Assert.Equal("rank_by: attribute `sv` has type {}f16, which cannot be used there", dense.Message);
    }
}
