using System;
using System.Text;
using Deterministic.StateMachine.Patterns;

namespace Deterministic.StateMachine.Tests.Patterns;

/// <summary>One pattern at a time.</summary>
public static class Pattern
{
    public static PatternMatcher Of(PatternSyntax syntax, string pattern)
    {
        PatternMatcher matcher = new();
        bool added = matcher.TryAdd(syntax, Encoding.UTF8.GetBytes(pattern), out PatternFault fault);
        if (!added) throw new FormatException($"{pattern}: {Encoding.UTF8.GetString(fault.Problem)}");
        return matcher;
    }

    public static bool Matches(PatternSyntax syntax, string pattern, string text) =>
        Of(syntax, pattern).Matches(0, Encoding.UTF8.GetBytes(text));

    public static bool Matches(this PatternMatcher matcher, string text) =>
        matcher.Matches(0, Encoding.UTF8.GetBytes(text));

    /// <summary>Such as "3: a ( without a )", or "too complex".</summary>
    public static string Fault(PatternSyntax syntax, string pattern)
    {
        bool added = new PatternMatcher().TryAdd(syntax, Encoding.UTF8.GetBytes(pattern), out PatternFault fault);
        if (added) return "none";
        return fault.TooComplex ? "too complex" : $"{fault.Position}: {Encoding.UTF8.GetString(fault.Problem)}";
    }
}
