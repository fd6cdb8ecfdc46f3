using System;
using System.Collections.Generic;

namespace Deterministic.Replica.Commands.Evaluation;

/// <summary>Quality of one ranking by the definitions of trec_eval. A judgement above 0 is relevant; the gain is the
/// judgement itself. The ranking is taken as it comes: ties are in the order of the database.</summary>
public static class RetrievalMetrics
{
    /// <summary>Sum of gain / log2(rank + 1) over the first <paramref name="depth"/>, as a part of the best
    /// possible.</summary>
    public static double Ndcg(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> judgements, int depth)
    {
        double gain = 0;
        for (int i = 0; i < Math.Min(depth, ranking.Count); i++)
            if (judgements.TryGetValue(ranking[i], out int judgement) && judgement > 0) gain += judgement / Discount(i);
        List<int> best = [];
        foreach (int judgement in judgements.Values)
            if (judgement > 0) best.Add(judgement);
        best.Sort((left, right) => right.CompareTo(left));
        double ideal = 0;
        for (int i = 0; i < Math.Min(depth, best.Count); i++) ideal += best[i] / Discount(i);
        return ideal == 0 ? 0 : gain / ideal;
    }

    /// <summary>Mean over all relevant documents of the precision at their rank; 0 for those not in the
    /// ranking.</summary>
    public static double AveragePrecision(
        IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> judgements, int depth)
    {
        int found = 0;
        double sum = 0;
        for (int i = 0; i < Math.Min(depth, ranking.Count); i++)
            if (judgements.TryGetValue(ranking[i], out int judgement) && judgement > 0) sum += ++found / (i + 1.0);
        int relevant = Relevant(judgements);
        return relevant == 0 ? 0 : sum / relevant;
    }

    /// <summary>Part of the relevant documents that is among the first <paramref name="depth"/>.</summary>
    public static double Recall(IReadOnlyList<string> ranking, IReadOnlyDictionary<string, int> judgements, int depth)
    {
        int found = 0;
        for (int i = 0; i < Math.Min(depth, ranking.Count); i++)
            if (judgements.TryGetValue(ranking[i], out int judgement) && judgement > 0) found++;
        int relevant = Relevant(judgements);
        return relevant == 0 ? 0 : (double)found / relevant;
    }

    public static int Relevant(IReadOnlyDictionary<string, int> judgements)
    {
        int relevant = 0;
        foreach (int judgement in judgements.Values)
            if (judgement > 0) relevant++;
        return relevant;
    }

    /// <summary>Part of the <paramref name="truth"/> that was found, ties allowed: a row counts if it is in the
    /// truth or is no farther than the farthest of the truth, up to the noise of 32-bit sums taken in another
    /// order.</summary>
    /// <param name="farthest">Distance of the farthest of the truth by the same database.</param>
    public static double TieAwareRecall(
        IReadOnlyList<(string Id, float Distance)> rows, IReadOnlySet<string> truth, float farthest)
    {
        float bound = farthest + Math.Abs(farthest) * 1e-5f + 1e-6f;
        int found = 0;
        foreach ((string id, float distance) in rows)
            if (truth.Contains(id) || distance <= bound) found++;
        return truth.Count == 0 ? 1 : Math.Min(found, truth.Count) / (double)truth.Count;
    }

    /// <summary>Nearest-rank percentile of <paramref name="sorted"/>, ascending.</summary>
    public static double Percentile(IReadOnlyList<double> sorted, double percent)
    {
        if (sorted.Count == 0) return 0;
        int rank = (int)Math.Ceiling(percent / 100 * sorted.Count);
        return sorted[Math.Clamp(rank - 1, 0, sorted.Count - 1)];
    }

    private static double Discount(int index) => Math.Log2(index + 2);
}
