using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>The first two rounds of every operation: the namespace's record, then its attributes and the marks of its
/// live windows.</summary>
internal static class NamespacePrefetch
{
    /// <summary>Whether record, attributes and the marks of live windows are in memory. The record's number is 0 if
    /// there is no such namespace, or if the record is not there yet.</summary>
    public static bool TryTouch(Trees trees, ReadOnlySpan<byte> name, out NamespaceRecord record)
    {
        record = default;
        if (name.Length is 0 or > Limits.NamespaceNameSizeMax) return true;
        if (!trees.Namespaces.Touch(name)) return false;
        if (!trees.Namespaces.TryGet(name, out ReadOnlySpan<byte> value)) return true;
        record = MemoryMarshal.Read<NamespaceRecord>(value);
        Keys key = new(stackalloc byte[8]);
        return trees.Attributes.TouchPrefix(key.Namespace(record.Number).Key) &
            LiveWindows.Touch(trees.Liveness, record.Number);
    }

    /// <summary>Metadata and schemas.</summary>
    public static void TouchNamed(Trees trees, ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        if (reader.AtEnd) TryTouch(trees, name, out _);
    }

    public static void TouchList(Trees trees, ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> prefix = reader.Name();
        ReadOnlySpan<byte> after = reader.Name();
        uint pageSize = reader.U32();
        if (!reader.AtEnd || pageSize is 0 or > Limits.NamespacePageMax) return;
        bool continued = after.SequenceCompareTo(prefix) >= 0;
        if (continued && !after.StartsWith(prefix)) return;
        // The name that the page comes after, and the one that says that there are more.
        trees.Namespaces.TouchFirst(continued ? after : prefix, prefix.Length, (int)pageSize + 2);
    }

    /// <summary>What <see cref="NamespaceOperations.Purge"/> removes behind the operation.</summary>
    public static void TouchGarbage(Trees trees)
    {
        if (!trees.Garbage.TouchFirst([], 0, 1)) return;
        ulong number = NamespaceOperations.OldestGarbage(trees);
        if (number == 0) return;
        Keys key = new(stackalloc byte[8]);
        ReadOnlySpan<byte> prefix = key.Namespace(number).Key;
        trees.Garbage.TryGet(prefix, out ReadOnlySpan<byte> reached);
        TreeId id = NamespaceOperations.GarbagePosition(reached, prefix, out ReadOnlySpan<byte> from);
        for (; id <= TreeId.Postings; id++, from = prefix)
            trees[id].TouchFirst(from, prefix.Length, NamespaceOperations.GarbageEntries(id));
    }
}
