using System;
using System.Collections.Generic;
using System.Globalization;
using Deterministic.Core;

namespace Deterministic.Simulator.Oracle;

/// <summary>What the size of the state can be: never less than the bare rows, never above the limit; and nothing is
/// refused while less than a tenth of the limit is used, unless the limit is so small that what one request might add,
/// which production estimates from above, is most of it.</summary>
internal sealed class StateBounds(long limit)
{
    /// <summary>Bytes that one request of a small message might add.</summary>
    private const long GrowthMax = 4 << 20;

    /// <summary>Bytes that a change by filter might add to one row.</summary>
    private const long RowGrowthMax = 256 << 10;

    public void CheckAccepted(SortedDictionary<string, NaiveNamespace> namespaces) =>
        Check.That(BareBytes(namespaces) <= limit, "the state has grown beyond its limit");

    /// <param name="namespaces">Before the write that was refused.</param>
    /// <param name="message">Names the size of the state, what the request may add, and the limit.</param>
    public void CheckRefused(SortedDictionary<string, NaiveNamespace> namespaces, string message)
    {
        // How many blocks are free is not for the oracle to know; that it does not happen often is checked at the end.
        if (message.StartsWith("the data file has ", StringComparison.Ordinal)) return;
        string[] words = message.Split(' ', ',');
        long[] numbers = new long[3];
        int count = 0;
        foreach (string word in words)
        {
            bool number = long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long parsed);
            if (number && count < numbers.Length) numbers[count++] = parsed;
        }
        (long size, long growth, long said) = (numbers[0], numbers[1], numbers[2]);
        string expected = $"state has {size} bytes and this request may add {growth}, limit is {limit} " +
            "(set when the cluster was formatted); deletes still work";
        Check.That(message == expected, $"a full state in other words: {message}");
        Check.That(said == limit && size <= limit && growth > limit - size, "a refusal that its own numbers deny");
        Check.That(size >= BareBytes(namespaces), "a state smaller than its rows");
        // A change by filter gives what the message holds to every row.
        long bound = GrowthMax + Rows(namespaces) * RowGrowthMax;
        bool early = size <= limit / 10 && growth > bound;
        Check.That(!early, $"refused with less than a tenth of the limit used: {message}");
    }

    private static long Rows(SortedDictionary<string, NaiveNamespace> namespaces)
    {
        long rows = 0;
        foreach (KeyValuePair<string, NaiveNamespace> pair in namespaces) rows += pair.Value.Rows.Count;
        return rows;
    }

    private static long BareBytes(SortedDictionary<string, NaiveNamespace> namespaces)
    {
        long bytes = 0;
        foreach (KeyValuePair<string, NaiveNamespace> pair in namespaces) bytes += (long)pair.Value.LogicalBytes;
        return bytes;
    }
}
