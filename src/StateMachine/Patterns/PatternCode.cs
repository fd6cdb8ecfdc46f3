using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

public enum PatternOperation : byte
{
    /// <summary>Takes one code point of set X, then goes on behind itself.</summary>
    Set,

    /// <summary>Goes on at both X and Y, counted from itself.</summary>
    Split,

    /// <summary>Goes on at X, counted from itself.</summary>
    Jump,

    /// <summary>Goes on behind itself if <see cref="PatternAssertion"/> X holds here.</summary>
    Assert,
    Match,
}

/// <summary>What an assertion asks of the place between two code points.</summary>
public enum PatternAssertion
{
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordBoundary,
    NotWordBoundary,
}

/// <summary>One step of a pattern. Targets are relative, so that blocks can be moved and copied.</summary>
public struct PatternInstruction
{
    public PatternOperation Operation;
    public int X;
    public int Y;
}

/// <summary>Programs and sets of code points of all patterns of a request, in fixed memory. What does not fit is
/// dropped and <see cref="Overflowed"/> tells; a program is run only if it fitted.</summary>
public sealed class PatternCode
{
    /// <summary>Instructions of all patterns of a request.</summary>
    public const int TotalMax = 4 * Limits.PatternCodeMax;
    private const int RangesMax = 1 << 16;

    private readonly PatternInstruction[] _instructions = new PatternInstruction[TotalMax];
    private readonly CodeRange[] _ranges = new CodeRange[RangesMax];
    private readonly int[] _setStarts = new int[TotalMax + 1];
    private int _setCount;
    private int _firstSet;
    private int _first;

    /// <summary>Instructions so far; the index of the next.</summary>
    public int Count { get; private set; }
    public bool Overflowed { get; private set; }
    public int FirstSet => _firstSet;
    public int SetCount => _setCount;

    public ref readonly PatternInstruction this[int index] => ref _instructions[index];

    public ReadOnlySpan<CodeRange> Set(int index) => _ranges.AsSpan(_setStarts[index].._setStarts[index + 1]);

    public void Clear()
    {
        Count = 0;
        _setCount = 0;
        _setStarts[0] = 0;
    }

    /// <summary>Starts the next pattern's program.</summary>
    public void Begin()
    {
        Overflowed = false;
        _first = Count;
        _firstSet = _setCount;
    }

    /// <summary>Takes the program begun last away again.</summary>
    public void Abandon()
    {
        Count = _first;
        _setCount = _firstSet;
    }

    public void Emit(PatternOperation operation, int x = 0, int y = 0) => Insert(Count, operation, x, y);

    /// <summary>Puts an instruction before those from <paramref name="at"/> on.</summary>
    public void Insert(int at, PatternOperation operation, int x = 0, int y = 0)
    {
        Check.That(at >= _first && at <= Count);
        if (!HasRoom(1)) return;
        _instructions.AsSpan(at, Count - at).CopyTo(_instructions.AsSpan(at + 1));
        _instructions[at] = new PatternInstruction { Operation = operation, X = x, Y = y };
        Count++;
    }

    /// <summary>Appends a copy of a block that jumps only within itself and to its end.</summary>
    public void Copy(int at, int length)
    {
        Check.That(at >= _first && length >= 0 && at + length <= Count);
        if (!HasRoom(length)) return;
        _instructions.AsSpan(at, length).CopyTo(_instructions.AsSpan(Count));
        Count += length;
    }

    public void Truncate(int at)
    {
        Check.That(at >= _first && at <= Count);
        Count = at;
    }

    public void SetTarget(int at, int x) => _instructions[at].X = x;

    public void SetSecondTarget(int at, int y) => _instructions[at].Y = y;

    /// <summary>Appends an instruction that takes one code point.</summary>
    /// <param name="code">It.</param>
    /// <param name="ignoreCase">Whether those that differ only in case will do.</param>
    /// <param name="set">To work with.</param>
    public void EmitCode(int code, bool ignoreCase, CodeSet set)
    {
        set.Clear();
        set.Add(code, code);
        if (ignoreCase)
        {
            foreach (int member in CaseFamilies.Instance.MembersOf(code)) set.Add(member, member);
            set.Normalize();
        }
        EmitSet(set);
    }

    /// <summary>Appends an instruction that takes one code point of a normal set.</summary>
    public void EmitSet(CodeSet set)
    {
        ReadOnlySpan<CodeRange> ranges = set.Ranges;
        if (set.Overflowed || ranges.Length > _ranges.Length - _setStarts[_setCount])
        {
            Overflowed = true;
            return;
        }
        for (int i = _firstSet; i < _setCount; i++)
        {
            if (!Same(Set(i), ranges)) continue;
            Emit(PatternOperation.Set, i);
            return;
        }
        if (!HasRoom(1)) return;
        ranges.CopyTo(_ranges.AsSpan(_setStarts[_setCount]));
        _setStarts[_setCount + 1] = _setStarts[_setCount] + ranges.Length;
        Emit(PatternOperation.Set, _setCount++);
    }

    private bool HasRoom(int instructions)
    {
        bool fits = Count - _first + instructions <= Limits.PatternCodeMax && Count + instructions <= TotalMax;
        if (!fits) Overflowed = true;
        return fits;
    }

    private static bool Same(ReadOnlySpan<CodeRange> left, ReadOnlySpan<CodeRange> right)
    {
        if (left.Length != right.Length) return false;
        for (int i = 0; i < left.Length; i++)
            if (left[i].First != right[i].First || left[i].Last != right[i].Last) return false;
        return true;
    }
}
