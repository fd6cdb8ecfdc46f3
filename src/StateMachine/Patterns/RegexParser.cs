using System;
using System.Text;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Turns a regular expression in the dialect of Rust's regex crate into a program: alternatives, groups
/// (plain, <c>(?:…)</c>, named), <c>* + ? {m,n}</c> (greedy or not, which makes no difference to whether there is a
/// match), classes, <c>\d \w \s</c> on Unicode, <c>^ $ \A \z \b \B</c>, flags i, m, s. What no automaton can do
/// (look-around, back references) and some rarer things are refused with the place. Nothing is expanded beyond the
/// code's memory.</summary>
public ref partial struct RegexParser
{
    private const int GroupDepthMax = 32;
    private const int RepetitionsMax = 100_000;
    private const int Unbounded = -1;

    private readonly ReadOnlySpan<byte> _text;
    private readonly PatternCode _code;
    private readonly CodeSet _set;
    private Flags _flags;
    private int _at;

    /// <param name="text">The expression, valid UTF-8.</param>
    /// <param name="code">Takes the program; begun.</param>
    /// <param name="set">To work with.</param>
    public RegexParser(ReadOnlySpan<byte> text, PatternCode code, CodeSet set)
    {
        _text = text;
        _code = code;
        _set = set;
    }

    [Flags]
    private enum Flags
    {
        None = 0,
        IgnoreCase = 1,
        MultiLine = 2,
        DotAll = 4,
    }

    /// <summary>What is wrong with the text; empty if nothing is.</summary>
    public ReadOnlySpan<byte> Problem { get; private set; }

    /// <summary>The byte at which it is.</summary>
    public int Position { get; private set; }

    private readonly bool Ended => _at == _text.Length;
    private readonly bool Stopped => !Problem.IsEmpty || _code.Overflowed;
    private readonly int Peek => Ended ? -1 : _text[_at];

    public bool TryParse()
    {
        ParseAlternatives(0);
        if (!Stopped && !Ended) Fail("a ) without a ("u8, _at);
        _code.Emit(PatternOperation.Match);
        return Problem.IsEmpty;
    }

    private void Fail(ReadOnlySpan<byte> problem, int position)
    {
        if (!Problem.IsEmpty) return;
        Problem = problem;
        Position = position;
    }

    private readonly bool Has(Flags flag) => (_flags & flag) != 0;

    private readonly bool At(ReadOnlySpan<byte> next) => _text[_at..].StartsWith(next);

    private int Take()
    {
        _ = Rune.DecodeFromUtf8(_text[_at..], out Rune rune, out int size);
        _at += size;
        return rune.Value;
    }

    private bool TryTake(char next)
    {
        if (Peek != next) return false;
        _at++;
        return true;
    }

    private void ParseAlternatives(int depth)
    {
        PatternAlternatives alternatives = new(_code);
        do
        {
            int begin = _code.Count;
            ParseBranch(depth);
            if (Stopped) return;
            alternatives.Add(begin);
        }
        while (TryTake('|'));
        alternatives.End();
    }

    /// <summary>Up to a bar, a closing parenthesis or the end.</summary>
    private void ParseBranch(int depth)
    {
        while (!Ended && !Stopped && Peek is not ('|' or ')'))
        {
            int position = _at;
            int begin = _code.Count;
            bool repeatable = ParseAtom(depth);
            while (!Stopped && Peek is '*' or '+' or '?' or '{')
            {
                if (!repeatable) Fail("a repetition of nothing"u8, _at);
                else ParseRepetition(begin);
            }
            Check.That(Stopped || _at > position);
        }
    }

    /// <summary>False: there is nothing that could be repeated.</summary>
    private bool ParseAtom(int depth)
    {
        int position = _at;
        if (Peek is '*' or '+' or '?' or '{') return false;
        int code = Take();
        bool lines = Has(Flags.MultiLine);
        switch (code)
        {
            case '(': return ParseGroup(position, depth);
            case '[': ParseClass(position); break;
            case '\\': ParseEscape(position); break;
            case '.': EmitDot(); break;
            case '^': EmitAssertion(lines ? PatternAssertion.LineStart : PatternAssertion.TextStart); break;
            case '$': EmitAssertion(lines ? PatternAssertion.LineEnd : PatternAssertion.TextEnd); break;
            default: EmitCode(code); break;
        }
        return true;
    }

    private readonly void EmitAssertion(PatternAssertion assertion) =>
        _code.Emit(PatternOperation.Assert, (int)assertion);

    private readonly void EmitCode(int code) => _code.EmitCode(code, Has(Flags.IgnoreCase), _set);

    private readonly void EmitDot()
    {
        _set.Clear();
        if (Has(Flags.DotAll)) _set.Add(0, CodeSet.CodeMax);
        else _set.Add(['\n', '\n'], negated: true);
        _code.EmitSet(_set);
    }

    /// <summary>False if it was flags for the rest of the group around it.</summary>
    private bool ParseGroup(int position, int depth)
    {
        Flags before = _flags;
        bool opens = !TryTake('?') || ParseGroupKind(position);
        if (!opens || Stopped) return false;
        if (depth == GroupDepthMax)
        {
            Fail("groups that are nested too deeply"u8, position);
            return false;
        }
        ParseAlternatives(depth + 1);
        if (!Stopped && !TryTake(')')) Fail("a ( without a )"u8, position);
        _flags = before;
        return true;
    }

    /// <summary>What stands between (? and the group's content.</summary>
    private bool ParseGroupKind(int position)
    {
        if (TryTake(':')) return true;
        if (At("="u8) || At("!"u8) || At("<="u8) || At("<!"u8))
        {
            Fail("look-around, which is not supported"u8, position);
            return false;
        }
        if (At("P="u8) || At("P>"u8))
        {
            Fail("a back reference, which is not supported"u8, position);
            return false;
        }
        if (!At("<"u8) && !At("P<"u8)) return ParseFlags(position);
        _at += At("<"u8) ? 1 : 2;
        int start = _at;
        while (!Ended && IsNameByte(_text[_at])) _at++;
        if (_at == start || !TryTake('>')) Fail("a group whose name does not end"u8, position);
        return true;
    }

    private static bool IsNameByte(byte b) => b is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'A' and <= (byte)'Z')
        or (>= (byte)'a' and <= (byte)'z') or (byte)'_' or (byte)'.' or (byte)'[' or (byte)']';

    private bool ParseFlags(int position)
    {
        bool on = true;
        bool any = false;
        while (!Ended)
        {
            int start = _at;
            int code = Take();
            Flags flag = code switch
            {
                'i' => Flags.IgnoreCase,
                'm' => Flags.MultiLine,
                's' => Flags.DotAll,
                _ => Flags.None,
            };
            if (code is ':' or ')' && any) return code == ':';
            bool harmless = code == 'U' || (code == 'u' && on);
            bool turns = code == '-' && on;
            if (flag == Flags.None && !harmless && !turns)
            {
                Fail("a flag that is not one of i, m, s"u8, start);
                return false;
            }
            any = !turns;
            if (turns) on = false;
            _flags = on ? _flags | flag : _flags & ~flag;
        }
        Fail("a ( without a )"u8, position);
        return false;
    }

    /// <summary>Repeats the code from <paramref name="begin"/> on as the next characters say.</summary>
    private void ParseRepetition(int begin)
    {
        int position = _at;
        int least = 0;
        int most = Unbounded;
        switch (Take())
        {
            case '*': break;
            case '+': least = 1; break;
            case '?': most = 1; break;
            default: ParseCounts(position, out least, out most); break;
        }
        TryTake('?');
        int length = _code.Count - begin;
        if (Stopped || length == 0) return;
        if (most == 0) _code.Truncate(begin);
        else if (least == 0) RepeatFromNone(begin, length, most);
        else RepeatFromOne(begin, length, least, most);
    }

    private readonly void RepeatFromNone(int begin, int length, int most)
    {
        _code.Insert(begin, PatternOperation.Split, 1, most == Unbounded ? length + 2 : length + 1);
        if (most == Unbounded) _code.Emit(PatternOperation.Jump, -(length + 1));
        else EmitOptional(begin + 1, length, most - 1);
        if (!_code.Overflowed && most != Unbounded) _code.SetSecondTarget(begin, _code.Count - begin);
    }

    private readonly void RepeatFromOne(int begin, int length, int least, int most)
    {
        for (int i = 1; i < least && !_code.Overflowed; i++) _code.Copy(begin, length);
        if (most == Unbounded) _code.Emit(PatternOperation.Split, -length, 1);
        else EmitOptional(begin, length, most - least);
    }

    /// <summary>Appends copies of a block, each of which needs those before it: any of them goes on to the
    /// end.</summary>
    private readonly void EmitOptional(int block, int length, int count)
    {
        int from = _code.Count;
        for (int i = 0; i < count && !_code.Overflowed; i++)
        {
            _code.Emit(PatternOperation.Split, 1);
            _code.Copy(block, length);
        }
        if (_code.Overflowed) return;
        for (int split = from; split < _code.Count; split += length + 1)
            _code.SetSecondTarget(split, _code.Count - split);
    }

    /// <summary>Behind the opening brace: m}, m,} or m,n}.</summary>
    private void ParseCounts(int position, out int least, out int most)
    {
        least = 0;
        most = 0;
        bool hasLeast = TryCount(out least);
        bool comma = TryTake(',');
        bool hasMost = comma && TryCount(out most);
        if (!TryTake('}') || (!hasLeast && !hasMost))
        {
            Fail("a { that begins no repetition"u8, position);
            return;
        }
        if (!comma) most = least;
        else if (!hasMost) most = Unbounded;
        if (least > RepetitionsMax || most > RepetitionsMax) Fail("more repetitions than there may be"u8, position);
        else if (most != Unbounded && most < least) Fail("repetitions that end before they start"u8, position);
    }

    private bool TryCount(out int count)
    {
        count = 0;
        int start = _at;
        for (; !Ended && _text[_at] is >= (byte)'0' and <= (byte)'9'; _at++)
            if (count <= RepetitionsMax) count = count * 10 + (_text[_at] - '0');
        return _at > start;
    }
}
