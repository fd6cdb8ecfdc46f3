using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Two results must agree in every value, to the last bit of every float. Attributes of a row may come in any
/// order.</summary>
internal static class ReplyComparison
{
    public static void Same(QueryResult actual, QueryResult expected)
    {
        Check.That(actual.Kind == expected.Kind);
        Check.That(actual.Rows.Count == expected.Rows.Count);
        for (int i = 0; i < expected.Rows.Count; i++)
        {
            Check.That(actual.Rows[i].Id.Equals(expected.Rows[i].Id));
            Check.That(BitsOf(actual.Rows[i].Score) == BitsOf(expected.Rows[i].Score));
            SamePairs(actual.Rows[i].Attributes, expected.Rows[i].Attributes);
        }
        SamePairs(actual.Aggregates, expected.Aggregates);
        Check.That(actual.Groups.Count == expected.Groups.Count);
        for (int i = 0; i < expected.Groups.Count; i++)
        {
            SamePairs(actual.Groups[i].Keys, expected.Groups[i].Keys);
            SamePairs(actual.Groups[i].Aggregates, expected.Groups[i].Aggregates);
        }
    }

    private static ulong BitsOf(float? score) =>
        score is float value ? BitConverter.SingleToUInt32Bits(value) : ulong.MaxValue;

    private static void SamePairs(List<KeyValuePair<string, Value>> actual, List<KeyValuePair<string, Value>> expected)
    {
        Check.That(actual.Count == expected.Count);
        foreach (KeyValuePair<string, Value> wanted in expected)
        {
            bool found = false;
            foreach (KeyValuePair<string, Value> pair in actual)
                found |= pair.Key == wanted.Key && pair.Value.Equals(wanted.Value);
            Check.That(found);
        }
    }
}
