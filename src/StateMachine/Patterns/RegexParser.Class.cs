using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Escapes and classes.</summary>
public ref partial struct RegexParser
{
    private const int NoCode = -1;

    private void ParseEscape(int position)
    {
        if (At("b{"u8) || At("<"u8) || At(">"u8))
        {
            Fail("a word edge other than \\b and \\B"u8, position);
            return;
        }
        switch (Peek)
        {
            case 'b': _at++; EmitAssertion(PatternAssertion.WordBoundary); return;
            case 'B': _at++; EmitAssertion(PatternAssertion.NotWordBoundary); return;
            case 'A': _at++; EmitAssertion(PatternAssertion.TextStart); return;
            case 'z': _at++; EmitAssertion(PatternAssertion.TextEnd); return;
        }
        _set.Clear();
        int code = TakeEscaped(position);
        if (Stopped) return;
        if (code != NoCode)
        {
            EmitCode(code);
            return;
        }
        _set.Normalize();
        _code.EmitSet(_set);
    }

    /// <summary>Behind a backslash: a code point, or <see cref="NoCode"/> for a class, which the set takes.</summary>
    private int TakeEscaped(int position)
    {
        if (Ended)
        {
            Fail("a \\ with nothing behind it"u8, position);
            return NoCode;
        }
        int code = Take();
        switch (code)
        {
            case 'd' or 'D': _set.Add(CodeTables.Digit, code == 'D'); return NoCode;
            case 'w' or 'W': _set.Add(CodeTables.Word, code == 'W'); return NoCode;
            case 's' or 'S': _set.Add(CodeTables.Space, code == 'S'); return NoCode;
            case 'n': return '\n';
            case 't': return '\t';
            case 'r': return '\r';
            case 'f': return '\f';
            case 'v': return '\v';
            case 'a': return '\a';
            case 'x': return TakeHexadecimal(2, position);
            case 'u': return TakeHexadecimal(4, position);
            case 'U': return TakeHexadecimal(8, position);
            case >= '0' and <= '9' or 'k':
                Fail("a back reference, which is not supported"u8, position);
                return NoCode;
            case 'p' or 'P':
                Fail("a Unicode property, which is not supported"u8, position);
                return NoCode;
        }
        bool letter = code is >= 'A' and <= 'Z' or >= 'a' and <= 'z';
        if (letter || code is < ' ' or >= 0x7F or '<' or '>') Fail("an escape that has no meaning"u8, position);
        return code;
    }

    /// <summary>As many digits, or any number between braces.</summary>
    private int TakeHexadecimal(int digits, int position)
    {
        bool braces = TryTake('{');
        int code = 0;
        int taken = 0;
        for (; !Ended && (braces || taken < digits); taken++)
        {
            int digit = Digit(_text[_at]);
            if (digit < 0) break;
            code = Math32.Min(code * 16 + digit, CodeSet.CodeMax + 1);
            _at++;
        }
        bool closed = !braces || TryTake('}');
        bool surrogate = code is >= 0xD800 and <= 0xDFFF;
        if (!closed || taken == 0 || (!braces && taken < digits) || surrogate || code > CodeSet.CodeMax)
            Fail("a code point that is none"u8, position);
        return code;
    }

    private static int Digit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };

    private void ParseClass(int position)
    {
        bool negated = TryTake('^');
        _set.Clear();
        bool first = true;
        while (first || Peek != ']')
        {
            if (Ended) Fail("a [ without a ]"u8, position);
            else if (first && Peek == '-') ParseHyphens();
            else ParseItem();
            if (Stopped) return;
            first = false;
        }
        _at++;
        _set.Normalize();
        if (Has(Flags.IgnoreCase)) _set.CloseUnderCase(CaseFamilies.Instance);
        if (negated) _set.Negate();
        _code.EmitSet(_set);
    }

    /// <summary>Hyphens at the start of a class stand for themselves.</summary>
    private void ParseHyphens()
    {
        while (TryTake('-')) _set.Add('-', '-');
    }

    /// <summary>A character, a range, or a class by name.</summary>
    private void ParseItem()
    {
        int position = _at;
        if (At("[:"u8) && TryPosix()) return;
        if (Peek == '[')
        {
            Fail("a class in a class; a bracket is \\["u8, position);
            return;
        }
        if (At("&&"u8) || At("--"u8) || At("~~"u8))
        {
            Fail("an operation on classes, which is not supported"u8, position);
            return;
        }
        int low = TakeItem();
        if (Stopped) return;
        bool range = Peek == '-' && !At("-]"u8) && !At("--"u8) && _at + 1 < _text.Length;
        if (!range)
        {
            if (low != NoCode) _set.Add(low, low);
            return;
        }
        _at++;
        int high = Peek == '[' ? NoCode : TakeItem();
        if (Stopped) return;
        if (low == NoCode || high == NoCode) Fail("a range whose ends are no characters"u8, position);
        else if (high < low) Fail("a range of characters whose end is before its start"u8, position);
        else _set.Add(low, high);
    }

    private int TakeItem()
    {
        int position = _at;
        return TryTake('\\') ? TakeEscaped(position) : Take();
    }

    /// <summary>Such as [:alpha:] or [:^digit:]; false if there is no such name.</summary>
    private bool TryPosix()
    {
        ReadOnlySpan<byte> rest = _text[(_at + 2)..];
        int end = rest.IndexOf(":]"u8);
        if (end < 0) return false;
        bool negated = rest.StartsWith("^"u8);
        ReadOnlySpan<int> pairs = CodeTables.Posix(rest[(negated ? 1 : 0)..end]);
        if (pairs.IsEmpty) return false;
        _set.Add(pairs, negated);
        _at += 2 + end + 2;
        return true;
    }
}
