using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Query;

/// <summary>A computed attribute: where its label lies in the request, and the root of its expression.</summary>
public struct ComputedPlan
{
    public int LabelStart;
    public int LabelSize;

    /// <summary>Index of a highlight; below 0 for the others, which have a root.</summary>
    public int Highlight;
    public int Root;

    public readonly bool IsHighlight => Highlight >= 0;
}

public sealed partial class QueryPlan
{
    private const int NoHighlight = -1;

    private readonly HighlightPlans _highlights;

    internal HighlightPlans Highlights => _highlights;

    /// <summary>Reads the computed attributes. All of them together may have as many nodes as a ranking.</summary>
    private bool TryComputed(ref WireReader reader, SubqueryParts parts, ref ErrorText error)
    {
        _computedCount = 0;
        _highlights.Clear();
        if ((parts & SubqueryParts.Computed) == 0) return true;
        int count = reader.U16();
        if (reader.Failed) return error.Malformed("compute_attributes"u8);
        if (count > Limits.ComputedAttributesMax)
            return OverLimit(ref error, "compute_attributes"u8, count, Limits.ComputedAttributesMax);
        bool keepsZeroScores = KeepsZeroScores;
        _rankBase = _rankCount;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> label = reader.Name();
            ComputedPlan plan = new() { LabelStart = reader.Position - label.Length, LabelSize = label.Length };
            ComputedKind kind = (ComputedKind)reader.U8();
            if (reader.Failed || kind is not (ComputedKind.Score or ComputedKind.Highlight))
                return error.Malformed("compute_attributes"u8);
            if (label.IsEmpty || label[0] == (byte)'$' || _view.TryFind(label, out _))
            {
                error.Begin(ErrorCode.InvalidArgument).Text("computed attribute "u8).Name(label)
                    .Text(" needs a name that no attribute has"u8);
                return false;
            }
            plan.Highlight = kind == ComputedKind.Highlight ? _highlights.Count : NoHighlight;
            if (plan.IsHighlight)
            {
                if (!_highlights.TryRead(ref reader, label, ref error)) return false;
                _computed[i] = plan;
                continue;
            }
            plan.Root = _rankCount;
            error.Within(label);
            if (!TryRank(ref reader, 0, ref error)) return false;
            RankKind root = _ranks[plan.Root].Kind;
            if (root is RankKind.None or RankKind.Attributes) return Invalid(ref error, "an order is no value"u8);
            error.Within(default);
            _computed[i] = plan;
        }
        _computedCount = count;
        KeepsZeroScores = keepsZeroScores;
        return true;
    }
}
