using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Deterministic.Core.Model;

namespace Deterministic.Client.Tests.Json;

/// <summary>Draws models that JSON can say: non-negative integers above the ints are uint, ids are uint or
/// text.</summary>
internal sealed class ModelGenerator(int seed)
{
    private static readonly string[] Names = ["title", "price", "tags", "naïve \"name\"", "And", "Sum", "x.y[0]", "日本"];
    private static readonly FilterOperator[] Operators =
        Enum.GetValues<FilterOperator>().Where(op => op >= FilterOperator.Eq).ToArray();

    private readonly Random _random = new(seed);

    public WriteRequest Write()
    {
        AttributeSchema[] schema = Bool() ? [] : [new()
        {
            Name = "embedding", Type = AttributeType.VectorF16, Dimensions = 3, Ann = true,
        }, new() { Name = "weights", Type = AttributeType.SparseF16 }];
        bool byFilter = Bool();
        WriteRequest request = new()
        {
            Namespace = "ns", Flags = (WriteFlags)_random.Next(8), Metric = (DistanceMetric)_random.Next(3),
            Schema = schema, UpsertCondition = Bool() ? null : Filter(newRow: true),
            DeleteByFilter = Bool() ? null : Filter(),
            PatchByFilter = byFilter ? Filter() : null,
            PatchByFilterValues = byFilter ? [new("price", Scalar()), new("title", Value.Null)] : [],
        };
        for (int i = _random.Next(4); i > 0; i--) request.Upserts.Add(Row(schema.Length > 0, patch: false));
        for (int i = _random.Next(4); i > 0; i--) request.Patches.Add(Row(vectors: false, patch: true));
        for (int i = _random.Next(4); i > 0; i--) request.Deletes.Add(Id());
        return request;
    }

    public QueryRequest Query()
    {
        int count = _random.Next(1, 4);
        bool fused = count > 1 && Bool();
        return new QueryRequest
        {
            Namespace = "ns", Metric = (DistanceMetric)_random.Next(3),
            Queries = Enumerable.Range(0, count).Select(_ => SubQuery(fused)).ToArray(),
            Rerank = fused ? Rerank.ReciprocalRankFusion : Rerank.None,
            RankConstant = fused ? _random.Next(1, 100) : QueryRequest.RankConstantDefault,
            Weights = fused && Bool() ? Enumerable.Range(0, count).Select(_ => _random.NextDouble()).ToArray() : [],
            FusedLimit = fused ? (uint)_random.Next(0, 10) : 0,
        };
    }

    private Query SubQuery(bool fused)
    {
        if (!fused && _random.Next(4) == 0)
        {
            string[] groups = Bool() ? [] : Distinct();
            return new Query
            {
                Filter = Bool() ? null : Filter(), GroupBy = groups,
                Limit = groups.Length == 0 ? 0 : (uint)_random.Next(9),
                Aggregates =
                    [new("n", AggregateFunction.Count), new("s", (AggregateFunction)_random.Next(1, 6), "price")],
            };
        }
        IncludeMode include = (IncludeMode)_random.Next(4);
        string[] per = _random.Next(3) == 0 ? Distinct() : [];
        return new Query
        {
            RankBy = Rank(0), Filter = Bool() ? null : Filter(), Limit = (uint)_random.Next(1, 10_001),
            Offset = (uint)_random.Next(3), Include = include, LimitPer = per,
            PerLimit = per.Length > 0 ? (uint)_random.Next(1, 10_001) : 0, Computed = Bool() ? [] : Computed(),
            IncludeNames = include is IncludeMode.Listed or IncludeMode.AllExcept ? Distinct() : [],
        };
    }

    private ComputedAttribute[] Computed() => Distinct().Select(name => new ComputedAttribute
    {
        Label = name, Score = Bool() ? RankBy.Bm25(Name(), Text()) :
            new RankBy { Kind = RankKind.Ann, Attribute = Name(), Operand = Vector() },
    }).ToArray();

    private RankBy Rank(int depth) => _random.Next(depth == 0 ? 11 : 8) switch
    {
        0 => new RankBy
        {
            Kind = RankKind.Bm25, Attribute = Name(), LastAsPrefix = Bool(),
            Operand = Bool() ? Value.Of(Text()) : Value.Of(Value.Of(Text()), Value.Of(Text())),
        },
        1 => new RankBy { Kind = RankKind.Filter, Filter = Filter() },
        2 => new RankBy { Kind = RankKind.Attribute, Attribute = Name() },
        3 when depth < 3 => new RankBy
        {
            Kind = Bool() ? RankKind.Sum : RankKind.Max, Children = [Rank(depth + 1), Rank(depth + 1)],
        },
        4 when depth < 3 => new RankBy
        {
            Kind = RankKind.Product,
            Children = [new RankBy { Kind = RankKind.Constant, Constant = _random.Next(9) / 4.0 }, Rank(depth + 1)],
        },
        5 when depth < 3 => new RankBy
        {
            Kind = Bool() ? RankKind.Saturate : RankKind.Decay, Children = [Rank(depth + 1)],
            Midpoint = _random.Next(1, 99) / 4.0, Exponent = _random.Next(1, 9) / 4.0, MidpointIsDuration = Bool(),
        },
        6 => RankBy.Dist(Name(), Scalar()),
        7 => new RankBy { Kind = RankKind.SparseKnn, Attribute = Name(), Operand = Sparse() },
        8 => new RankBy { Kind = RankKind.Ann, Attribute = Name(), Operand = Vector() },
        9 => new RankBy { Kind = RankKind.Knn, Attribute = Name(), Operand = Vector() },
        10 => RankBy.OrderBy(Distinct().Select(name => (name, Bool())).ToArray()),
        _ => RankBy.Bm25(Name(), Text()),
    };

    private Filter Filter(bool newRow = false, int depth = 0)
    {
        int kind = _random.Next(depth < 3 ? 6 : 3);
        if (kind >= 4) return new Filter
        {
            Operator = Bool() ? FilterOperator.And : FilterOperator.Or,
            Children = Enumerable.Range(0, _random.Next(3)).Select(_ => Filter(newRow, depth + 1)).ToArray(),
        };
        if (kind == 3) return Core.Model.Filter.Not(Filter(newRow, depth + 1));
        FilterOperator op = Operators[_random.Next(Operators.Length)];
        bool reference = newRow && Bool();
        bool prefix = op is FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken && Bool();
        string name = kind == 0 ? "id" : Name();
        Value operand = kind == 0 ? Id() : Bool() ? Scalar() : Value.Of(Scalar(), Scalar());
        return new Filter
        {
            Operator = op, Attribute = name, LastAsPrefix = prefix, NewRowAttribute = reference ? Name() : null,
            Operand = reference ? Value.Null : operand, Fuzzy = op == FilterOperator.Fuzzy ? Fuzzy() : null,
        };
    }

    private FuzzyOptions Fuzzy() => new()
    {
        CaseSensitive = Bool(),
        Distances = Enumerable.Range(0, _random.Next(3))
            .Select(_ => new FuzzyDistance((ushort)_random.Next(1 << 16), (byte)_random.Next(256))).ToArray(),
    };

    private Row Row(bool vectors, bool patch)
    {
        Row row = new() { Id = Id() };
        foreach (string name in Distinct())
        {
            Value value = _random.Next(4) == 0 ? Value.Of(Scalar(), Scalar()) : Scalar();
            if (patch && Bool()) value = Value.Null;
            row.With(name, value);
        }
        if (vectors) row.With("embedding", Vector()).With("vector", Vector());
        if (Bool()) row.With("weights", Sparse());
        return row;
    }

    private Value Scalar() => _random.Next(6) switch
    {
        0 => Value.Of(Bool()),
        1 => Value.Of(_random.NextInt64(long.MinValue, long.MaxValue)),
        2 => Value.Of((ulong)long.MaxValue + 1 + (ulong)_random.NextInt64()),
        3 => Value.Of(_random.Next(-3, 4) * 0.25),
        4 => Value.Of((_random.NextDouble() - 0.5) * Math.Pow(10, _random.Next(-300, 300))),
        _ => Value.Of(Text()),
    };

    /// <summary>Different names that are no longer than a dimension's may be, and not empty.</summary>
    private Value Sparse() => Value.OfSparse(Enumerable.Range(0, _random.Next(5))
        .Select(i => new SparseDimension(Text() + i, (_random.NextDouble() - 0.5) * Math.Pow(10, _random.Next(-8, 5))))
        .ToArray());

    private Value Vector() => Value.Of(Enumerable.Range(0, 3)
        .Select(_ => (float)((_random.NextDouble() - 0.5) * Math.Pow(10, _random.Next(-40, 12)))).ToArray());

    private Value Id() => Bool() ? Value.Of((ulong)_random.NextInt64() * (ulong)_random.Next(3)) : Value.Of(Text());

    private string Text()
    {
        StringBuilder text = new();
        for (int i = _random.Next(8); i > 0; i--)
        {
            int rune = _random.Next(5) switch
            {
                0 => _random.Next(0x80), 1 => _random.Next(0xD800), 2 => 0x1F600, _ => 'a',
            };
            text.Append(new Rune(rune).ToString());
        }
        return text.ToString();
    }

    private string[] Distinct() => Names.Where(_ => Bool()).DefaultIfEmpty("title").Take(8).ToArray();

    private string Name() => Names[_random.Next(Names.Length)];

    private bool Bool() => _random.Next(2) == 0;
}
