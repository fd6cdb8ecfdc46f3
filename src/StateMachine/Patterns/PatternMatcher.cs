using System;
using System.Text.Unicode;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

public enum PatternSyntax
{
    Glob,
    GlobIgnoringCase,
    Regex,
}

/// <summary>Why a text is no pattern: what is wrong and at which byte; or <see cref="TooComplex"/>.</summary>
public ref struct PatternFault
{
    public ReadOnlySpan<byte> Problem { get; init; }
    public int Position { get; init; }
    public bool TooComplex { get; init; }
}

/// <summary>The patterns of one request: add them all, then ask which texts match. An answer costs work that is linear
/// in the text, whatever the pattern, and the same work wherever it is asked. All memory is taken at
/// construction.</summary>
public sealed class PatternMatcher
{
    private readonly PatternCode _code = new();
    private readonly CodeClasses _classes = new();
    private readonly CodeSet _set = new();
    private readonly PatternAutomaton _automaton;

    public PatternMatcher() => _automaton = new PatternAutomaton(_code, _classes);

    public int Count { get; private set; }

    /// <summary>Instructions of all patterns.</summary>
    public int CodeSize => _code.Count;

    /// <summary>Steps taken since <see cref="BeginWork"/>: bytes of texts and, eightfold, instructions.</summary>
    public long Work => _automaton.Work;

    /// <summary>Forgets all patterns.</summary>
    public void Clear()
    {
        _set.BeginWork();
        if (Count == 0) return;
        Count = 0;
        _code.Clear();
        _classes.Clear();
        _automaton.Clear();
    }

    /// <summary>Starts a pass over texts.</summary>
    /// <param name="workMax">Steps after which every answer is no.</param>
    /// <param name="keepsStates">Whether what has been learnt is kept; the number of steps depends on it.</param>
    public void BeginWork(long workMax, bool keepsStates)
    {
        if (Count > 0 && !keepsStates) _automaton.Flush();
        _automaton.Work = 0;
        _automaton.WorkMax = workMax;
    }

    /// <summary>Adds pattern number <see cref="Count"/>.</summary>
    public bool TryAdd(PatternSyntax syntax, ReadOnlySpan<byte> text, out PatternFault fault)
    {
        Check.That(Count < Limits.PatternsMax && text.Length <= Limits.PatternSizeMax);
        fault = default;
        if (!Utf8.IsValid(text))
        {
            fault = new PatternFault { Problem = "bytes that are not UTF-8"u8 };
            return false;
        }
        int start = _code.Count;
        _code.Begin();
        bool fits = TryParse(syntax, text, out fault) && !_code.Overflowed && TryClassify(start);
        if (fits)
        {
            PatternInstruction first = _code[start];
            bool fromStart = first.Operation == PatternOperation.Assert
                && first.X == (int)PatternAssertion.TextStart;
            _automaton.Add(start, anywhere: syntax == PatternSyntax.Regex && !fromStart);
            Count++;
            return true;
        }
        if (fault.Problem.IsEmpty) fault = new PatternFault { TooComplex = true };
        _code.Abandon();
        return false;
    }

    public bool Matches(int pattern, ReadOnlySpan<byte> text) => _automaton.Matches(pattern, text);

    private bool TryParse(PatternSyntax syntax, ReadOnlySpan<byte> text, out PatternFault fault)
    {
        bool parsed;
        if (syntax == PatternSyntax.Regex)
        {
            RegexParser parser = new(text, _code, _set);
            parsed = parser.TryParse();
            fault = new PatternFault { Problem = parser.Problem, Position = parser.Position };
        }
        else
        {
            GlobParser parser = new(text, _code, _set, syntax == PatternSyntax.GlobIgnoringCase);
            parsed = parser.TryParse();
            fault = new PatternFault { Problem = parser.Problem, Position = parser.Position };
        }
        return parsed;
    }

    /// <summary>Parts the code points as the sets of the new program, and its assertions, ask for.</summary>
    private bool TryClassify(int start)
    {
        _classes.Begin();
        bool lines = false;
        bool words = false;
        for (int i = start; i < _code.Count; i++)
        {
            if (_code[i].Operation != PatternOperation.Assert) continue;
            PatternAssertion assertion = (PatternAssertion)_code[i].X;
            lines |= assertion is PatternAssertion.LineStart or PatternAssertion.LineEnd;
            words |= assertion is PatternAssertion.WordBoundary or PatternAssertion.NotWordBoundary;
        }
        _set.Clear();
        _set.Add('\n', '\n');
        if (lines) _classes.Tell(_set.Ranges);
        _set.Clear();
        _set.Add(CodeTables.Word, negated: false);
        if (words) _classes.Tell(_set.Ranges);
        for (int i = _code.FirstSet; i < _code.SetCount; i++) _classes.Tell(_code.Set(i));
        return !_set.Overflowed && _classes.TryKeep(Count);
    }
}
