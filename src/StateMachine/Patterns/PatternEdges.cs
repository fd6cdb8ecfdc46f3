using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>What stands at one side of a place in a text, as far as assertions ask for it.</summary>
[Flags]
public enum TextEdges : byte
{
    None = 0,
    Start = 1,
    End = 2,
    Newline = 4,
    Word = 8,
}

/// <summary>Assertions by the two sides of a place.</summary>
public static class PatternEdges
{
    public static TextEdges Of(int code)
    {
        if (code == '\n') return TextEdges.Newline;
        return CodeTables.IsWord(code) ? TextEdges.Word : TextEdges.None;
    }

    public static bool Holds(PatternAssertion assertion, TextEdges before, TextEdges after)
    {
        bool boundary = ((before ^ after) & TextEdges.Word) != 0;
        switch (assertion)
        {
            case PatternAssertion.TextStart: return (before & TextEdges.Start) != 0;
            case PatternAssertion.TextEnd: return (after & TextEdges.End) != 0;
            case PatternAssertion.LineStart: return (before & (TextEdges.Start | TextEdges.Newline)) != 0;
            case PatternAssertion.LineEnd: return (after & (TextEdges.End | TextEdges.Newline)) != 0;
            case PatternAssertion.WordBoundary: return boundary;
            default:
                Check.That(assertion == PatternAssertion.NotWordBoundary);
                return !boundary;
        }
    }
}
