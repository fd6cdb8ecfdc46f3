using System;
using Deterministic.Core;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Code points from <see cref="First"/> to <see cref="Last"/>, both included.</summary>
public struct CodeRange
{
    public int First;
    public int Last;
}

/// <summary>A set of code points while a pattern is read: add ranges in any order, then <see cref="Normalize"/>.
/// A set that gets too many ranges, or all sets since <see cref="BeginWork"/> too much work, is marked and takes no
/// more: few bytes of a pattern can ask for many ranges.</summary>
public sealed class CodeSet
{
    public const int CodeMax = 0x10FFFF;
    private const int RangesMax = 8192;

    /// <summary>Steps for all patterns of a request; about a nanosecond to ten each.</summary>
    private const long WorkMax = 1 << 25;

    /// <summary>Steps for each range that is sorted.</summary>
    private const int SortSteps = 16;

    private CodeRange[] _ranges = new CodeRange[RangesMax];
    private CodeRange[] _spare = new CodeRange[RangesMax];
    private long _work;

    public int Count { get; private set; }
    public bool Overflowed { get; private set; }
    public ReadOnlySpan<CodeRange> Ranges => _ranges.AsSpan(0, Count);

    /// <summary>Forgets what sets have cost so far.</summary>
    public void BeginWork() => _work = 0;

    public void Clear()
    {
        Count = 0;
        Overflowed = _work > WorkMax;
    }

    public void Add(int first, int last)
    {
        Check.That(first >= 0 && first <= last && last <= CodeMax);
        _work++;
        if (Overflowed) return;
        if (Count == RangesMax) Normalize();
        if (Count == RangesMax) Overflowed = true;
        else _ranges[Count++] = new CodeRange { First = first, Last = last };
    }

    /// <summary>Adds pairs of first and last code points, or all that lie between them.</summary>
    public void Add(ReadOnlySpan<int> pairs, bool negated)
    {
        Check.That(pairs.Length % 2 == 0);
        int from = 0;
        for (int i = 0; i < pairs.Length; i += 2)
        {
            if (!negated) Add(pairs[i], pairs[i + 1]);
            else if (pairs[i] > from) Add(from, pairs[i] - 1);
            from = pairs[i + 1] + 1;
        }
        if (negated && from <= CodeMax) Add(from, CodeMax);
    }

    /// <summary>Puts the ranges in ascending order with gaps between them.</summary>
    public void Normalize()
    {
        _work += (long)Count * SortSteps;
        if (_work > WorkMax) Overflowed = true;
        HeapSort.Sort(_ranges.AsSpan(0, Count), new ByFirst());
        int used = 0;
        for (int i = 0; i < Count; i++)
        {
            CodeRange range = _ranges[i];
            if (used > 0 && range.First <= _ranges[used - 1].Last + 1)
                _ranges[used - 1].Last = Math32.Max(_ranges[used - 1].Last, range.Last);
            else
                _ranges[used++] = range;
        }
        Count = used;
    }

    /// <summary>Turns a normal set into what it leaves out.</summary>
    public void Negate()
    {
        int used = 0;
        int from = 0;
        for (int i = 0; i <= Count; i++)
        {
            int end = i == Count ? CodeMax + 1 : _ranges[i].First;
            if (end > from && used == RangesMax) Overflowed = true;
            else if (end > from) _spare[used++] = new CodeRange { First = from, Last = end - 1 };
            if (i < Count) from = _ranges[i].Last + 1;
        }
        (_ranges, _spare) = (_spare, _ranges);
        Count = used;
    }

    /// <summary>Adds to a normal set the code points that differ from its own only in case; it is normal
    /// again afterwards.</summary>
    public void CloseUnderCase(CaseFamilies families)
    {
        int own = Count;
        int at = 0;
        for (int i = 0; i < families.Points.Length && !Overflowed; i++)
        {
            _work++;
            int point = families.Points[i];
            while (at < own && _ranges[at].Last < point) at++;
            if (at == own) break;
            if (_ranges[at].First > point) continue;
            foreach (int member in families.MembersAt(i))
            {
                if (Count == RangesMax) Overflowed = true;
                else _ranges[Count++] = new CodeRange { First = member, Last = member };
            }
        }
        Normalize();
    }

    public static bool Contains(ReadOnlySpan<CodeRange> ranges, int code)
    {
        int low = 0;
        int high = ranges.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (ranges[middle].Last < code) low = middle + 1;
            else high = middle;
        }
        return low < ranges.Length && ranges[low].First <= code;
    }

    private readonly struct ByFirst : IOrder<CodeRange>
    {
        public int Compare(in CodeRange left, in CodeRange right)
        {
            int order = left.First.CompareTo(right.First);
            return order != 0 ? order : left.Last.CompareTo(right.Last);
        }
    }
}
