using System;
using System.Collections.Generic;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.TestSupport;

/// <summary>Requests of every shape, drawn from a tape: well-formed on the wire, but not always sensible.</summary>
public sealed class RequestGenerator(TapeStream tape)
{
    private static readonly string[] Names =
        ["title", "text", "year", "tags", "vector", "weights", "id", "é", ""];
    private static readonly string[] Words = ["", "a", "the quick fox", "naïve Straße", "日本語", "fox-trot 3.14", "\0"];

    private static readonly FilterOperator[] Comparisons =
    [
        FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.In, FilterOperator.NotIn, FilterOperator.Contains,
        FilterOperator.NotContains, FilterOperator.ContainsAny, FilterOperator.NotContainsAny, FilterOperator.Lt,
        FilterOperator.Lte, FilterOperator.Gt, FilterOperator.Gte, FilterOperator.AnyLt, FilterOperator.AnyLte,
        FilterOperator.AnyGt, FilterOperator.AnyGte, FilterOperator.Glob, FilterOperator.NotGlob, FilterOperator.IGlob,
        FilterOperator.NotIGlob, FilterOperator.Regex, FilterOperator.Fuzzy, FilterOperator.ContainsAllTokens,
        FilterOperator.ContainsAnyToken, FilterOperator.ContainsTokenSequence,
    ];

    private static readonly AttributeType[] Types =
    [
        AttributeType.String, AttributeType.Int, AttributeType.Uint, AttributeType.Float, AttributeType.Bool,
        AttributeType.Uuid, AttributeType.Datetime, AttributeType.StringArray, AttributeType.IntArray,
        AttributeType.VectorF32, AttributeType.VectorF16, AttributeType.SparseF16, AttributeType.None,
    ];

    public Value Value(bool nested = false)
    {
        switch (tape.Weighted([2, 1, 4, 3, 3, 5, 2, 2, 3, nested ? 0 : 2, nested ? 0 : 1]))
        {
            case 0: return Core.Model.Value.Null;
            case 1: return Core.Model.Value.Of(tape.Boolean());
            case 2: return Core.Model.Value.Of(tape.Boolean() ? tape.Range(-3L, 3) : unchecked((long)tape.U64()));
            case 3: return Core.Model.Value.Of(tape.Boolean() ? (ulong)tape.Below(20) : tape.U64());
            case 4: return Core.Model.Value.Of(Number());
            case 5: return Core.Model.Value.Of(tape.Pick<string>(Words));
            case 6: return Core.Model.Value.OfUuid(new UInt128(tape.U64(), tape.U64()));
            case 7: return Core.Model.Value.OfDatetime(tape.Range(-1_000_000_000_000L, 4_000_000_000_000));
            case 8: return Core.Model.Value.Of(Vector());
            case 10: return Core.Model.Value.OfSparse(Sparse());
            default:
                Value[] elements = new Value[tape.Below(4)];
                for (int i = 0; i < elements.Length; i++) elements[i] = Value(nested: true);
                return Core.Model.Value.Of(elements);
        }
    }

    public Filter Filter(int depth = 0)
    {
        int kind = tape.Weighted([6, depth < 4 ? 1 : 0, depth < 4 ? 1 : 0, depth < 4 ? 1 : 0]);
        if (kind == 3) return Core.Model.Filter.Not(Filter(depth + 1));
        if (kind != 0)
        {
            Filter[] children = new Filter[tape.Below(4)];
            for (int i = 0; i < children.Length; i++) children[i] = Filter(depth + 1);
            return kind == 1 ? Core.Model.Filter.And(children) : Core.Model.Filter.Or(children);
        }
        bool newRow = tape.Chance(Ratio.OneIn(8));
        FilterOperator op = tape.Pick<FilterOperator>(Comparisons);
        return new Filter
        {
            Operator = op,
            Attribute = Name(),
            LastAsPrefix = tape.Chance(Ratio.OneIn(4)),
            NewRowAttribute = newRow ? Name() : null,
            Operand = newRow ? Core.Model.Value.Null : Value(),
            Fuzzy = op == FilterOperator.Fuzzy ? Fuzzy() : null,
        };
    }

    private FuzzyOptions Fuzzy()
    {
        FuzzyDistance[] distances = new FuzzyDistance[tape.Below(3)];
        for (int i = 0; i < distances.Length; i++)
            distances[i] = new FuzzyDistance((ushort)tape.Range(4, 12), (byte)tape.Below(4));
        return new FuzzyOptions { CaseSensitive = tape.Boolean(), Distances = distances };
    }

    public RankBy RankBy(int depth = 0)
    {
        int deeper = depth < 4 ? 1 : 0;
        switch (tape.Weighted([1, 3, 3, 2, 4, deeper, deeper, deeper, 1, 1, 1, deeper, 1, 1]))
        {
            case 0: return new RankBy { Kind = RankKind.None };
            case 1: return Core.Model.RankBy.Ann(Name(), Vector());
            case 2: return new RankBy { Kind = RankKind.Knn, Attribute = Name(), Operand = Value() };
            case 3:
                (string, bool)[] order = new (string, bool)[tape.Below(4)];
                for (int i = 0; i < order.Length; i++) order[i] = (Name(), tape.Boolean());
                return Core.Model.RankBy.OrderBy(order);
            case 4:
                bool prefix = tape.Boolean();
                return new RankBy
                {
                    Kind = RankKind.Bm25, Attribute = Name(), LastAsPrefix = prefix,
                    Operand = prefix ? Value() : Core.Model.Value.Of(tape.Pick<string>(Words)),
                };
            case 5: return new RankBy { Kind = RankKind.Sum, Children = RankChildren(tape.Below(4), depth) };
            case 6: return new RankBy { Kind = RankKind.Max, Children = RankChildren(tape.Below(4), depth) };
            case 7: return new RankBy { Kind = RankKind.Product, Children = RankChildren(2, depth) };
            case 8: return new RankBy { Kind = RankKind.Filter, Filter = Filter(3) };
            case 9: return new RankBy { Kind = RankKind.Attribute, Attribute = Name() };
            case 10: return new RankBy { Kind = RankKind.Constant, Constant = Number() };
            case 11:
                return new RankBy
                {
                    Kind = tape.Boolean() ? RankKind.Saturate : RankKind.Decay, Children = RankChildren(1, depth),
                    Midpoint = Number(), Exponent = tape.Boolean() ? 1 : Number(), MidpointIsDuration = tape.Boolean(),
                };
            case 12: return Core.Model.RankBy.Dist(Name(), Value());
            default:
                Value operand = tape.Boolean() ? Value() : Core.Model.Value.OfSparse(Sparse());
                return new RankBy { Kind = RankKind.SparseKnn, Attribute = Name(), Operand = operand };
        }
    }

    public QueryRequest QueryRequest(string @namespace)
    {
        Query[] queries = new Query[tape.Range(1, 3)];
        for (int i = 0; i < queries.Length; i++) queries[i] = Query();
        double[] weights = new double[tape.Boolean() ? queries.Length : 0];
        for (int i = 0; i < weights.Length; i++) weights[i] = Number();
        return new QueryRequest
        {
            Namespace = @namespace,
            Metric = (DistanceMetric)tape.Below(3),
            Queries = queries,
            Rerank = (Rerank)tape.Below(2),
            Weights = weights,
            FusedLimit = (uint)tape.Below(20),
        };
    }

    public WriteRequest WriteRequest(string @namespace)
    {
        WriteRequest request = new()
        {
            Namespace = @namespace,
            Flags = (WriteFlags)tape.Below(8),
            Metric = (DistanceMetric)tape.Below(3),
            Schema = Schema(),
            DeleteByFilter = MaybeFilter(),
            PatchByFilter = MaybeFilter(),
            UpsertCondition = MaybeFilter(),
            PatchCondition = MaybeFilter(),
            DeleteCondition = MaybeFilter(),
        };
        if (request.PatchByFilter is not null) request.PatchByFilterValues.Add(new(Name(), Value()));
        for (int i = tape.Below(6); i > 0; i--) request.Upserts.Add(Row());
        for (int i = tape.Below(3); i > 0; i--) request.Patches.Add(Row());
        for (int i = tape.Below(3); i > 0; i--) request.Deletes.Add(Id());
        return request;
    }

    public AttributeSchema[] Schema()
    {
        AttributeSchema[] schema = new AttributeSchema[tape.Below(4)];
        for (int i = 0; i < schema.Length; i++)
        {
            FullTextOptions? text = tape.Chance(Ratio.OneIn(2)) ? FullText() : null;
            schema[i] = new AttributeSchema
            {
                Name = Name(),
                Type = tape.Pick<AttributeType>(Types),
                Dimensions = (uint)tape.Below(6),
                Filterable = tape.Below(3) switch { 0 => null, 1 => false, _ => true },
                FullText = text,
                FullTextOff = text is null && tape.Boolean(),
                Ann = tape.Boolean(),
                Glob = Said(), Regex = Said(), Fuzzy = Said(),
            };
        }
        return schema;
    }

    private bool? Said() => tape.Below(6) switch { 0 => false, 1 => true, _ => null };

    private FullTextOptions FullText() => new()
    {
        Tokenizer = tape.Boolean() ? Tokenizer.WordV4 : (Tokenizer)tape.Below(20),
        Language = (Language)tape.Below(4),
        Stemming = tape.Boolean(),
        RemoveStopwords = tape.Boolean(),
        CaseSensitive = tape.Boolean(),
        AsciiFolding = tape.Boolean(),
        MaxTokenLength = (byte)tape.Below(256),
    };

    private Query Query()
    {
        IncludeMode include = (IncludeMode)tape.Below(4);
        bool named = include is IncludeMode.Listed or IncludeMode.AllExcept;
        SortedSet<string> names = new(StringComparer.Ordinal);
        if (named) names.Add(Name());
        Aggregate[] aggregates = new Aggregate[tape.Below(3)];
        for (int i = 0; i < aggregates.Length; i++)
            aggregates[i] = new Aggregate($"a{i}", (AggregateFunction)tape.Below(6), Name());
        string[] groupBy = new string[tape.Below(3)];
        for (int i = 0; i < groupBy.Length; i++) groupBy[i] = Name();
        string[] per = new string[tape.Chance(Ratio.OneIn(4)) ? tape.Range(1, 2) : 0];
        for (int i = 0; i < per.Length; i++) per[i] = Name();
        return new Query
        {
            RankBy = RankBy(), Filter = MaybeFilter(), Limit = (uint)tape.Below(30), Offset = (uint)tape.Below(3),
            Include = include, IncludeNames = [.. names], Aggregates = aggregates, GroupBy = groupBy,
            LimitPer = per, PerLimit = per.Length > 0 ? (uint)tape.Below(5) : 0, Computed = Computed(),
        };
    }

    private ComputedAttribute[] Computed()
    {
        ComputedAttribute[] computed = new ComputedAttribute[tape.Chance(Ratio.OneIn(4)) ? tape.Range(1, 3) : 0];
        for (int i = 0; i < computed.Length; i++)
        {
            string label = tape.Chance(Ratio.OneIn(6)) ? Name() : "c" + i;
            computed[i] = tape.Boolean() ? new() { Label = label, Score = RankBy(3) }
                : new() { Label = label, Highlight = Highlight() };
        }
        return computed;
    }

    private Highlight Highlight()
    {
        HighlightClause[] clauses = new HighlightClause[tape.Below(3)];
        for (int i = 0; i < clauses.Length; i++)
        {
            double weight = tape.Boolean() ? 1 : Number();
            clauses[i] = new HighlightClause(tape.Pick<string>(Words), tape.Boolean(), weight);
        }
        return new Highlight
        {
            Attribute = Name(), FragmentBy = (FragmentUnit)tape.Below(5), FragmentLimit = (uint)tape.Below(5),
            Offsets = (OffsetUnit)tape.Below(5), Clauses = clauses,
        };
    }

    private Row Row()
    {
        Row row = new() { Id = Id() };
        for (int i = tape.Below(4); i > 0; i--) row.With(Name(), Value());
        return row;
    }

    private Value Id() => tape.Chance(Ratio.OneIn(8)) ? Value() : Core.Model.Value.Of((ulong)tape.Below(20));

    private Filter? MaybeFilter() => tape.Chance(Ratio.OneIn(4)) ? Filter() : null;

    private string Name() => tape.Pick<string>(Names);

    private RankBy[] RankChildren(int count, int depth)
    {
        RankBy[] children = new RankBy[count];
        for (int i = 0; i < children.Length; i++) children[i] = RankBy(depth + 1);
        return children;
    }

    private float[] Vector()
    {
        float[] vector = new float[tape.Below(6)];
        for (int i = 0; i < vector.Length; i++) vector[i] = (float)Number();
        return vector;
    }

    private SparseDimension[] Sparse()
    {
        SparseDimension[] dimensions = new SparseDimension[tape.Below(5)];
        for (int i = 0; i < dimensions.Length; i++) dimensions[i] = new(tape.Pick<string>(Words), Number());
        return dimensions;
    }

    private double Number() => tape.Below(8) switch
    {
        0 => 0, 1 => -0.0, 2 => double.NaN, 3 => double.PositiveInfinity, 4 => double.Epsilon,
        5 => BitConverter.UInt64BitsToDouble(tape.U64()), _ => tape.Range(-100, 100) / 4.0,
    };
}
