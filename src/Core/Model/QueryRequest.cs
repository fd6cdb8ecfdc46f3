using System;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>Which attributes a row of the answer carries beside its id. Append only.</summary>
public enum IncludeMode : byte
{
    IdOnly = 0,
    All = 1,
    Listed = 2,
    AllExcept = 3,
}

/// <summary>Append only.</summary>
public enum AggregateFunction : byte
{
    Count = 1,
    Sum = 2,
    Min = 3,
    Max = 4,
    Avg = 5,
}

/// <summary>One labelled aggregate; an empty attribute with Count counts rows.</summary>
public readonly struct Aggregate(string label, AggregateFunction function, string attribute = "")
{
    public string Label { get; } = label;
    public AggregateFunction Function { get; } = function;
    public string Attribute { get; } = attribute;
}

/// <summary>What follows behind a sub-query's other fields: the high bits of its include mode. Append only,
/// downwards.</summary>
[Flags]
public enum SubqueryParts : byte
{
    None = 0,
    LimitPer = 0x80,
    Computed = 0x40,
    All = LimitPer | Computed,
}

/// <summary>One sub-query. On the wire: rank node, filter, limit u32, offset u32 (rows skipped after ranking), include
/// mode and <see cref="SubqueryParts"/> u8, names (u16 count) for Listed and AllExcept, aggregates (u16 count; label,
/// function u8, attribute), group-by names (u8 count); with LimitPer names (u8 count) and u32; with Computed those
/// (u16 count). Limit 0 means "not said", which only aggregates may leave so.</summary>
public sealed class Query
{
    public RankBy RankBy { get; init; } = new() { Kind = RankKind.None };
    public Filter? Filter { get; init; }
    public uint Limit { get; init; }
    public uint Offset { get; init; }
    public IncludeMode Include { get; init; }
    public string[] IncludeNames { get; init; } = [];
    public Aggregate[] Aggregates { get; init; } = [];
    public string[] GroupBy { get; init; } = [];

    /// <summary>Of the rows that agree in these attributes only the best are answered; none: all.</summary>
    public string[] LimitPer { get; init; } = [];

    /// <summary>How many of those.</summary>
    public uint PerLimit { get; init; }
    public ComputedAttribute[] Computed { get; init; } = [];

    /// <summary>The same rows with other attributes.</summary>
    public Query WithInclude(IncludeMode include, string[] names) => new()
    {
        RankBy = RankBy, Filter = Filter, Limit = Limit, Offset = Offset, Include = include, IncludeNames = names,
        Aggregates = Aggregates, GroupBy = GroupBy, LimitPer = LimitPer, PerLimit = PerLimit,
        Computed = Computed,
    };

    public void Write(ref WireWriter writer)
    {
        RankBy.Write(ref writer);
        Filter.WriteOptional(ref writer, Filter);
        writer.U32(Limit);
        writer.U32(Offset);
        SubqueryParts parts = (LimitPer.Length > 0 ? SubqueryParts.LimitPer : SubqueryParts.None) |
            (Computed.Length > 0 ? SubqueryParts.Computed : SubqueryParts.None);
        writer.U8((byte)((byte)Include | (byte)parts));
        if (Include is IncludeMode.Listed or IncludeMode.AllExcept)
        {
            writer.U16(IncludeNames.Length);
            foreach (string name in IncludeNames) writer.Name(Encoding.UTF8.GetBytes(name));
        }
        writer.U16(Aggregates.Length);
        foreach (Aggregate aggregate in Aggregates)
        {
            writer.Name(Encoding.UTF8.GetBytes(aggregate.Label));
            writer.U8((byte)aggregate.Function);
            writer.Name(Encoding.UTF8.GetBytes(aggregate.Attribute));
        }
        writer.U8((byte)GroupBy.Length);
        foreach (string name in GroupBy) writer.Name(Encoding.UTF8.GetBytes(name));
        if (LimitPer.Length > 0)
        {
            writer.U8((byte)LimitPer.Length);
            foreach (string name in LimitPer) writer.Name(Encoding.UTF8.GetBytes(name));
            writer.U32(PerLimit);
        }
        if (Computed.Length == 0) return;
        writer.U16(Computed.Length);
        foreach (ComputedAttribute computed in Computed) computed.Write(ref writer);
    }

    public static Query Read(ref WireReader reader)
    {
        RankBy rankBy = RankBy.Read(ref reader);
        Filter? filter = Filter.ReadOptional(ref reader);
        uint limit = reader.U32();
        uint offset = reader.U32();
        byte modeAndParts = reader.U8();
        SubqueryParts parts = (SubqueryParts)modeAndParts & SubqueryParts.All;
        IncludeMode include = (IncludeMode)(modeAndParts & ~(byte)SubqueryParts.All);
        string[] names = include is IncludeMode.Listed or IncludeMode.AllExcept ? NameTable.Read(ref reader) : [];
        int aggregateCount = reader.U16();
        if (aggregateCount > reader.Remaining) reader.Fail();
        Aggregate[] aggregates = new Aggregate[reader.Failed ? 0 : aggregateCount];
        for (int i = 0; i < aggregates.Length; i++)
        {
            string label = Encoding.UTF8.GetString(reader.Name());
            AggregateFunction function = (AggregateFunction)reader.U8();
            aggregates[i] = new Aggregate(label, function, Encoding.UTF8.GetString(reader.Name()));
        }
        string[] groupBy = new string[reader.U8()];
        for (int i = 0; i < groupBy.Length; i++) groupBy[i] = Encoding.UTF8.GetString(reader.Name());
        string[] per = [];
        if ((parts & SubqueryParts.LimitPer) != 0) per = new string[reader.U8()];
        for (int i = 0; i < per.Length; i++) per[i] = Encoding.UTF8.GetString(reader.Name());
        uint perLimit = (parts & SubqueryParts.LimitPer) != 0 ? reader.U32() : 0;
        int computedCount = (parts & SubqueryParts.Computed) != 0 ? reader.U16() : 0;
        if (computedCount > reader.Remaining) reader.Fail();
        ComputedAttribute[] computed = new ComputedAttribute[reader.Failed ? 0 : computedCount];
        for (int i = 0; i < computed.Length; i++) computed[i] = ComputedAttribute.Read(ref reader);
        return new Query
        {
            RankBy = rankBy, Filter = filter, Limit = limit, Offset = offset, Include = include,
            IncludeNames = names, Aggregates = aggregates, GroupBy = groupBy, LimitPer = per, PerLimit = perLimit,
            Computed = computed,
        };
    }
}

/// <summary>How the lists of several sub-queries become one. Append only.</summary>
public enum Rerank : byte
{
    None = 0,
    ReciprocalRankFusion = 1,
}

/// <summary>One or more sub-queries on one snapshot of one namespace. Body of <see cref="Operation.Query"/>: namespace
/// name, metric u8 (0, or what the client believes), u8 count and sub-queries, rerank u8; for fusion: rank constant
/// f64, u8 count (0 or the number of sub-queries) and f64 weights, limit u32 of the fused list (0: the greatest of the
/// sub-queries').</summary>
[FloatAllowed("a constant; nothing is calculated")]
public sealed class QueryRequest
{
    public const double RankConstantDefault = 60;

    public required string Namespace { get; init; }
    public DistanceMetric Metric { get; init; }
    public required Query[] Queries { get; init; }
    public Rerank Rerank { get; init; }
    public double RankConstant { get; init; } = RankConstantDefault;
    public double[] Weights { get; init; } = [];
    public uint FusedLimit { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Namespace));
        writer.U8((byte)Metric);
        writer.U8((byte)Queries.Length);
        foreach (Query query in Queries) query.Write(ref writer);
        writer.U8((byte)Rerank);
        if (Rerank == Rerank.None) return;
        writer.F64(RankConstant);
        writer.U8((byte)Weights.Length);
        foreach (double weight in Weights) writer.F64(weight);
        writer.U32(FusedLimit);
    }

    public static QueryRequest Read(ref WireReader reader)
    {
        string name = Encoding.UTF8.GetString(reader.Name());
        DistanceMetric metric = (DistanceMetric)reader.U8();
        int count = reader.U8();
        if (count > Limits.SubqueriesMax) reader.Fail();
        Query[] queries = new Query[reader.Failed ? 0 : count];
        for (int i = 0; i < queries.Length; i++) queries[i] = Query.Read(ref reader);
        Rerank rerank = (Rerank)reader.U8();
        double constant = RankConstantDefault;
        double[] weights = [];
        uint fusedLimit = 0;
        if (rerank != Rerank.None)
        {
            constant = reader.F64();
            weights = new double[reader.U8()];
            for (int i = 0; i < weights.Length; i++) weights[i] = reader.F64();
            fusedLimit = reader.U32();
        }
        return new QueryRequest
        {
            Namespace = name, Metric = metric, Queries = queries, Rerank = rerank,
            RankConstant = constant, Weights = weights, FusedLimit = fusedLimit,
        };
    }
}
