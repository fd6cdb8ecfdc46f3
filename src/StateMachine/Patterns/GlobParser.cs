using System;
using System.Text;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Turns a glob into a program for whole values: <c>?</c> one character, <c>*</c> any number,
/// <c>[ab-d]</c> and <c>[!a]</c> classes, <c>{a,b}</c> alternatives (nested; empty ones are left out), <c>\</c>
/// takes the next one literally; <c>**/</c> at the start, <c>/**/</c> and <c>/**</c> at the end match
/// directories. Slashes are matched by <c>*</c>, <c>?</c> and classes.</summary>
public ref struct GlobParser
{
    private const int AlternativesDepthMax = 32;

    private readonly ReadOnlySpan<byte> _text;
    private readonly PatternCode _code;
    private readonly CodeSet _set;
    private readonly bool _ignoreCase;
    private int _at;

    /// <summary>The character taken last, or -1.</summary>
    private int _previous = -1;

    /// <summary>Where the code of the last token begins if it was a slash or stands for directories, else
    /// -1.</summary>
    private int _slash = -1;

    /// <param name="text">The glob, valid UTF-8.</param>
    /// <param name="code">Takes the program; begun.</param>
    /// <param name="set">To work with.</param>
    /// <param name="ignoreCase">Whether case makes no difference.</param>
    public GlobParser(ReadOnlySpan<byte> text, PatternCode code, CodeSet set, bool ignoreCase)
    {
        _text = text;
        _code = code;
        _set = set;
        _ignoreCase = ignoreCase;
    }

    /// <summary>What is wrong with the text; empty if nothing is.</summary>
    public ReadOnlySpan<byte> Problem { get; private set; }

    /// <summary>The byte at which it is.</summary>
    public int Position { get; private set; }

    public bool TryParse()
    {
        int begin = _code.Count;
        ParseSequence(0);
        if (Problem.IsEmpty && !_code.Overflowed && _at < _text.Length) Fail("a } without a {"u8, _at);
        // Directories and nothing else: everything.
        if (_slash == begin && _code.Count > begin && _code[begin].Operation == PatternOperation.Split)
        {
            _code.Truncate(begin);
            EmitAnyNumber();
        }
        _code.Emit(PatternOperation.Assert, (int)PatternAssertion.TextEnd);
        _code.Emit(PatternOperation.Match);
        return Problem.IsEmpty;
    }

    private void Fail(ReadOnlySpan<byte> problem, int position)
    {
        Problem = problem;
        Position = position;
    }

    private readonly int Peek => _at < _text.Length ? _text[_at] : -1;

    private int Take()
    {
        _ = Rune.DecodeFromUtf8(_text[_at..], out Rune rune, out int size);
        _at += size;
        _previous = rune.Value;
        return rune.Value;
    }

    /// <summary>Up to the end or, inside of braces, to a comma or a closing brace.</summary>
    private void ParseSequence(int depth)
    {
        bool first = true;
        _slash = -1;
        for (; _at < _text.Length && Problem.IsEmpty && !_code.Overflowed; first = false)
        {
            int start = _at;
            int before = _previous;
            int slash = _slash;
            if (Peek == '}' || (Peek == ',' && depth > 0)) return;
            int code = Take();
            _slash = -1;
            switch (code)
            {
                case '?':
                    EmitAny();
                    break;
                case '*':
                    ParseStar(first, before, slash, depth);
                    break;
                case '[':
                    ParseClass(start);
                    break;
                case '{':
                    ParseAlternatives(start, depth);
                    break;
                case '\\' when _at == _text.Length:
                    Fail("a \\ with nothing behind it"u8, start);
                    break;
                default:
                    if (code == '\\') code = Take();
                    if (code == '/') _slash = _code.Count;
                    EmitOne(code);
                    break;
            }
        }
    }

    private void ParseStar(bool first, int before, int slash, int depth)
    {
        if (Peek != '*')
        {
            EmitAnyNumber();
            return;
        }
        Take();
        bool closes = Peek < 0 || depth > 0 && Peek is ',' or '}';
        if (!first && before != '/' || Peek != '/' && !(closes && (!first || Peek < 0)))
        {
            // Two stars that stand for no directories are as good as one.
            EmitAnyNumber();
            return;
        }
        bool suffix = Peek != '/';
        if (!suffix) Take();
        bool atStart = first || slash >= 0 && _code[slash].Operation == PatternOperation.Split;
        if (!first)
        {
            Check.That(slash >= 0);
            _code.Truncate(slash);
        }
        _slash = _code.Count;
        if (!atStart) EmitOne('/');
        if (suffix && !atStart) EmitAnyNumber();
        else EmitDirectories();
    }

    /// <summary>Nothing, or anything that ends with a slash.</summary>
    private void EmitDirectories()
    {
        _code.Emit(PatternOperation.Split, 1, 5);
        EmitAnyNumber();
        EmitOne('/');
    }

    private void EmitAnyNumber()
    {
        _code.Emit(PatternOperation.Split, 1, 3);
        EmitAny();
        _code.Emit(PatternOperation.Jump, -2);
    }

    private readonly void EmitAny()
    {
        _set.Clear();
        _set.Add(0, CodeSet.CodeMax);
        _code.EmitSet(_set);
    }

    private readonly void EmitOne(int code) => _code.EmitCode(code, _ignoreCase, _set);

    private void ParseClass(int start)
    {
        bool negated = Peek is '!' or '^';
        if (negated) Take();
        _set.Clear();
        bool first = true;
        bool inRange = false;
        int low = -1;
        int high = -1;
        for (; ; first = false)
        {
            if (_at == _text.Length)
            {
                Fail("a [ without a ]"u8, start);
                return;
            }
            int position = _at;
            int code = Take();
            if (code == ']' && !first) break;
            if (code == '-' && !first && !inRange)
            {
                inRange = true;
                continue;
            }
            if (inRange && code < low)
            {
                Fail("a range of characters whose end is before its start"u8, position);
                return;
            }
            if (!inRange)
            {
                if (low >= 0) _set.Add(low, high);
                low = code;
            }
            high = code;
            inRange = false;
        }
        _set.Add(low, high);
        if (inRange) _set.Add('-', '-');
        _set.Normalize();
        if (_ignoreCase) _set.CloseUnderCase(CaseFamilies.Instance);
        if (negated) _set.Negate();
        _code.EmitSet(_set);
    }

    private void ParseAlternatives(int start, int depth)
    {
        if (depth == AlternativesDepthMax)
        {
            Fail("braces that are nested too deeply"u8, start);
            return;
        }
        PatternAlternatives alternatives = new(_code);
        while (true)
        {
            int begin = _code.Count;
            ParseSequence(depth + 1);
            if (!Problem.IsEmpty || _code.Overflowed) return;
            if (_at == _text.Length)
            {
                Fail("a { without a }"u8, start);
                return;
            }
            if (_code.Count > begin) alternatives.Add(begin);
            if (Take() == '}') break;
        }
        alternatives.End();
        _slash = -1;
    }
}
