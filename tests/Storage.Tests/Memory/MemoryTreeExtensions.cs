using System;
using Deterministic.Storage.Memory;

namespace Deterministic.Storage.Tests.Memory;

/// <summary>What a tree does with values, in terms of the memtable's.</summary>
internal static class MemoryTreeExtensions
{
    public static void Put(this MemoryTree tree, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        value.CopyTo(tree.Place(key, value.Length, keep: false));

    public static Span<byte> Resize(this MemoryTree tree, ReadOnlySpan<byte> key, int size) =>
        tree.Place(key, size, keep: true);

    public static bool TryGet(this MemoryTree tree, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value) =>
        tree.TryFind(key, out value, out _);

    public static bool TryFloor(
        this MemoryTree tree, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value)
    {
        MemoryCursor cursor = tree.SeekBelow(key, orAt: true);
        found = cursor.Valid ? cursor.Key : default;
        value = cursor.Valid ? cursor.Value : default;
        return cursor.Valid;
    }

    public static int RemovePrefix(this MemoryTree tree, ReadOnlySpan<byte> prefix, int entriesMax)
    {
        int removed = 0;
        for (; removed < entriesMax; removed++)
        {
            MemoryCursor cursor = tree.Seek(prefix);
            if (!cursor.Valid || !cursor.Key.StartsWith(prefix)) break;
            tree.Remove(cursor.Key.ToArray());
        }
        return removed;
    }
}
