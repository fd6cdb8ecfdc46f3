using System.Collections.Generic;
using System.Globalization;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws requests with one mistake in them: they must be refused, in the right words, and change
/// nothing.</summary>
[FloatAllowed("draws numbers that are none")]
internal sealed class WrongRequests(TapeStream tape, Vocabulary vocabulary, FilterGenerator filters)
{
    private static readonly string LongName = new('n', 129);

    public string Name() => tape.Below(3) switch { 0 => "ns 1", 1 => LongName, _ => "" };

    public ListNamespacesRequest List() => new() { PageSize = tape.Boolean() ? 0u : 1001u };

    private WriteRequest Upsert(string name, params Row[] rows) => new()
    {
        Namespace = name, Metric = Vocabulary.MetricOf(name), Schema = vocabulary.TypesOf(name),
        Upserts = new List<Row>(rows),
    };

    public WriteRequest Write()
    {
        string name = vocabulary.Namespace();
        Row row = new() { Id = vocabulary.Id(name) };
        switch (tape.Below(20))
        {
            case 0: return Upsert(name, row.With("vector", Value.Of(new float[vocabulary.Dimensions + 1])));
            case 1: return Upsert(name, row.With("vector", NotFinite()));
            case 2: return Upsert(name, row, row);
            case 3: return Upsert(name, row.With("size", Value.Of("large")));
            case 4: return Upsert(name, row.With("color", Value.Of(new string('x', 4097))));
            case 5: return Upsert(name, row.With("vector", Value.Of("no base64")));
            case 6: return Upsert(name, row.With("size", Value.Of(1L)).With("size", Value.Of(2L)));
            case 7: return Upsert(name, row.With("id", Value.Of(1L)));
            case 8: return Upsert(name, row.With("unheard", Value.Of(System.Array.Empty<Value>())));
            case 9: return Upsert(name, row.With("unheard", Value.Of(1f)));
            case 10:
                Value strange = tape.Boolean() ? Value.Of(-1L) : Value.Of(new string('i', 65));
                return Upsert(name, new Row { Id = strange });
            case 11: return Upsert(name, new Row { Id = tape.Boolean() ? Value.Null : Value.Of("") });
            case 12:
                WriteRequest patch = Upsert(name);
                patch.Patches.Add(row.With("vector", Value.Of(vocabulary.Vector("vector"))));
                return patch;
            case 13:
                return new WriteRequest { Namespace = name, Flags = (WriteFlags)0x80 };
            case 14:
                bool fresh = tape.Boolean();
                return new WriteRequest
                {
                    Namespace = fresh ? "never-" + name : name, Schema = vocabulary.SchemaOf(name), Upserts = [row],
                    Metric = fresh ? DistanceMetric.Unspecified : Other(name),
                };
            case 15:
                return new WriteRequest { Namespace = name, Metric = (DistanceMetric)9, Upserts = [row] };
            case 16: return Upsert(name, row.With("weights", tape.Boolean() ? WrongSparse() : Value.Of("log")));
            case 17: return Upsert(name, row.With(Either("size", "vector"), Value.OfSparse(vocabulary.Sparse(3))));
            case 18:
                return new WriteRequest { Namespace = name, DeleteByFilter = filters.Unusual() };
            default:
                WriteRequest byFilter = new() { Namespace = name, PatchByFilter = filters.Draw(name, 0) };
                byFilter.PatchByFilterValues.Add(new(tape.Boolean() ? "id" : "vector", Value.Of(1L)));
                return byFilter;
        }
    }

    private static DistanceMetric Other(string name) =>
        Vocabulary.MetricOf(name) == DistanceMetric.CosineDistance
            ? DistanceMetric.EuclideanSquared : DistanceMetric.CosineDistance;

    private Value NotFinite()
    {
        float[] vector = vocabulary.Vector("vector");
        vector[^1] = tape.Below(3) switch { 0 => float.NaN, 1 => float.PositiveInfinity, _ => 1e13f };
        return Value.Of(vector);
    }

    private string Either(string one, string other) => tape.Boolean() ? one : other;

    private Value WrongSparse()
    {
        SparseDimension good = new("log", 1);
        switch (tape.Below(5))
        {
            case 0: return Value.OfSparse(good, new("log", 2));
            case 1: return Value.OfSparse(good, new(tape.Boolean() ? "" : new string('n', 255), 1));
            case 2: return Value.OfSparse(good, new([0xC3, 0x28], 1));
            case 3: return Value.OfSparse(good, new("of", tape.Boolean() ? double.NaN : 65_520));
            default:
                SparseDimension[] many = new SparseDimension[1025];
                for (int i = 0; i < many.Length; i++) many[i] = new(i.ToString("x", CultureInfo.InvariantCulture), 1);
                return Value.OfSparse(many);
        }
    }

    public QueryRequest Query()
    {
        string name = vocabulary.Namespace();
        RankBy byId = RankBy.OrderBy(("id", false));
        QueryRequest Of(Query query) => new() { Namespace = name, Queries = [query] };
        QueryRequest By(RankBy rank) => Of(new Query { RankBy = rank, Limit = 3 });
        QueryRequest Computed(string label, RankBy score) => Of(new Query
            { RankBy = byId, Limit = 3, Computed = [new() { Label = label, Score = score }] });
        Query plain = new() { RankBy = byId, Limit = 2 };
        Query count = new() { Aggregates = [new("n", AggregateFunction.Count)] };
        Query Sum(string attribute) => new() { Aggregates = [new("s", AggregateFunction.Sum, attribute)] };
        switch (tape.Below(29))
        {
            case 0: return Of(new Query { RankBy = byId, Limit = 3, Filter = filters.Unusual() });
            case 1: return Of(new Query { RankBy = byId });
            case 2: return Of(new Query { RankBy = byId, Limit = 10_001 });
            case 3: return Of(new Query { RankBy = byId, Limit = 9_999, Offset = 2 });
            case 4: return Of(new Query { Limit = 1, Include = IncludeMode.Listed, IncludeNames = ["absent"] });
            case 5: return Of(new Query { RankBy = byId, Limit = 1, Aggregates = count.Aggregates });
            case 6: return Of(new Query { RankBy = byId, Limit = 1, GroupBy = ["color"] });
            case 7: return Of(new Query { Aggregates = count.Aggregates, Offset = 1 });
            case 8: return Of(Sum(Either("made", "color")));
            case 9: return Of(Sum(Either("", "absent")));
            case 10: return Of(new Query { Aggregates = count.Aggregates, GroupBy = [Either("tags", "vector")] });
            case 11: return By(RankBy.Ann("vector", new float[vocabulary.Dimensions + 1]));
            case 12: return By(new RankBy { Kind = RankKind.Knn, Attribute = "vector", Operand = NotFinite() });
            case 13: return By(RankBy.Ann(Either("color", "absent"), [1]));
            case 14: return By(RankBy.Bm25(Either("size", "absent"), "log"));
            case 15: return By(new RankBy { Kind = RankKind.Bm25, Attribute = "title", Operand = Value.Of(3L) });
            case 16: return By(new RankBy { Kind = RankKind.Constant, Constant = double.NaN });
            case 17: return By(RankBy.OrderBy((Either("tags", "note"), true)));
            case 18: return By(RankBy.Dist(Either("size", "made"), Value.Of("word")));
            case 19: return By(RankBy.Decay(RankBy.OfAttribute("size"), tape.Boolean() ? 0 : double.NaN));
            case 20:
                return By(new RankBy
                {
                    Kind = RankKind.Saturate, Children = [RankBy.Dist("size", Value.Of(3L))], Midpoint = 1,
                    Exponent = tape.Boolean() ? 1 : double.PositiveInfinity, MidpointIsDuration = true,
                });
            case 21:
                return Of(new Query
                {
                    RankBy = byId, Limit = 3, Include = IncludeMode.All, PerLimit = tape.Boolean() ? 4u : 0,
                    LimitPer = [Either("color", "tags")],
                });
            case 22: return Computed("computed", RankBy.OrderBy((Either("size", "tags"), true)));
            case 23: return Computed(Either("$x", "id"), RankBy.OfAttribute("size"));
            case 24: return By(RankBy.SparseKnn(Either("color", "absent"), vocabulary.Sparse(3)));
            case 25:
                Value operand = tape.Boolean() ? WrongSparse() : Value.Of(1f);
                return By(new RankBy { Kind = RankKind.SparseKnn, Attribute = "weights", Operand = operand });
            case 26: return By(RankBy.Ann("weights", [1]));
            case 27: return Fused(name, tape.Boolean() ? [plain, count] : [plain], 60);
            default: return Fused(name, [plain, plain], tape.Boolean() ? 0 : 60, 1);
        }
    }

    private QueryRequest Fused(string name, Query[] queries, double constant, params double[] weights) => new()
    {
        Namespace = name, Queries = queries, Rerank = Rerank.ReciprocalRankFusion, RankConstant = constant,
        Weights = weights, Metric = tape.Boolean() ? Other(name) : DistanceMetric.Unspecified,
    };
}
