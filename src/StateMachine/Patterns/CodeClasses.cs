using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Parts the code points into classes that no set of a pattern tells apart, so that the automaton's rows are
/// short. Kept for all patterns of a request.</summary>
public sealed class CodeClasses
{
    private const int AsciiCount = 128;

    /// <summary>Intervals of one pattern, and so its classes.</summary>
    private const int IntervalsMax = 8192;
    private const int TotalMax = 1 << 16;

    private readonly int[] _starts = new int[TotalMax];
    private readonly ushort[] _classes = new ushort[TotalMax];
    private readonly int[] _samples = new int[TotalMax];
    private readonly ushort[] _ascii = new ushort[Limits.PatternsMax * AsciiCount];
    private readonly Part[] _parts = new Part[Limits.PatternsMax];
    private int[] _workStarts = new int[IntervalsMax];
    private int[] _workClasses = new int[IntervalsMax];
    private int[] _spareStarts = new int[IntervalsMax];
    private int[] _spareClasses = new int[IntervalsMax];
    private readonly bool[] _outside = new bool[IntervalsMax];
    private readonly int[] _renamed = new int[IntervalsMax];
    private int _workCount;
    private int _classCount;
    private int _used;
    private int _samplesUsed;
    private bool _overflowed;

    public void Clear()
    {
        _used = 0;
        _samplesUsed = 0;
    }

    /// <summary>Starts with one class.</summary>
    public void Begin()
    {
        _workCount = 1;
        _workStarts[0] = 0;
        _workClasses[0] = 0;
        _classCount = 1;
        _overflowed = false;
    }

    /// <summary>Tells the code points of a normal set apart from all others.</summary>
    public void Tell(ReadOnlySpan<CodeRange> set)
    {
        if (_overflowed || !Cut(set)) return;
        _outside.AsSpan(0, _classCount).Clear();
        _renamed.AsSpan(0, _classCount).Clear();
        int before = _classCount;
        int range = 0;
        for (int i = 0; i < _workCount; i++)
            if (!IsInside(set, _workStarts[i], ref range)) _outside[_workClasses[i]] = true;
        range = 0;
        for (int i = 0; i < _workCount; i++)
        {
            int old = _workClasses[i];
            if (!IsInside(set, _workStarts[i], ref range) || !_outside[old]) continue;
            if (_renamed[old] == 0) _renamed[old] = _classCount++;
            _workClasses[i] = _renamed[old];
        }
        Check.That(_classCount >= before && _classCount <= _workCount);
    }

    /// <summary>Keeps the classes as those of a pattern; false if there are too many.</summary>
    public bool TryKeep(int pattern)
    {
        Check.That(pattern >= 0 && pattern < _parts.Length);
        if (_overflowed || _workCount > TotalMax - _used || _classCount > TotalMax - _samplesUsed) return false;
        _parts[pattern] = new Part
        {
            Start = _used, Count = _workCount, SampleStart = _samplesUsed, ClassCount = _classCount,
        };
        for (int i = _workCount - 1; i >= 0; i--)
        {
            _starts[_used + i] = _workStarts[i];
            _classes[_used + i] = (ushort)_workClasses[i];
            _samples[_samplesUsed + _workClasses[i]] = _workStarts[i];
        }
        _used += _workCount;
        _samplesUsed += _classCount;
        for (int code = 0; code < AsciiCount; code++)
            _ascii[pattern * AsciiCount + code] = (ushort)Find(pattern, code);
        return true;
    }

    public int Count(int pattern) => _parts[pattern].ClassCount;

    /// <summary>The classes of ASCII.</summary>
    public ReadOnlySpan<ushort> Ascii(int pattern) => _ascii.AsSpan(pattern * AsciiCount, AsciiCount);

    /// <summary>A code point of a class, which stands for all of them.</summary>
    public int Sample(int pattern, int number)
    {
        Check.That(number >= 0 && number < _parts[pattern].ClassCount);
        return _samples[_parts[pattern].SampleStart + number];
    }

    public int Find(int pattern, int code)
    {
        Part part = _parts[pattern];
        int low = part.Start;
        int high = part.Start + part.Count;
        while (high - low > 1)
        {
            int middle = (low + high) >> 1;
            if (_starts[middle] <= code) low = middle;
            else high = middle;
        }
        return _classes[low];
    }

    /// <summary>Makes every end of a range the start of an interval; false if there are too many.</summary>
    private bool Cut(ReadOnlySpan<CodeRange> set)
    {
        if (_workCount + 2 * set.Length > IntervalsMax)
        {
            _overflowed = true;
            return false;
        }
        int used = 0;
        int bound = 0;
        for (int i = 0; i < _workCount; i++)
        {
            int end = i + 1 < _workCount ? _workStarts[i + 1] : CodeSet.CodeMax + 1;
            _spareStarts[used] = _workStarts[i];
            _spareClasses[used++] = _workClasses[i];
            for (; bound < 2 * set.Length && Bound(set, bound) < end; bound++)
            {
                if (Bound(set, bound) == _spareStarts[used - 1]) continue;
                _spareStarts[used] = Bound(set, bound);
                _spareClasses[used++] = _workClasses[i];
            }
        }
        (_workStarts, _spareStarts) = (_spareStarts, _workStarts);
        (_workClasses, _spareClasses) = (_spareClasses, _workClasses);
        _workCount = used;
        return true;
    }

    private static int Bound(ReadOnlySpan<CodeRange> set, int index) =>
        (index & 1) == 0 ? set[index >> 1].First : set[index >> 1].Last + 1;

    /// <summary>For ascending code points.</summary>
    private static bool IsInside(ReadOnlySpan<CodeRange> set, int code, ref int range)
    {
        while (range < set.Length && set[range].Last < code) range++;
        return range < set.Length && set[range].First <= code;
    }

    private struct Part
    {
        public int Start;
        public int Count;
        public int SampleStart;
        public int ClassCount;
    }
}
