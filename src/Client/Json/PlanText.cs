using System.Globalization;
using System.Text;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Plans for people: one line for each thing that happens, what is a part of it further to the
/// right.</summary>
public static class PlanText
{
    private const int StepIndent = 4;

    /// <summary>How the cluster has carried out a query; each line ends with a line feed.</summary>
    public static string Of(ExplainReply reply)
    {
        StringBuilder text = new();
        for (int i = 0; i < reply.Queries.Count; i++)
        {
            Line(text, 0, reply.Queries.Count == 1 ? "query" : $"query {i + 1} of {reply.Queries.Count}");
            Append(text, reply.Queries[i]);
        }
        if (reply.Fused)
            Line(text, 0, "fusion: the lists become one by the ranks of their rows, exact with regard to these lists");
        return text.ToString();
    }

    private static void Append(StringBuilder text, SubqueryPlan plan)
    {
        AppendFilter(text, plan);
        AppendRanking(text, plan);
        AppendColumns(text, plan, PlanPart.Aggregate, "aggregate");
        AppendColumns(text, plan, PlanPart.Group, "group by");
        AppendColumns(text, plan, PlanPart.LimitPer, "limit per");
        if (plan.Method != PlanMethod.Aggregates) Line(text, 2, $"rows: {plan.Rows}");
        if (plan.Computed > 0) Line(text, 2, $"computed for each of these rows: {Count(plan.Computed, "attribute")}");
        Line(text, 2, $"read: {plan.BytesRead} bytes of columns, postings and vectors");
    }

    private static void AppendFilter(StringBuilder text, SubqueryPlan plan)
    {
        string all = $"{Count(plan.Documents, "document")} in {Count(plan.Windows, "window")}";
        bool filtered = plan.Steps.Count > 0 && plan.Steps[0].Part == PlanPart.Filter;
        Line(text, 2, filtered
            ? $"filter: {all} -> {Count(plan.Candidates, "candidate")} in {Count(plan.WindowsWithCandidates, "window")}"
            : $"no filter: {all}, all of them candidates");
        for (int i = 0; i < plan.Steps.Count && plan.Steps[i].Part == PlanPart.Filter; i++)
            AppendFilterStep(text, plan.Steps[i]);
    }

    private static void AppendRanking(StringBuilder text, SubqueryPlan plan)
    {
        string exact = plan.Exact ? "exact" : "approximate";
        string candidates = Count(plan.Candidates, "candidate");
        Line(text, 2, plan.Method switch
        {
            PlanMethod.Order => $"rank by values, {exact}: {candidates} compared",
            PlanMethod.Scores => $"rank by score, {exact}: evaluated for {candidates}, {plan.Scored} of them have one",
            PlanMethod.Vectors =>
                $"rank by distance, {exact}: computed for the {plan.Scored} of {candidates} with a vector",
            PlanMethod.Aggregates => $"no ranking: {candidates} counted and summed up",
            _ => $"rank by method {(byte)plan.Method}, {exact}: {candidates}",
        });
        bool ranking = false;
        foreach (PlanStep step in plan.Steps)
        {
            ranking |= step.Part == PlanPart.Rank;
            if (step.Part == PlanPart.Rank) AppendRankStep(text, step);
            else if (ranking && step.Part == PlanPart.Filter) AppendFilterStep(text, step);
        }
    }

    private static void AppendFilterStep(StringBuilder text, PlanStep step)
    {
        string outcome = step.Considered == 0 ? "not asked, nothing was left" : $"{step.Considered} -> {step.Matched}";
        AppendStep(text, step, ((FilterOperator)step.Code).ToString(), outcome);
    }

    private static void AppendRankStep(StringBuilder text, PlanStep step)
    {
        RankKind kind = (RankKind)step.Code;
        AppendStep(text, step, kind switch
        {
            RankKind.Attributes => step.Descending ? "desc" : "asc",
            RankKind.Ann => "ANN",
            RankKind.Knn => "kNN",
            RankKind.Bm25 => "BM25",
            RankKind.SparseKnn => "SparseKNN",
            _ => kind.ToString(),
        }, "");
    }

    private static void AppendColumns(StringBuilder text, SubqueryPlan plan, PlanPart part, string title)
    {
        foreach (PlanStep step in plan.Steps)
        {
            if (step.Part != part) continue;
            string function = part == PlanPart.Aggregate ? " " + (AggregateFunction)step.Code : "";
            Line(text, 2, $"{title}: `{step.Attribute}`{function}, {Access(step)}");
        }
    }

    private static void AppendStep(StringBuilder text, PlanStep step, string operation, string outcome)
    {
        string attribute = step.Attribute.Length > 0 ? $"`{step.Attribute}` " : "";
        string access = Access(step);
        string line = attribute + operation + (access.Length > 0 ? ", " + access : "");
        Line(text, StepIndent + 2 * step.Depth, outcome.Length > 0 ? $"{line}: {outcome}" : line);
    }

    private static string Access(PlanStep step) => step.Access switch
    {
        PlanAccess.Parts => "",
        PlanAccess.Constant => "the same for every document",
        PlanAccess.Column => "scan of the column",
        PlanAccess.Documents => "scan of whole documents",
        PlanAccess.Postings when step.Part == PlanPart.Rank && (RankKind)step.Code == RankKind.SparseKnn =>
            $"inverted index, {Count(step.Words, "dimension")}",
        PlanAccess.Postings => $"full-text index, {Count(step.Words, "word")}",
        PlanAccess.Vectors => "scan of the vectors",
        _ => $"access {(byte)step.Access}",
    };

    private static string Count(ulong count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    private static void Line(StringBuilder text, int indent, string line) =>
        text.Append(' ', indent).Append(line).Append('\n');
}
