using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Ranking expressions by their formulas, in double arithmetic with the library's logarithm.</summary>
public sealed class NaiveScores(NaiveDocument[] documents)
{
    public static bool KeepsZeroes(RankBy rank) =>
        rank.Kind is RankKind.Attribute or RankKind.Dist || rank.Children.Any(KeepsZeroes);

    /// <summary>NaN where an expression has nothing to say.</summary>
    public Func<NaiveDocument, double> Of(RankBy rank)
    {
        Func<NaiveDocument, double>[] children = [.. rank.Children.Select(Of)];
        return rank.Kind switch
        {
            RankKind.Constant => _ => rank.Constant,
            RankKind.Sum => document => Said(children, document).DefaultIfEmpty(double.NaN).Sum(),
            RankKind.Max => document => Said(children, document).DefaultIfEmpty(double.NaN).Max(),
            RankKind.Product => document => children[0](document) * children[1](document),
            RankKind.Filter => document => NaiveFilter.Matches(rank.Filter, document) ? 1 : 0,
            RankKind.Attribute => document => Number(document.Get(rank.Attribute)),
            RankKind.Dist => document => Distance(document.Get(rank.Attribute), rank.Operand),
            RankKind.SparseKnn => document => Dot(rank.Operand, document.Get(rank.Attribute)),
            RankKind.Saturate => document => Curve(rank, children[0](document)),
            RankKind.Decay => document => 1 - Curve(rank, children[0](document)),
            _ => Text(rank),
        };
    }

    private static IEnumerable<double> Said(Func<NaiveDocument, double>[] children, NaiveDocument document) =>
        children.Select(child => child(document)).Where(score => !double.IsNaN(score));

    private static double Distance(Value value, Value origin) => value.Kind switch
    {
        ValueKind.Null => double.NaN,
        ValueKind.Float => Math.Abs(value.AsFloat - origin.AsFloat),
        _ => (double)System.Int128.Abs(NaiveFilter.Integer(value) - NaiveFilter.Integer(origin)),
    };

    /// <summary>In the order of the query's dimensions, which is that of their bytes.</summary>
    private static double Dot(Value query, Value row) => query.AsSparse.SelectMany(
        wanted => row.AsSparse.Where(held => held.Name.SequenceEqual(wanted.Name))
            .Select(held => (double)wanted.Weight * (double)held.Weight)).Sum();

    private static double Curve(RankBy rank, double score)
    {
        double power = Math.Pow(Math.Max(score, 0) / rank.Midpoint, rank.Exponent);
        return double.IsPositiveInfinity(power) ? 1 : power / (1 + power);
    }

    private static double Number(Value value) => value.Kind switch
    {
        ValueKind.Null => 0,
        ValueKind.Float => value.AsFloat,
        _ => (double)NaiveFilter.Integer(value),
    };

    private Func<NaiveDocument, double> Text(RankBy rank)
    {
        const double k1 = 1.2f, b = 0.75f;
        double k3 = rank.Attribute == "t" ? 8 : 2;
        string[] query = rank.Operand.Kind == ValueKind.Array ? NaiveFilter.Tokens(rank.Operand)
            : rank.Operand.AsString.ToLowerInvariant().Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
        string? prefix = rank.LastAsPrefix && query.Length > 0 ? query[^1] : null;
        if (prefix is not null) query = query[..^1];
        string[][] texts = [.. documents.Where(d => d.Values.ContainsKey(rank.Attribute))
            .Select(d => NaiveFilter.Tokens(d.Get(rank.Attribute)))];
        double average = texts.Average(tokens => tokens.Length);
        (string Term, double Weight)[] terms =
        [
            .. query.CountBy(term => term).Select(pair =>
            {
                int frequency = texts.Count(tokens => tokens.Contains(pair.Key));
                double idf = Math.Log(1 + (texts.Length - frequency + 0.5) / (frequency + 0.5));
                return (pair.Key, idf * (k3 + 1) * pair.Value / (k3 + pair.Value));
            }),
        ];
        return document =>
        {
            string[] tokens = NaiveFilter.Tokens(document.Get(rank.Attribute));
            bool starts = prefix is not null && tokens.Any(t => t.StartsWith(prefix, StringComparison.Ordinal));
            double score = starts ? 1 : 0;
            foreach ((string term, double weight) in terms)
            {
                double count = tokens.Count(token => token == term);
                if (count > 0) score += weight * count / (count + k1 * (1 - b + b * tokens.Length / average));
            }
            return score;
        };
    }
}
