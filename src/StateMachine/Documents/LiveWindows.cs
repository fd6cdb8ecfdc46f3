using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Documents;

/// <summary>Walks the windows of a namespace that have live documents, in the order of their numbers. They are marked
/// in pages of <see cref="PageWindows"/> bits beside the windows' own bits, so that the walk never passes by the
/// windows that have died, however many those are. <see cref="TreeId.Liveness"/> must not change meanwhile.</summary>
public struct LiveWindows
{
    /// <summary>Windows of a page.</summary>
    public const int PageWindows = 4096;
    public const int PageSizeMax = PageWindows / 8;

    /// <summary>Added to a page's number in its key, so that pages lie behind all windows.</summary>
    private const uint PageBit = 1u << 31;
    private const int Words = PageWindows / 64;
    private const uint Pages = uint.MaxValue / Limits.WindowDocuments / PageWindows + 1;

    private readonly Tree _liveness;
    private readonly ulong _namespace;
    private readonly uint _pageLast;
    private Page _page;
    private uint _pageNumber;
    private int _word;

    /// <param name="liveness">The tree.</param>
    /// <param name="namespaceNumber">Of the namespace.</param>
    /// <param name="nextDocument">Its next document's number: no window lies behind it.</param>
    public LiveWindows(Tree liveness, ulong namespaceNumber, uint nextDocument)
    {
        Check.That(namespaceNumber > 0);
        _liveness = liveness;
        _namespace = namespaceNumber;
        _pageLast = nextDocument / Limits.WindowDocuments / PageWindows;
        Window = 0;
        LoadPage();
    }

    public uint Window { get; private set; }

    public bool MoveNext()
    {
        Span<ulong> words = _page;
        while (true)
        {
            for (; _word < Words; _word++)
            {
                if (words[_word] == 0) continue;
                int bit = BitOperations.TrailingZeroCount(words[_word]);
                words[_word] &= words[_word] - 1;
                Window = _pageNumber * PageWindows + (uint)(64 * _word + bit);
                return true;
            }
            if (_pageNumber == _pageLast) return false;
            _pageNumber++;
            LoadPage();
        }
    }

    private void LoadPage()
    {
        Span<ulong> words = _page;
        words.Clear();
        _word = 0;
        Keys key = new(stackalloc byte[12]);
        AddPageKey(ref key, _namespace, _pageNumber);
        if (_liveness.TryGet(key.Key, out ReadOnlySpan<byte> bits))
            MemoryMarshal.Cast<byte, ulong>(bits).CopyTo(words);
    }

    /// <summary>Asks for the marks: whether they are in memory.</summary>
    public static bool Touch(Tree liveness, ulong namespaceNumber)
    {
        Keys first = new(stackalloc byte[12]);
        Keys last = new(stackalloc byte[12]);
        AddPageKey(ref first, namespaceNumber, 0);
        AddPageKey(ref last, namespaceNumber, Pages - 1);
        return liveness.TouchRange(first.Key, last.Key);
    }

    /// <summary>Marks a window that has got its first live document.</summary>
    public static void Mark(Tree liveness, ulong namespaceNumber, uint window)
    {
        Keys key = new(stackalloc byte[12]);
        AddPageKey(ref key, namespaceNumber, window / PageWindows);
        int bit = (int)(window % PageWindows);
        int size = (bit / 64 + 1) * sizeof(ulong);
        if (liveness.TryGet(key.Key, out ReadOnlySpan<byte> bits) && bits.Length > size) size = bits.Length;
        Columns.ChunkLayout.Set(liveness.Resize(key.Key, size), bit);
    }

    /// <summary>Takes the mark from a window whose last document has died; a page without marks goes.</summary>
    public static void Unmark(Tree liveness, ulong namespaceNumber, uint window)
    {
        Keys key = new(stackalloc byte[12]);
        AddPageKey(ref key, namespaceNumber, window / PageWindows);
        bool exists = liveness.TryGet(key.Key, out ReadOnlySpan<byte> stored);
        Check.That(exists);
        int bit = (int)(window % PageWindows);
        Check.That(Columns.ChunkLayout.IsSet(stored, bit));
        Span<byte> bits = liveness.Resize(key.Key, stored.Length);
        Columns.ChunkLayout.Clear(bits, bit);
        if (!bits.ContainsAnyExcept((byte)0)) liveness.Remove(key.Key);
    }

    private static void AddPageKey(ref Keys key, ulong namespaceNumber, uint page) =>
        key.Namespace(namespaceNumber).Document(PageBit | page);

    [InlineArray(Words)]
    private struct Page
    {
        private ulong _first;
    }
}
