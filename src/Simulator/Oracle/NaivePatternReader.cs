using System.Collections.Generic;
using System.Text;
using Deterministic.Core;

namespace Deterministic.Simulator.Oracle;

/// <summary>Reads the globs and regular expressions that the workload writes, which are right.</summary>
internal sealed class NaivePatternReader(string text, bool isGlob, bool ignoreCase)
{
    private const int LastPoint = 0x10FFFF;

    private bool _ignoreCase = ignoreCase;
    private int _at;

    public NaivePattern Read()
    {
        if (!isGlob && text.StartsWith("(?i)", System.StringComparison.Ordinal))
        {
            _ignoreCase = true;
            _at = 4;
        }
        NaivePattern pattern = ReadEither('|', '\0');
        Check.That(_at == text.Length);
        return pattern;
    }

    private char Next => _at < text.Length ? text[_at] : '\0';

    private NaivePattern ReadEither(char separator, char end)
    {
        List<NaivePattern> choices = [ReadSequence(separator, end)];
        bool separates = !isGlob || end != '\0';
        while (separates && Next == separator)
        {
            _at++;
            choices.Add(ReadSequence(separator, end));
        }
        return NaivePattern.Either(choices);
    }

    private NaivePattern ReadSequence(char separator, char end)
    {
        List<NaivePattern> parts = [];
        while (_at < text.Length && Next != end)
        {
            if (Next == separator && (!isGlob || end != '\0')) break;
            NaivePattern part = isGlob ? ReadGlobPart() : ReadRegexPart();
            if (!isGlob) part = ReadRepetition(part);
            parts.Add(part);
        }
        return NaivePattern.Sequence(parts);
    }

    private NaivePattern One()
    {
        _ = Rune.TryGetRuneAt(text, _at, out Rune rune);
        _at += rune.Utf16SequenceLength;
        return NaivePattern.Of(false, _ignoreCase, (rune.Value, rune.Value));
    }

    private NaivePattern ReadGlobPart()
    {
        switch (Next)
        {
            case '*':
                _at++;
                return NaivePattern.Repeat(NaivePattern.Of(false, false, (0, LastPoint)), 0, -1);
            case '?':
                _at++;
                return NaivePattern.Of(false, false, (0, LastPoint));
            case '[': return ReadClass('!');
            case '{':
                _at++;
                NaivePattern choice = ReadEither(',', '}');
                _at++;
                return choice;
            default: return One();
        }
    }

    private NaivePattern ReadRegexPart()
    {
        switch (Next)
        {
            case '.':
                _at++;
                return NaivePattern.Of(true, false, ('\n', '\n'));
            case '^' or '$': return NaivePattern.Anchor(text[_at++]);
            case '[': return ReadClass('^');
            case '(':
                _at++;
                NaivePattern group = ReadEither('|', ')');
                _at++;
                return group;
            case '\\':
                char escape = text[_at + 1];
                _at += 2;
                if (escape == 'b') return NaivePattern.Anchor(escape);
                Check.That(escape is 'd' or 'w');
                return escape == 'd' ? NaivePattern.Of(false, false, ('0', '9')) : Word();
            default: return One();
        }
    }

    /// <summary>Every letter and digit below the emoji.</summary>
    private static NaivePattern Word()
    {
        List<(int, int)> ranges = [];
        for (int point = 0; point < 0xA000; point++)
        {
            if (NaivePattern.IsWord(point)) ranges.Add((point, point));
        }
        return NaivePattern.Of(false, false, ranges.ToArray());
    }

    /// <summary>One range between brackets.</summary>
    private NaivePattern ReadClass(char not)
    {
        bool negated = text[_at + 1] == not;
        _at += negated ? 2 : 1;
        Check.That(text[_at + 1] == '-' && text[_at + 3] == ']');
        (int First, int Last) range = (text[_at], text[_at + 2]);
        _at += 4;
        return NaivePattern.Of(negated, _ignoreCase, range);
    }

    private NaivePattern ReadRepetition(NaivePattern part)
    {
        switch (Next)
        {
            case '*': _at++; return NaivePattern.Repeat(part, 0, -1);
            case '+': _at++; return NaivePattern.Repeat(part, 1, -1);
            case '?': _at++; return NaivePattern.Repeat(part, 0, 1);
            case '{':
                int least = text[_at + 1] - '0';
                int most = text[_at + 3] - '0';
                Check.That(text[_at + 4] == '}' && least <= most);
                _at += 5;
                return NaivePattern.Repeat(part, least, most);
            default: return part;
        }
    }
}
