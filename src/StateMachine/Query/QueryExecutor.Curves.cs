using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    /// <summary>Distances of the attribute's values from the origin, of integers exact before they become a double;
    /// NaN, which is "nothing to say", where there is no value.</summary>
    private void EvaluateDistance(in RankNode node, uint window, Span<double> values)
    {
        values.Fill(double.NaN);
        BeginColumn(_lengths, node.Slot);
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Next(_mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(_mask, bit + 1))
        {
            if (!_lengths.TryRead(first + (uint)bit, out ReadOnlySpan<byte> row)) continue;
            ulong key = (ulong)ScalarKey.OfStored(_lengths.Type, row);
            ulong least = key < node.Origin ? key : node.Origin;
            ulong greatest = key < node.Origin ? node.Origin : key;
            values[bit] = _lengths.Type == AttributeType.Float
                ? ScalarKey.ToFloat(greatest) - ScalarKey.ToFloat(least) : greatest - least;
        }
        _bytesRead += _lengths.BytesRead;
    }

    /// <summary>With p = (x / midpoint)^exponent, x below 0 counting as 0: Saturate is p / (1 + p), Decay
    /// 1 / (1 + p).</summary>
    private void EvaluateCurve(in RankNode node, int index, uint window, int depth)
    {
        Evaluate(index + 1, window, depth);
        Span<double> values = Values(depth);
        int bit = WindowBitmap.Next(_mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(_mask, bit + 1))
        {
            double value = values[bit];
            if (double.IsNaN(value)) continue;
            double power = PositivePower.Of(value > 0 ? value / node.Constant : 0, node.Exponent);
            if (node.Kind == RankKind.Decay) values[bit] = 1 / (1 + power);
            else values[bit] = double.IsPositiveInfinity(power) ? 1 : power / (1 + power);
        }
    }

    /// <summary>Sum and Max pass over a child that has nothing to say, of a product nothing is left then. An infinity
    /// less an infinity, or times zero, counts as zero.</summary>
    private static double Combine(RankKind kind, double left, double right)
    {
        double combined = kind switch
        {
            RankKind.Sum => left + right,
            RankKind.Max => left >= right ? left : right,
            _ => left * right,
        };
        if (!double.IsNaN(combined)) return combined;
        if (!double.IsNaN(left) && !double.IsNaN(right)) return 0;
        if (kind == RankKind.Product) return double.NaN;
        return double.IsNaN(left) ? right : left;
    }
}
