using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Ranking expressions by definition: BM25 counts documents and tokens anew for every clause of every
/// row.</summary>
[FloatAllowed("scores by definition, in the order that the production states for them")]
internal sealed class NaiveRanking(NaiveNamespace database)
{
    /// <summary>One in the fixed point of BM25 contributions.</summary>
    private const double FixedOne = 1L << 32;

    /// <summary>Clauses seen so far with what is the same for all rows.</summary>
    private readonly List<Clause> _clauses = [];

    /// <summary>An expression that reads an attribute's value ranks every row.</summary>
    public static bool KeepsZeroes(RankBy rankBy)
    {
        foreach (RankBy child in rankBy.Children)
        {
            if (KeepsZeroes(child)) return true;
        }
        return rankBy.Kind is RankKind.Attribute or RankKind.Dist;
    }

    /// <summary>NaN: the expression has nothing to say about the row.</summary>
    public double Score(RankBy rankBy, NaiveRow row)
    {
        switch (rankBy.Kind)
        {
            case RankKind.Constant: return rankBy.Constant;
            case RankKind.Filter: return NaiveFilter.Matches(rankBy.Filter!, database.Schema, row, null) ? 1 : 0;
            case RankKind.Attribute: return Number(row.Get(rankBy.Attribute));
            case RankKind.Bm25: return Bm25(ClauseOf(rankBy), row);
            case RankKind.SparseKnn:
                return NaiveSparse.Dot(rankBy.Operand.AsSparse, row.Get(rankBy.Attribute).AsSparse);
            case RankKind.Dist: return Distance(rankBy, row.Get(rankBy.Attribute));
            case RankKind.Saturate or RankKind.Decay: return Bend(rankBy, Score(rankBy.Children[0], row));
        }
        double score = Score(rankBy.Children[0], row);
        for (int i = 1; i < rankBy.Children.Length; i++)
        {
            double other = Score(rankBy.Children[i], row);
            if (double.IsNaN(score) || double.IsNaN(other))
            {
                bool product = rankBy.Kind == RankKind.Product;
                score = product ? double.NaN : double.IsNaN(score) ? other : score;
                continue;
            }
            score = rankBy.Kind switch
            {
                RankKind.Sum => score + other,
                RankKind.Max => score >= other ? score : other,
                _ => score * other,
            };
            if (double.IsNaN(score)) score = 0;
        }
        return score;
    }

    private double Distance(RankBy rankBy, Value value)
    {
        if (value.IsNull) return double.NaN;
        Value origin = NaiveValues.Convert(rankBy.Operand, database.Schema.Get(rankBy.Attribute).Type)!;
        if (value.Kind == ValueKind.Float) return double.Abs(value.AsFloat - origin.AsFloat);
        return (ulong)Int128.Abs(Whole(value) - Whole(origin));
    }

    private static Int128 Whole(Value value) => value.Kind switch
    {
        ValueKind.Int => value.AsInt,
        ValueKind.Uint => value.AsUint,
        _ => value.AsDatetime,
    };

    private static double Bend(RankBy curve, double score)
    {
        if (double.IsNaN(score)) return score;
        double power = score <= 0 ? 0 : NaivePower.Of(score / curve.Midpoint, curve.Exponent);
        if (curve.Kind == RankKind.Decay) return 1 / (power + 1);
        return power == double.PositiveInfinity ? 1 : power / (power + 1);
    }

    private static double Number(Value value) => value.Kind switch
    {
        ValueKind.Int => value.AsInt,
        ValueKind.Uint => value.AsUint,
        ValueKind.Float => value.AsFloat,
        ValueKind.Datetime => value.AsDatetime,
        _ => 0,
    };

    private double Bm25(Clause clause, NaiveRow row)
    {
        Value value = row.Get(clause.RankBy.Attribute);
        if (value.IsNull) return 0;
        List<NaiveToken> held = row.Tokens(clause.RankBy.Attribute, clause.Options);
        double k1 = clause.Options.K1;
        double b = clause.Options.B;
        double norm = k1 * (1 - b + b * (uint)held.Count / clause.AverageLength);
        long sum = 0;
        List<NaiveToken> terms = clause.Terms;
        for (int i = 0; i < terms.Count; i++)
        {
            if (clause.RankBy.LastAsPrefix && i == terms.Count - 1)
            {
                bool any = false;
                foreach (NaiveToken token in held) any |= token.StartsWith(terms[i]);
                if (any) sum += (long)FixedOne;
                continue;
            }
            if (First(clause, i) != i) continue;
            double frequency = Count(held, terms[i]);
            double contribution = clause.Weights[i] * frequency / (frequency + norm);
            if (frequency > 0) sum += (long)(contribution * FixedOne + 0.5);
        }
        return sum / FixedOne;
    }

    private Clause ClauseOf(RankBy rankBy)
    {
        foreach (Clause known in _clauses)
        {
            if (known.RankBy == rankBy) return known;
        }
        FullTextOptions options = database.Schema.Get(rankBy.Attribute).FullText!;
        List<List<NaiveToken>> texts = [];
        ulong tokens = 0;
        foreach (KeyValuePair<Value, NaiveRow> pair in database.Rows)
        {
            Value value = pair.Value.Get(rankBy.Attribute);
            if (value.IsNull) continue;
            texts.Add(pair.Value.Tokens(rankBy.Attribute, options));
            tokens += (ulong)texts[^1].Count;
        }
        Clause clause = new()
        {
            RankBy = rankBy, Options = options, Terms = NaiveText.Analyze(options, rankBy.Operand),
            AverageLength = tokens == 0 ? 1 : tokens / (double)texts.Count,
        };
        for (int i = 0; i < clause.Terms.Count; i++) clause.Weights.Add(Weight(clause, i, texts));
        _clauses.Add(clause);
        return clause;
    }

    private static double Weight(Clause clause, int term, List<List<NaiveToken>> texts)
    {
        ulong documents = 0;
        foreach (List<NaiveToken> text in texts) documents += Count(text, clause.Terms[term]) > 0 ? 1UL : 0UL;
        int repeats = 0;
        for (int i = 0; i < clause.Terms.Count; i++)
        {
            bool prefix = clause.RankBy.LastAsPrefix && i == clause.Terms.Count - 1;
            if (!prefix && clause.Terms[i].Is(clause.Terms[term])) repeats++;
        }
        double k3 = clause.Options.K3;
        double weight = (k3 + 1) * repeats / (k3 + repeats);
        return NaiveLogarithm.InverseDocumentFrequency((ulong)texts.Count, documents) * weight;
    }

    /// <summary>Index of the first of the clause's terms that is equal to the one given.</summary>
    private static int First(Clause clause, int term)
    {
        int first = 0;
        while (!clause.Terms[first].Is(clause.Terms[term])) first++;
        return first;
    }

    private static uint Count(List<NaiveToken> tokens, NaiveToken wanted)
    {
        uint count = 0;
        foreach (NaiveToken token in tokens) count += token.Is(wanted) ? 1u : 0u;
        return count;
    }

    private sealed class Clause
    {
        public required RankBy RankBy { get; init; }
        public required FullTextOptions Options { get; init; }
        public required List<NaiveToken> Terms { get; init; }
        public required double AverageLength { get; init; }
        public List<double> Weights { get; } = [];
    }
}
