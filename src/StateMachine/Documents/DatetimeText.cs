using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Documents;

/// <summary>ISO 8601 in the extended form, years 0000 to 9999: a date, or a date and a time joined by T or a space,
/// with an optional fraction of a second (cut to milliseconds) and an optional zone (Z or ±hh:mm); no zone means
/// UTC.</summary>
public static class DatetimeText
{
    private const long MillisecondsPerDay = 86_400_000;

    public static bool TryParse(ReadOnlySpan<byte> text, out long milliseconds)
    {
        milliseconds = 0;
        Cursor at = new(text);
        if (!at.Digits(4, out int year) || !at.Take('-') || !at.Digits(2, out int month) || !at.Take('-')) return false;
        if (!at.Digits(2, out int day)) return false;
        if (month is < 1 or > 12 || day < 1 || day > DaysInMonth(year, month)) return false;
        milliseconds = DaysSince1970(year, month, day) * MillisecondsPerDay;
        if (at.AtEnd) return true;
        if (!at.Take('T') && !at.Take('t') && !at.Take(' ')) return false;
        if (!TryTime(ref at, out long time)) return false;
        if (!TryZone(ref at, out long zone)) return false;
        milliseconds += time - zone;
        return at.AtEnd;
    }

    private static bool TryTime(ref Cursor at, out long milliseconds)
    {
        milliseconds = 0;
        int second = 0;
        int fraction = 0;
        if (!at.Digits(2, out int hour) || !at.Take(':') || !at.Digits(2, out int minute)) return false;
        if (at.Take(':'))
        {
            if (!at.Digits(2, out second)) return false;
            if ((at.Take('.') || at.Take(',')) && !at.Fraction(out fraction)) return false;
        }
        if (hour > 23 || minute > 59 || second > 59) return false;
        milliseconds = ((hour * 60L + minute) * 60 + second) * 1000 + fraction;
        return true;
    }

    private static bool TryZone(ref Cursor at, out long milliseconds)
    {
        milliseconds = 0;
        if (at.AtEnd || at.Take('Z') || at.Take('z')) return true;
        bool east = at.Take('+');
        if (!east && !at.Take('-')) return false;
        if (!at.Digits(2, out int hour)) return false;
        at.Take(':');
        if (!at.Digits(2, out int minute) || hour > 23 || minute > 59) return false;
        milliseconds = (hour * 60L + minute) * 60_000 * (east ? 1 : -1);
        return true;
    }

    private static bool IsLeap(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    private static int DaysInMonth(int year, int month) => month switch
    {
        2 => IsLeap(year) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    /// <summary>Days of the proleptic Gregorian calendar, counted in years that begin in March so that the leap day
    /// comes last; 719,468 is the number of 1970-01-01.</summary>
    private static long DaysSince1970(int year, int month, int day)
    {
        Check.That(month is >= 1 and <= 12);
        int shifted = month <= 2 ? year + 399 : year + 400;
        int yearDay = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
        long days = shifted * 365L + shifted / 4 - shifted / 100 + shifted / 400 + yearDay;
        return days - 719_468 - 146_097;
    }

    private ref struct Cursor(ReadOnlySpan<byte> text)
    {
        private ReadOnlySpan<byte> _rest = text;

        public readonly bool AtEnd => _rest.IsEmpty;

        public bool Take(char expected)
        {
            if (_rest.IsEmpty || _rest[0] != expected) return false;
            _rest = _rest[1..];
            return true;
        }

        public bool Digits(int count, out int value)
        {
            value = 0;
            if (_rest.Length < count) return false;
            for (int i = 0; i < count; i++)
            {
                if (_rest[i] is < (byte)'0' or > (byte)'9') return false;
                value = value * 10 + (_rest[i] - '0');
            }
            _rest = _rest[count..];
            return true;
        }

        /// <summary>One digit or more; the first three count.</summary>
        public bool Fraction(out int milliseconds)
        {
            milliseconds = 0;
            int digits = 0;
            while (!_rest.IsEmpty && _rest[0] is >= (byte)'0' and <= (byte)'9')
            {
                if (digits < 3) milliseconds = milliseconds * 10 + (_rest[0] - '0');
                digits++;
                _rest = _rest[1..];
            }
            for (int i = digits; i < 3; i++) milliseconds *= 10;
            return digits > 0;
        }
    }
}
