using System;
using System.Text;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>The texts of one request's fuzzy filters, and whether a value has a part that is within so many edits of
/// one: insertions, removals and replacements of code points. The table of distances is kept column by column, and of a
/// column only the cells that can still lead to a match (Ukkonen's cut-off), so that a code point of the value costs at
/// most the text's length and mostly a few steps.</summary>
public sealed class FuzzyMatcher
{
    /// <summary>Code points of all texts.</summary>
    public const int PointsMax = 1 << 15;


    private readonly int[] _points = new int[PointsMax];
    private readonly Entry[] _entries = new Entry[Limits.PatternsMax];
    private readonly int[] _column = new int[Limits.PatternSizeMax + 1];
    private long _workMax = long.MaxValue;

    public int Count { get; private set; }

    /// <summary>Code points of all texts.</summary>
    public int Size { get; private set; }

    /// <summary>Steps since <see cref="BeginWork"/>.</summary>
    public long Work { get; private set; }

    public void Clear()
    {
        Count = 0;
        Size = 0;
    }

    /// <param name="workMax">Steps after which every answer is no.</param>
    public void BeginWork(long workMax)
    {
        Work = 0;
        _workMax = workMax;
    }

    public static int Length(ReadOnlySpan<byte> text)
    {
        int length = 0;
        foreach (byte b in text) length += (b & 0xC0) != 0x80 ? 1 : 0;
        return length;
    }

    /// <summary>Adds text number <see cref="Count"/>; false if there is no room.</summary>
    /// <param name="text">Valid UTF-8.</param>
    /// <param name="distance">Edits allowed, fewer than the text's code points.</param>
    /// <param name="caseSensitive">Whether case makes a difference.</param>
    public bool TryAdd(ReadOnlySpan<byte> text, int distance, bool caseSensitive)
    {
        Check.That(Count < _entries.Length && text.Length <= Limits.PatternSizeMax);
        int length = Length(text);
        Check.That(distance >= 0 && distance < length);
        if (length > _points.Length - Size) return false;
        _entries[Count++] = new Entry
        {
            Start = Size, Length = length, Distance = distance, CaseSensitive = caseSensitive,
        };
        while (!text.IsEmpty) _points[Size++] = Take(ref text, caseSensitive);
        return true;
    }

    public bool Matches(int number, ReadOnlySpan<byte> value)
    {
        Check.That(number >= 0 && number < Count);
        Entry entry = _entries[number];
        ReadOnlySpan<int> wanted = _points.AsSpan(entry.Start, entry.Length);
        for (int i = 0; i <= wanted.Length; i++) _column[i] = i;
        Work += wanted.Length;
        int last = entry.Distance + 1;
        while (!value.IsEmpty && Work <= _workMax)
        {
            int point = Take(ref value, entry.CaseSensitive);
            int above = 0;
            int diagonal = 0;
            for (int i = 1; i <= last; i++)
            {
                int left = _column[i];
                int cell = wanted[i - 1] == point
                    ? diagonal : Math32.Min(diagonal, Math32.Min(above, left)) + 1;
                diagonal = left;
                above = cell;
                _column[i] = cell;
            }
            Work += last;
            while (_column[last] > entry.Distance) last--;
            if (last == wanted.Length) return true;
            last++;
        }
        return false;
    }

    private static int Take(ref ReadOnlySpan<byte> text, bool caseSensitive)
    {
        _ = Rune.DecodeFromUtf8(text, out Rune rune, out int size);
        text = text[size..];
        return caseSensitive ? rune.Value : CaseFamilies.Instance.Canonical(rune.Value);
    }

    private struct Entry
    {
        public int Start;
        public int Length;
        public int Distance;
        public bool CaseSensitive;
    }
}
