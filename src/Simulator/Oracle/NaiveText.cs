using System;
using System.Collections.Generic;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>A token of a text and its place in it.</summary>
internal readonly struct NaiveToken(byte[] text, int position)
{
    public byte[] Text { get; } = text;
    public int Position { get; } = position;

    public bool Is(NaiveToken other) => Text.AsSpan().SequenceEqual(other.Text);

    public bool StartsWith(NaiveToken prefix) => Text.AsSpan().StartsWith(prefix.Text);
}

/// <summary>Answers token filters by looking through the tokens of a text: nothing is indexed.</summary>
internal static class NaiveText
{
    public static List<NaiveToken> Analyze(FullTextOptions options, Value text)
    {
        List<NaiveToken> tokens = [];
        int position = 0;
        ReadOnlySpan<Value> parts = text.Kind == ValueKind.Array ? text.AsArray : [text];
        foreach (Value part in parts) NaiveWords.Tokenize(options, part.AsString, ref position, tokens);
        return tokens;
    }

    /// <summary>Whether a row passes a token filter. No tokens to look for match nothing.</summary>
    public static bool Matches(Filter filter, FullTextOptions options, NaiveRow row)
    {
        if (row.Get(filter.Attribute).IsNull) return false;
        List<NaiveToken> wanted = Analyze(options, filter.Operand);
        List<NaiveToken> held = row.Tokens(filter.Attribute, options);
        if (wanted.Count == 0) return false;
        if (filter.Operator == FilterOperator.ContainsTokenSequence) return HasSequence(filter, wanted, held);
        int found = 0;
        for (int i = 0; i < wanted.Count; i++)
        {
            bool any = false;
            foreach (NaiveToken token in held) any |= Equals(filter, wanted, i, token);
            if (any) found++;
        }
        return filter.Operator == FilterOperator.ContainsAllTokens ? found == wanted.Count : found > 0;
    }

    /// <summary>Somewhere the wanted tokens stand at the distances that they have among themselves.</summary>
    private static bool HasSequence(Filter filter, List<NaiveToken> wanted, List<NaiveToken> held)
    {
        foreach (NaiveToken start in held)
        {
            int found = 0;
            for (int i = 0; i < wanted.Count; i++)
            {
                int place = start.Position + wanted[i].Position - wanted[0].Position;
                foreach (NaiveToken token in held)
                {
                    if (token.Position != place || !Equals(filter, wanted, i, token)) continue;
                    found++;
                    break;
                }
            }
            if (found == wanted.Count) return true;
        }
        return false;
    }

    private static bool Equals(Filter filter, List<NaiveToken> wanted, int index, NaiveToken token) =>
        filter.LastAsPrefix && index == wanted.Count - 1 ? token.StartsWith(wanted[index]) : token.Is(wanted[index]);
}
