using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;

namespace Deterministic.Simulator.Linearizability;

internal enum TextKind : byte
{
    Get,
    Put,
    Append,
}

/// <summary>An operation on the text of a key; of a get, <see cref="Text"/> is what it found.</summary>
internal readonly struct TextOperation(TextKind kind, string text)
{
    public TextKind Kind { get; } = kind;
    public string Text { get; init; } = text;
}

/// <summary>A key of a key-value store whose value is a text, empty at first.</summary>
internal readonly struct TextModel : ISequentialModel<TextOperation, string>
{
    public string Initial => "";

    public string Apply(string state, in TextOperation operation, out bool agrees)
    {
        agrees = operation.Kind != TextKind.Get || state == operation.Text;
        return operation.Kind switch
        {
            TextKind.Get => state,
            TextKind.Put => operation.Text,
            _ => state + operation.Text,
        };
    }

    public bool MayChange(in TextOperation operation, bool returned) => operation.Kind != TextKind.Get;

    public bool Resets(in TextOperation operation, out string state)
    {
        state = operation.Text;
        return operation.Kind == TextKind.Put;
    }

    /// <summary>What was read begins with the state, and the rest of it consists of what others append.</summary>
    public bool MayLead(string state, List<TextOperation> others, in TextOperation read)
    {
        string text = read.Text;
        if (!text.StartsWith(state, StringComparison.Ordinal)) return false;
        Span<bool> reached = new bool[text.Length + 1];
        reached[state.Length] = true;
        for (int i = state.Length; i < text.Length; i++)
        {
            if (!reached[i]) continue;
            foreach (TextOperation other in others)
            {
                if (other.Kind == TextKind.Append && text.AsSpan(i).StartsWith(other.Text, StringComparison.Ordinal))
                    reached[i + other.Text.Length] = true;
            }
        }
        return reached[text.Length];
    }

    public bool AreEqual(string left, string right) => left == right;

    public ulong Hash(string state)
    {
        UInt128 checksum = Checksum.Of(Encoding.UTF8.GetBytes(state));
        return unchecked((ulong)checksum);
    }

    public string Describe(string state) => $"\"{state}\"";

    public string Describe(in TextOperation operation, bool returned)
    {
        string text = operation.Kind == TextKind.Get && !returned ? "?" : Describe(operation.Text);
        return operation.Kind switch
        {
            TextKind.Get => $"get {text}",
            TextKind.Put => $"put {text}",
            _ => $"append {text}",
        };
    }
}
