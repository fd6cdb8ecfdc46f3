using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.StateMachine.Patterns;

namespace Deterministic.Fuzz;

/// <summary>Reads bytes as globs, as a regular expression and as a fuzzy text, and matches what was read. The input: a
/// byte that cuts the rest into pattern and text.</summary>
internal sealed class PatternTarget
{
    private static readonly string[] Pieces =
    [
        "a", "b", "é", "日", ".", "*", "+", "?", "(", ")", "|", "[", "]", "^", "$", "-", "\\", "\\d", "\\w", "\\b", "{",
        "}", ",", "2", "{2,9}", "{,3}", "[^a-z]", "[[:alpha:]]", "(?i)", "(?:", "(?<n>", "**/", "/**", "\\x{e9}", "!",
    ];

    private readonly PatternMatcher _matcher = new();
    private readonly FuzzyMatcher _fuzzy = new();

    public static byte[] Generate(TapeStream tape)
    {
        StringBuilder pattern = new();
        for (int i = tape.Below(16); i > 0; i--) pattern.Append(tape.Pick<string>(Pieces));
        byte[] bytes = Encoding.UTF8.GetBytes(pattern.ToString());
        return [(byte)int.Min(bytes.Length, 255), .. bytes, .. Encoding.UTF8.GetBytes("ab a-é日\n2bba/x")];
    }

    public void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        if (input.IsEmpty) return;
        int cut = int.Min(input[0], input.Length - 1);
        ReadOnlySpan<byte> pattern = input.Slice(1, int.Min(cut, Limits.PatternSizeMax));
        ReadOnlySpan<byte> text = input[(1 + cut)..];
        foreach (PatternSyntax syntax in Enum.GetValues<PatternSyntax>())
        {
            _matcher.Clear();
            bool added = _matcher.TryAdd(syntax, pattern, out PatternFault fault);
            tally.Count(added);
            Check.That(added || fault.TooComplex || !fault.Problem.IsEmpty);
            Check.That(fault.Position <= pattern.Length);
            if (added) Match(text);
        }
        _fuzzy.Clear();
        if (FuzzyMatcher.Length(pattern) <= 2) return;
        if (_fuzzy.TryAdd(pattern, 2, caseSensitive: false)) _fuzzy.Matches(0, text);
    }

    /// <summary>Twice, for the second time the states are there already.</summary>
    private void Match(ReadOnlySpan<byte> text)
    {
        _matcher.BeginWork(long.MaxValue, keepsStates: false);
        bool first = _matcher.Matches(0, text);
        long work = _matcher.Work;
        Check.That(work <= (text.Length + 1L) * (8 * _matcher.CodeSize + 1L) + 1);
        Check.That(_matcher.Matches(0, text) == first && _matcher.Work <= 2 * work);
    }
}
