using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Query;

/// <summary>A node of a ranking expression, each before its children.</summary>
public struct RankNode
{
    public RankKind Kind;

    /// <summary>Slot of the attribute.</summary>
    public int Slot;
    public int FilterRoot;

    /// <summary>A constant, or the midpoint of Saturate and Decay.</summary>
    public double Constant;

    /// <summary>Of Saturate and Decay.</summary>
    public double Exponent;

    /// <summary>Of Dist: a <see cref="ScalarKey"/> of the attribute's type.</summary>
    public ulong Origin;
    public int TermStart;
    public int TermCount;

    /// <summary>Of Ann and Knn.</summary>
    public int VectorStart;
    public int VectorSize;
    public int End;

    /// <summary>What is fetched for it.</summary>
    public readonly PlanAccess Access => Kind switch
    {
        RankKind.Ann or RankKind.Knn => PlanAccess.Vectors,
        RankKind.Bm25 or RankKind.SparseKnn => PlanAccess.Postings,
        RankKind.Attribute or RankKind.Dist => PlanAccess.Column,
        RankKind.Constant => PlanAccess.Constant,
        _ => PlanAccess.Parts,
    };
}

/// <summary>A term of a BM25 clause, or a dimension of a sparse vector: the key of its entry in the tree of terms
/// (without the end mark for a prefix).</summary>
public struct QueryTerm
{
    public int KeyOffset;
    public int KeySize;
    public bool IsPrefix;

    /// <summary>idf times the weight of its repetitions; of a dimension its own.</summary>
    public double Weight;
}

/// <summary>One aggregate: where its label lies in the request, and what it reads.</summary>
public struct AggregatePlan
{
    public AggregateFunction Function;

    /// <summary>Slot of the attribute; -1 counts rows.</summary>
    public int Slot;
    public int LabelStart;
    public int LabelSize;
}

/// <summary>One sub-query, decoded and checked against the schema. Memory is fixed; each <see cref="TryRead"/>
/// replaces the last.</summary>
[FloatAllowed("IEEE 754 operations in a fixed order")]
public sealed partial class QueryPlan
{
    private const int TermsMax = Limits.QueryTermsMax + Limits.QuerySparseDimensionsMax;

    private readonly NamespaceView _view;
    private readonly Trees _trees;
    private readonly FilterProgram _filters;
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;
    private readonly RankNode[] _ranks = new RankNode[2 * Limits.RankNodesMax];
    private readonly QueryTerm[] _terms = new QueryTerm[TermsMax];
    private readonly NativeBuffer _termKeys;
    private readonly AggregatePlan[] _aggregates = new AggregatePlan[Limits.AggregatesMax];
    private readonly int[] _groupSlots = new int[Limits.GroupByAttributesMax];
    private readonly int[] _orderSlots = new int[Limits.OrderByAttributesMax];
    private readonly bool[] _descending = new bool[Limits.OrderByAttributesMax];
    private readonly int[] _capSlots = new int[Limits.GroupByAttributesMax];
    private readonly bool[] _included = new bool[Limits.AttributesPerNamespaceMax + 1];
    private readonly ComputedPlan[] _computed = new ComputedPlan[Limits.ComputedAttributesMax];
    private readonly float[] _vector = new float[Limits.QueryVectorsMax * Limits.DimensionsMax];
    private readonly int[] _tokenOrder = new int[Limits.QueryTextSizeMax];
    private readonly int[] _tokenScratch = new int[Limits.QueryTextSizeMax];
    private int _rankCount;
    private int _termCount;
    private int _termKeysSize;
    private int _vectorSize;
    private int _rankBase;
    private int _vectorCount;
    private int _computedCount;
    private int _capCount;
    private uint _groupLimit;
    private bool _touching;

    public QueryPlan(StaticMemory memory, Trees trees, NamespaceView view, FilterProgram filters)
    {
        _view = view;
        _trees = trees;
        _filters = filters;
        _analyzer = new Analyzer(memory);
        _highlights = new HighlightPlans(memory, view);
        _termKeys = memory.Take((long)TermsMax * Keys.SizeMax);
        _tokens = new TokenBuffer(memory, Limits.QueryTextSizeMax, 6 * Limits.QueryTextSizeMax);
    }

    /// <summary>Ann, Knn, Attributes, None (aggregates only), or Sum for every other expression.</summary>
    public RankKind Rank => _ranks[0].Kind;
    public ReadOnlySpan<RankNode> Ranks => _ranks.AsSpan(0, _rankCount);
    public ReadOnlySpan<QueryTerm> Terms => _terms.AsSpan(0, _termCount);
    public ReadOnlySpan<AggregatePlan> Aggregates => _aggregates.AsSpan(0, AggregateCount);
    public ReadOnlySpan<int> GroupSlots => _groupSlots.AsSpan(0, GroupCount);
    public ReadOnlySpan<int> OrderSlots => _orderSlots.AsSpan(0, OrderCount);
    public ReadOnlySpan<bool> Descending => _descending.AsSpan(0, OrderCount);
    public ReadOnlySpan<ComputedPlan> Computed => _computed.AsSpan(0, _computedCount);
    public ReadOnlySpan<int> CapSlots => _capSlots.AsSpan(0, _capCount);

    /// <summary>Whether rows that agree in some attributes are limited.</summary>
    public bool IsCapped => _capCount > 0;

    /// <summary>Rows at most that agree in them.</summary>
    public int GroupLimit { get; private set; }
    public int AggregateCount { get; private set; }
    public int GroupCount { get; private set; }
    public int OrderCount { get; private set; }
    public int FilterRoot { get; private set; }
    public int Limit { get; private set; }
    public int Offset { get; private set; }

    /// <summary>A ranking that reads an attribute's value ranks every row; others leave out rows with score
    /// zero.</summary>
    public bool KeepsZeroScores { get; private set; }
    public bool IsAggregation => AggregateCount > 0;
    public bool IsVector => Rank is RankKind.Ann or RankKind.Knn;

    /// <summary>How the rows are found.</summary>
    public PlanMethod Method
    {
        get
        {
            if (IsAggregation) return PlanMethod.Aggregates;
            if (IsVector) return PlanMethod.Vectors;
            return OrderCount > 0 ? PlanMethod.Order : PlanMethod.Scores;
        }
    }

    /// <summary>Ranks by score from now on.</summary>
    public void ClearOrder() => OrderCount = 0;

    public ReadOnlySpan<float> Vector(in RankNode node) => _vector.AsSpan(node.VectorStart, node.VectorSize);

    public bool Includes(int slot) => _included[slot];

    public ReadOnlySpan<byte> TermKey(in QueryTerm term) => _termKeys.Slice(term.KeyOffset, term.KeySize);

    /// <summary>False while the weights of terms could not be read; the plan then has to be read again.</summary>
    public bool IsResident { get; private set; }

    /// <summary>Reads one sub-query. False: the error has been written.</summary>
    /// <param name="reader">At the sub-query; behind it afterwards.</param>
    /// <param name="error">Takes the error.</param>
    /// <param name="touching">Asks for terms and for what ranking by them reads, as part of a prefetch.</param>
    public bool TryRead(ref WireReader reader, ref ErrorText error, bool touching = false)
    {
        _touching = touching;
        IsResident = true;
        _rankCount = 0;
        _termCount = 0;
        _termKeysSize = 0;
        _dimensionCount = 0;
        _sparseTermCount = 0;
        _vectorSize = 0;
        _vectorCount = 0;
        _rankBase = 0;
        OrderCount = 0;
        KeepsZeroScores = false;
        if (!TryRank(ref reader, 0, ref error)) return false;
        if (!_filters.TryCompile(ref reader, newRowAllowed: false, ref error, out int filterRoot)) return false;
        FilterRoot = filterRoot;
        uint limit = reader.U32();
        uint offset = reader.U32();
        if (!TryInclude(ref reader, out SubqueryParts parts, ref error)) return false;
        if (!TryAggregates(ref reader, ref error)) return false;
        if (!TryCap(ref reader, parts, ref error) || !TryComputed(ref reader, parts, ref error)) return false;
        if (reader.Failed) return error.Malformed("query"u8);
        return TryLimits(limit, offset, ref error);
    }

    private bool TryLimits(uint limit, uint offset, ref ErrorText error)
    {
        if (IsAggregation && Rank != RankKind.None)
            return Invalid(ref error, "aggregate_by cannot be combined with rank_by"u8);
        if (!IsAggregation && GroupCount > 0) return Invalid(ref error, "group_by needs aggregate_by"u8);
        if (limit == 0 && !IsAggregation) return Invalid(ref error, "rank_by queries must specify top_k or limit"u8);
        if (limit == 0) limit = Limits.GroupsMax;
        if (limit > Limits.ResultsMax || offset > Limits.ResultsMax - limit)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("top_k must be between 1 and "u8).Number((long)Limits.ResultsMax)
                .Text(", offset included, but is "u8).Number((ulong)limit)
                .Text(" with offset "u8).Number((ulong)offset);
            return false;
        }
        if (IsAggregation && _computedCount > 0)
            return Invalid(ref error, "aggregate_by cannot be combined with compute_attributes"u8);
        if (IsAggregation && IsCapped) return Invalid(ref error, "limit.per requires rank_by"u8);
        if (IsCapped && (_groupLimit == 0 || _groupLimit > limit))
        {
            error.Begin(ErrorCode.LimitExceeded).Text("limit.per.limit must be between 1 and limit.total, "u8)
                .Number((ulong)limit).Text(", but is "u8).Number((ulong)_groupLimit);
            return false;
        }
        GroupLimit = (int)_groupLimit;
        if (IsAggregation && offset > 0) return Invalid(ref error, "offset requires rank_by"u8);
        if (!IsAggregation && Rank == RankKind.None)
        {
            _ranks[0].Kind = RankKind.Attributes;
            _orderSlots[0] = 0;
            _descending[0] = false;
            OrderCount = 1;
        }
        Limit = (int)limit;
        Offset = (int)offset;
        return true;
    }

    private bool TryInclude(ref WireReader reader, out SubqueryParts parts, ref ErrorText error)
    {
        byte include = reader.U8();
        parts = (SubqueryParts)include & SubqueryParts.All;
        IncludeMode mode = (IncludeMode)(include & ~(byte)SubqueryParts.All);
        if (mode > IncludeMode.AllExcept) return error.Malformed("include mode"u8);
        _included.AsSpan(0, _view.AttributeCount + 1).Fill(mode is IncludeMode.All or IncludeMode.AllExcept);
        _included[0] = false;
        if (mode is not (IncludeMode.Listed or IncludeMode.AllExcept)) return true;
        int count = reader.U16();
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            bool known = _view.TryFind(name, out int slot);
            if (known && slot > 0) _included[slot] = mode == IncludeMode.Listed;
            if (known || mode == IncludeMode.AllExcept || reader.Failed) continue;
            error.Begin(ErrorCode.AttributeNotFound).Text("attribute \""u8).Text(name)
                .Text("\" not found in schema, cannot be part of `include_attributes`"u8);
            return false;
        }
        return true;
    }

    private bool TryAggregates(ref WireReader reader, ref ErrorText error)
    {
        int count = reader.U16();
        if (count > Limits.AggregatesMax) return OverLimit(ref error, "aggregate_by"u8, count, Limits.AggregatesMax);
        AggregateCount = count;
        for (int i = 0; i < count; i++)
        {
            AggregatePlan plan = default;
            plan.LabelSize = reader.Name().Length;
            plan.LabelStart = reader.Position - plan.LabelSize;
            plan.Function = (AggregateFunction)reader.U8();
            ReadOnlySpan<byte> name = reader.Name();
            if (reader.Failed || plan.Function is < AggregateFunction.Count or > AggregateFunction.Avg)
                return error.Malformed("aggregate"u8);
            plan.Slot = -1;
            bool needsNumber = plan.Function != AggregateFunction.Count;
            if (name.IsEmpty && needsNumber) return Invalid(ref error, "aggregate function needs an attribute"u8);
            if (!name.IsEmpty && !TryColumn("aggregate_by"u8, name, needsNumber, out plan.Slot,
                ref error)) return false;
            bool sum = plan.Function is AggregateFunction.Sum or AggregateFunction.Avg;
            if (sum && _view.Attribute(plan.Slot).Type == AttributeType.Datetime)
                return Mismatch(ref error, "aggregate_by"u8, name, plan.Slot);
            _aggregates[i] = plan;
        }
        int groups = reader.U8();
        if (groups > Limits.GroupByAttributesMax)
            return OverLimit(ref error, "group_by"u8, groups, Limits.GroupByAttributesMax);
        GroupCount = groups;
        for (int i = 0; i < groups; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            if (reader.Failed) return error.Malformed("group_by"u8);
            if (!TryColumn("group_by"u8, name, needsNumber: false, out _groupSlots[i], ref error)) return false;
            if (AttributeTypes.IsArray(_view.Attribute(_groupSlots[i]).Type))
                return Mismatch(ref error, "group_by"u8, name, _groupSlots[i]);
        }
        return true;
    }

    /// <summary>Finds an attribute that has a column.</summary>
    private bool TryColumn(
        ReadOnlySpan<byte> field, ReadOnlySpan<byte> name, bool needsNumber, out int slot, ref ErrorText error)
    {
        if (!_view.TryFind(name, out slot))
        {
            error.Begin(ErrorCode.AttributeNotFound).Text(field).Text(": attribute "u8).Name(name)
                .Text(" not found in schema"u8);
            return false;
        }
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        if ((attribute.Flags & AttributeFlags.Filterable) == 0)
        {
            error.Begin(ErrorCode.AttributeNotFilterable).Text(field).Text(": attribute "u8).Name(name)
                .Text(" is not filterable"u8);
            return false;
        }
        bool number = attribute.Type is AttributeType.Int or AttributeType.Uint or AttributeType.Float
            or AttributeType.Datetime;
        if (!needsNumber || number || attribute.Type == AttributeType.None) return true;
        return Mismatch(ref error, field, name, slot);
    }

    private bool Mismatch(ref ErrorText error, ReadOnlySpan<byte> field, ReadOnlySpan<byte> name, int slot)
    {
        ref ErrorText text = ref error.Begin(ErrorCode.TypeMismatch).Text(field).Text(": attribute "u8).Name(name)
            .Text(" has type "u8);
        AttributeTypes.Describe(ref text, _view.Attribute(slot).Type, _view.Attribute(slot).Dimensions);
        text.Text(", which cannot be used there"u8);
        return false;
    }

    private static bool Invalid(ref ErrorText error, ReadOnlySpan<byte> text)
    {
        error.Begin(ErrorCode.InvalidArgument).Text(text);
        return false;
    }

    private static bool OverLimit(ref ErrorText error, ReadOnlySpan<byte> field, int value, int limit)
    {
        error.Begin(ErrorCode.LimitExceeded).Text(field).Text(" has "u8).Number((long)value)
            .Text(" entries, at most "u8).Number((long)limit);
        return false;
    }
}
