using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Query;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>The last two rounds of a query: what filtering, ranking, ordering, grouping and aggregating read, all of
/// it named at once; then the rows and vectors of the answer. Terms are touched while the plan is read.</summary>
internal sealed class QueryPrefetch(Trees trees, NamespaceView view, FilterProgram filters)
{
    /// <summary>Whether a sub-query can be ranked.</summary>
    public bool TouchRanking(QueryPlan plan)
    {
        bool resident = plan.IsResident & WindowTouch.Liveness(trees, view);
        resident &= filters.Touch(plan.FilterRoot);
        foreach (ref readonly AggregatePlan aggregate in plan.Aggregates)
            if (aggregate.Slot >= 0) resident &= TouchColumn(aggregate.Slot);
        foreach (int slot in plan.GroupSlots) resident &= TouchColumn(slot);
        if (plan.IsAggregation) return resident;
        resident &= TouchColumn(0);
        foreach (int slot in plan.CapSlots) resident &= TouchColumn(slot);
        foreach (int slot in plan.OrderSlots) resident &= TouchColumn(slot);
        int end = plan.Ranks[0].End;
        foreach (ref readonly RankNode node in plan.Ranks[..end]) resident &= TouchNode(node);
        // Distances are computed for the rows of the answer alone.
        foreach (ref readonly RankNode node in plan.Ranks[end..])
            if (node.Kind is not (RankKind.Ann or RankKind.Knn)) resident &= TouchNode(node);
        return resident;
    }

    public void TouchRows(QueryPlan plan, ReadOnlySpan<RankedRow> rows)
    {
        Keys key = new(stackalloc byte[8 + 2 + 4]);
        foreach (ref readonly RankedRow row in rows)
            trees.Documents.Touch(key.Namespace(view.Number).Document(row.Document).Key);
        for (int slot = 1; slot <= view.AttributeCount; slot++)
            if (plan.Includes(slot) && AttributeTypes.IsVector(view.Attribute(slot).Type)) TouchVectors(slot, rows);
        foreach (ref readonly ComputedPlan computed in plan.Computed)
        {
            if (computed.IsHighlight) continue;
            ref readonly RankNode root = ref plan.Ranks[computed.Root];
            if (root.Kind is RankKind.Ann or RankKind.Knn && !plan.Includes(root.Slot)) TouchVectors(root.Slot, rows);
        }
    }

    private void TouchVectors(int slot, ReadOnlySpan<RankedRow> rows)
    {
        Keys key = new(stackalloc byte[Keys.ChunkSize]);
        foreach (ref readonly RankedRow row in rows)
        {
            key.Namespace(view.Number).Attribute((ushort)slot).Chunk(row.Document);
            trees.Vectors.TouchFloor(key.Key, Keys.WindowSize);
        }
    }

    private bool TouchNode(in RankNode node)
    {
        switch (node.Access)
        {
            case PlanAccess.Vectors:
                return WindowTouch.Chunks(trees, view, trees.Vectors, node.Slot);
            case PlanAccess.Postings:
                return TouchColumn(node.Slot | Keys.TokenCountColumn);
            case PlanAccess.Column:
                return TouchColumn(node.Slot);
            default:
                return node.Kind != RankKind.Filter || filters.Touch(node.FilterRoot);
        }
    }

    private bool TouchColumn(int number) => WindowTouch.Chunks(trees, view, trees.Columns, number);
}
