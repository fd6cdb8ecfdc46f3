using System;
using System.Text;
using Deterministic.Core;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Families of code points that differ only in case: those whose full case folding is the same text, as
/// <see cref="Folding"/> says it (K, k and the Kelvin sign; ß and ẞ). A code point never matches several: ß is not ss
/// here.</summary>
public sealed class CaseFamilies
{
    /// <summary>No code point from here on has case.</summary>
    private const int CodeEnd = 0x20000;
    private const int EntriesMax = 4096;
    private const int FoldedSizeMax = 16;

    private readonly int[] _points;
    private readonly int[] _families;
    private readonly int[] _members;
    private readonly int[] _starts;

    private CaseFamilies()
    {
        Entry[] entries = new Entry[EntriesMax];
        int count = Collect(entries);
        HeapSort.Sort(entries.AsSpan(0, count), new ByKey());
        int[] members = new int[count];
        int[] starts = new int[count + 1];
        int used = 0;
        int families = 0;
        for (int i = 0; i < count;)
        {
            int end = i;
            int from = used;
            for (; end < count && entries[end].Key == entries[i].Key; end++)
                if (end == i || entries[end].Code != entries[end - 1].Code) members[used++] = entries[end].Code;
            if (used - from == 1) used = from;
            else starts[families++] = from;
            i = end;
        }
        starts[families] = used;
        _members = members.AsSpan(0, used).ToArray();
        _starts = starts.AsSpan(0, families + 1).ToArray();
        (_points, _families) = Index(_members, _starts);
    }

    public static CaseFamilies Instance { get; } = new();

    /// <summary>All code points with others in their family, ascending.</summary>
    public ReadOnlySpan<int> Points => _points;

    /// <summary>The family of <see cref="Points"/>[index], ascending.</summary>
    public ReadOnlySpan<int> MembersAt(int index)
    {
        int family = _families[index];
        return _members.AsSpan(_starts[family].._starts[family + 1]);
    }

    /// <summary>The family of a code point; empty if it is alone.</summary>
    public ReadOnlySpan<int> MembersOf(int code)
    {
        int index = _points.AsSpan().BinarySearch(code);
        return index < 0 ? default : MembersAt(index);
    }

    /// <summary>One code point for all of a family.</summary>
    public int Canonical(int code)
    {
        if (code < 0x80) return code is >= 'a' and <= 'z' ? code - 0x20 : code;
        ReadOnlySpan<int> members = MembersOf(code);
        return members.IsEmpty ? code : members[0];
    }

    private static int Collect(Span<Entry> entries)
    {
        int count = 0;
        Span<byte> own = stackalloc byte[4];
        Span<byte> folded = stackalloc byte[FoldedSizeMax];
        for (int code = 0; code < CodeEnd; code++)
        {
            if (!Rune.IsValid(code)) continue;
            int size = new Rune(code).EncodeToUtf8(own);
            int foldedSize = Folding.FoldCase(own[..size], folded);
            Check.That(foldedSize > 0);
            if (folded[..foldedSize].SequenceEqual(own[..size])) continue;
            UInt128 key = Key(folded[..foldedSize]);
            entries[count++] = new Entry { Key = key, Code = code };
            _ = Rune.DecodeFromUtf8(folded[..foldedSize], out Rune first, out int firstSize);
            if (firstSize == foldedSize) entries[count++] = new Entry { Key = key, Code = first.Value };
        }
        return count;
    }

    private static UInt128 Key(ReadOnlySpan<byte> folded)
    {
        Check.That(folded.Length <= FoldedSizeMax);
        UInt128 key = 0;
        foreach (byte b in folded) key = key << 8 | b;
        return key;
    }

    private static (int[] Points, int[] Families) Index(int[] members, int[] starts)
    {
        Entry[] byCode = new Entry[members.Length];
        for (int family = 0; family + 1 < starts.Length; family++)
        {
            for (int i = starts[family]; i < starts[family + 1]; i++)
                byCode[i] = new Entry { Key = (UInt128)members[i], Code = family };
        }
        HeapSort.Sort(byCode.AsSpan(), new ByKey());
        int[] points = new int[members.Length];
        int[] families = new int[members.Length];
        for (int i = 0; i < byCode.Length; i++)
        {
            points[i] = (int)byCode[i].Key;
            families[i] = byCode[i].Code;
            Check.That(i == 0 || points[i] > points[i - 1]);
        }
        return (points, families);
    }

    private struct Entry
    {
        public UInt128 Key;
        public int Code;
    }

    private readonly struct ByKey : IOrder<Entry>
    {
        public int Compare(in Entry left, in Entry right)
        {
            int order = left.Key.CompareTo(right.Key);
            return order != 0 ? order : left.Code.CompareTo(right.Code);
        }
    }
}
