using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.StateMachine;
using Deterministic.StateMachine.Text;

namespace Deterministic.Simulator.Oracle;

/// <summary>A token of a text and its place in it.</summary>
internal readonly struct NaiveToken(byte[] text, int position)
{
    public byte[] Text { get; } = text;
    public int Position { get; } = position;

    public bool Is(NaiveToken other) => Text.AsSpan().SequenceEqual(other.Text);

    public bool StartsWith(NaiveToken prefix) => Text.AsSpan().StartsWith(prefix.Text);
}

/// <summary>Turns text into tokens with the production analyzer, whose own tests hold it against published tables, and
/// answers token filters from them: every text is analysed again each time, nothing is indexed.</summary>
internal sealed class NaiveText : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;

    public NaiveText(int textSizeMax)
    {
        _analyzer = new Analyzer(_memory);
        _tokens = new TokenBuffer(_memory, textSizeMax, 6 * textSizeMax);
    }

    public List<NaiveToken> Analyze(FullTextOptions options, Value text)
    {
        _tokens.Clear();
        ReadOnlySpan<Value> parts = text.Kind == ValueKind.Array ? text.AsArray : [text];
        foreach (Value part in parts)
        {
            bool fits = _analyzer.Analyze(OptionsOf(options), part.AsUtf8, _tokens, _tokens.NextPosition);
            Check.That(fits);
        }
        List<NaiveToken> tokens = [];
        for (int i = 0; i < _tokens.Count; i++)
            tokens.Add(new NaiveToken(_tokens.Text(i).ToArray(), _tokens.Position(i)));
        return tokens;
    }

    /// <summary>Whether a value passes a token filter. No tokens to look for match nothing.</summary>
    public bool Matches(Filter filter, FullTextOptions options, Value value)
    {
        if (value.IsNull) return false;
        List<NaiveToken> wanted = Analyze(options, filter.Operand);
        List<NaiveToken> held = Analyze(options, value);
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

    private static TextOptions OptionsOf(FullTextOptions options)
    {
        byte[] bytes = new byte[16];
        Core.Wire.WireWriter writer = new(bytes);
        options.Write(ref writer);
        return MemoryMarshal.Read<TextOptions>(bytes);
    }

    public void Dispose() => _memory.Dispose();
}
