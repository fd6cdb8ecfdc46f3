using System;
using System.Numerics;
using System.Text;
using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Runs the programs of a request's patterns over texts: an automaton whose states are made when a text first
/// leads to them, and thrown away all together when their memory is full. Each byte of a text costs at most a walk over
/// the program, whatever the pattern, and mostly one look into a row. All memory is taken at construction.
/// <para>A state is its row: <see cref="HeaderSize"/> numbers, then what follows for every class of code points and,
/// last, for the end of the text.</para></summary>
public sealed class PatternAutomaton
{
    private const int RowsMax = 1 << 18;
    private const int KernelsMax = 1 << 18;
    private const int TableSize = 1 << 13;
    private const int StatesMax = TableSize / 2;

    /// <summary>A look at an instruction takes as long as so many bytes that lead to states which are there.</summary>
    private const int VisitSteps = 8;

    /// <summary>Pattern, place of the kernel, its size, what stands before.</summary>
    private const int HeaderSize = 4;
    private const int Unknown = 0;
    private const int Dead = 1;
    private const int Matched = 2;

    private readonly PatternCode _code;
    private readonly CodeClasses _classes;
    private readonly Entry[] _entries = new Entry[Limits.PatternsMax];
    private readonly byte[] _edges = new byte[1 << 16];
    private readonly int[] _rows = new int[RowsMax];
    private readonly int[] _kernels = new int[KernelsMax];
    private readonly int[] _table = new int[TableSize];
    private readonly int[] _stack = new int[Limits.PatternCodeMax];
    private readonly ulong[] _seen = new ulong[Limits.PatternCodeMax / 64];
    private readonly ulong[] _next = new ulong[Limits.PatternCodeMax / 64];
    private readonly int[] _kernel = new int[Limits.PatternCodeMax];
    private int _patterns;
    private int _edgesUsed;
    private int _stackCount;
    private int _states;
    private int _rowsUsed;
    private int _kernelsUsed;
    private long _flushes;

    public PatternAutomaton(PatternCode code, CodeClasses classes)
    {
        _code = code;
        _classes = classes;
        Flush();
    }

    /// <summary>Bytes and, eightfold, instructions looked at since the caller set it.</summary>
    public long Work { get; set; }

    /// <summary>From this much work on every answer is no.</summary>
    public long WorkMax { get; set; } = long.MaxValue;

    public void Clear()
    {
        Flush();
        _patterns = 0;
        _edgesUsed = 0;
    }

    /// <summary>Forgets all states, so that the work for the same texts is the same again.</summary>
    public void Flush()
    {
        if (_states > 0) _table.AsSpan().Clear();
        _states = 0;
        _rowsUsed = HeaderSize;
        _kernelsUsed = 0;
        _flushes++;
        for (int i = 0; i < _patterns; i++) _entries[i].State = Unknown;
    }

    /// <summary>Takes the program from <paramref name="start"/> to the end of the code as the next pattern, whose
    /// classes are there already.</summary>
    /// <param name="start">Index of the program's first instruction.</param>
    /// <param name="anywhere">Whether a match may begin behind the text's start.</param>
    public void Add(int start, bool anywhere)
    {
        int classes = _classes.Count(_patterns);
        Check.That(start < _code.Count && _code[_code.Count - 1].Operation == PatternOperation.Match);
        Check.That(classes <= _edges.Length - _edgesUsed);
        ref Entry entry = ref _entries[_patterns];
        entry = new Entry { Start = start, End = _code.Count, Edges = _edgesUsed, Anywhere = anywhere };
        for (int i = start; i < entry.End; i++)
        {
            bool asks = _code[i].Operation == PatternOperation.Assert;
            entry.LooksBack |= asks && _code[i].X is not ((int)PatternAssertion.TextEnd or
                (int)PatternAssertion.LineEnd);
        }
        for (int i = 0; i < classes; i++) _edges[_edgesUsed++] = (byte)PatternEdges.Of(_classes.Sample(_patterns, i));
        _patterns++;
    }

    public bool Matches(int pattern, ReadOnlySpan<byte> text)
    {
        Check.That(pattern >= 0 && pattern < _patterns);
        if (Work > WorkMax) return false;
        ref Entry entry = ref _entries[pattern];
        if (entry.State == Unknown)
        {
            _next.AsSpan(0, Words(entry)).Clear();
            if (!entry.Anywhere) _next[0] = 1;
            entry.State = Intern(pattern, entry.LooksBack ? TextEdges.Start : TextEdges.None);
        }
        ReadOnlySpan<ushort> ascii = _classes.Ascii(pattern);
        int state = entry.State;
        int next = state;
        int at = 0;
        while (at < text.Length)
        {
            int number;
            if (text[at] < 0x80)
            {
                number = ascii[text[at++]];
            }
            else
            {
                _ = Rune.DecodeFromUtf8(text[at..], out Rune rune, out int size);
                number = _classes.Find(pattern, rune.Value);
                at += size;
            }
            next = _rows[state + number];
            if (next == Unknown) next = Build(pattern, state, number);
            if (next <= Matched) break;
            state = next;
        }
        Work += at + 1;
        if (next is Dead or Matched) return next == Matched;
        int last = _classes.Count(pattern);
        next = _rows[state + last];
        if (next == Unknown) next = Build(pattern, state, last);
        return next == Matched;
    }

    private static int Words(in Entry entry) => (entry.End - entry.Start + 63) >> 6;

    /// <summary>What follows on a state for a class of code points, or for the end of the text.</summary>
    private int Build(int pattern, int state, int number)
    {
        ref Entry entry = ref _entries[pattern];
        bool end = number == _classes.Count(pattern);
        int sample = end ? -1 : _classes.Sample(pattern, number);
        TextEdges before = (TextEdges)_rows[state - 1];
        TextEdges after = end ? TextEdges.End : (TextEdges)_edges[entry.Edges + number];
        _seen.AsSpan(0, Words(entry)).Clear();
        _next.AsSpan(0, Words(entry)).Clear();
        _stackCount = 0;
        foreach (int at in _kernels.AsSpan(_rows[state - 3], _rows[state - 2])) Push(entry, entry.Start + at);
        if (entry.Anywhere) Push(entry, entry.Start);
        int next = Unknown;
        while (_stackCount > 0 && next == Unknown) Visit(entry, _stack[--_stackCount], sample, before, after, ref next);
        if (Work > WorkMax) return Dead;
        bool stuck = !entry.Anywhere && !_next.AsSpan(0, Words(entry)).ContainsAnyExcept(0UL);
        if (next == Unknown && (end || stuck)) next = Dead;
        long flushes = _flushes;
        if (next == Unknown) next = Intern(pattern, entry.LooksBack ? after : TextEdges.None);
        if (flushes == _flushes) _rows[state + number] = next;
        return next;
    }

    private void Push(in Entry entry, int at)
    {
        int bit = at - entry.Start;
        if ((_seen[bit >> 6] >> (bit & 63) & 1) != 0) return;
        _seen[bit >> 6] |= 1UL << (bit & 63);
        _stack[_stackCount++] = at;
    }

    private void Visit(in Entry entry, int at, int sample, TextEdges before, TextEdges after, ref int next)
    {
        Work += VisitSteps;
        PatternInstruction instruction = _code[at];
        switch (instruction.Operation)
        {
            case PatternOperation.Match:
                next = Matched;
                break;
            case PatternOperation.Jump:
                Push(entry, at + instruction.X);
                break;
            case PatternOperation.Split:
                Push(entry, at + instruction.X);
                Push(entry, at + instruction.Y);
                break;
            case PatternOperation.Assert:
                if (PatternEdges.Holds((PatternAssertion)instruction.X, before, after)) Push(entry, at + 1);
                break;
            default:
                if (sample < 0 || !CodeSet.Contains(_code.Set(instruction.X), sample)) break;
                int bit = at + 1 - entry.Start;
                _next[bit >> 6] |= 1UL << (bit & 63);
                break;
        }
    }

    /// <summary>The state with the kernel that the bits of <see cref="_next"/> tell: found, or made.</summary>
    private int Intern(int pattern, TextEdges before)
    {
        int count = 0;
        uint hash = unchecked((uint)pattern * 0x9E3779B1u ^ (uint)before);
        for (int word = 0; word < Words(_entries[pattern]); word++)
        {
            for (ulong bits = _next[word]; bits != 0; bits &= bits - 1)
            {
                int at = word * 64 + BitOperations.TrailingZeroCount(bits);
                _kernel[count++] = at;
                hash = unchecked((hash ^ (uint)at) * 0x01000193u);
            }
        }
        ReadOnlySpan<int> kernel = _kernel.AsSpan(0, count);
        hash ^= hash >> 15;
        int slot = (int)(hash & (TableSize - 1));
        for (; _table[slot] != 0; slot = (slot + 1) & (TableSize - 1))
        {
            int state = _table[slot];
            bool same = _rows[state - 4] == pattern && _rows[state - 1] == (int)before
                && _kernels.AsSpan(_rows[state - 3], _rows[state - 2]).SequenceEqual(kernel);
            if (same) return state;
        }
        int row = HeaderSize + _classes.Count(pattern) + 1;
        bool fits = _states < StatesMax && row <= RowsMax - _rowsUsed && count <= KernelsMax - _kernelsUsed;
        if (!fits)
        {
            Flush();
            slot = (int)(hash & (TableSize - 1));
        }
        return _table[slot] = Make(pattern, before, kernel, row);
    }

    private int Make(int pattern, TextEdges before, ReadOnlySpan<int> kernel, int rowSize)
    {
        Check.That(rowSize <= RowsMax - _rowsUsed && kernel.Length <= KernelsMax - _kernelsUsed);
        Span<int> row = _rows.AsSpan(_rowsUsed, rowSize);
        row.Clear();
        row[0] = pattern;
        row[1] = _kernelsUsed;
        row[2] = kernel.Length;
        row[3] = (int)before;
        kernel.CopyTo(_kernels.AsSpan(_kernelsUsed));
        _kernelsUsed += kernel.Length;
        int state = _rowsUsed + HeaderSize;
        _rowsUsed += rowSize;
        _states++;
        Check.That(state > Matched);
        return state;
    }

    private struct Entry
    {
        public int Start;
        public int End;

        /// <summary>Where the classes' edges begin.</summary>
        public int Edges;

        /// <summary>The state before a text, or <see cref="Unknown"/>.</summary>
        public int State;
        public bool Anywhere;

        /// <summary>Whether what stands before a place matters.</summary>
        public bool LooksBack;
    }
}
