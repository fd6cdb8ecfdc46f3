using System;
using System.Text;
using Deterministic.Core.Objects;

namespace Deterministic.Replica.Objects;

/// <summary>Names as files and servers have them, which need not be keys.</summary>
internal static class ObjectNames
{
    /// <summary>Leaves out a name that no object of this system can have; false once the listing is full.</summary>
    public static bool TryAdd(ref ObjectListing listing, ReadOnlySpan<char> name)
    {
        Span<byte> key = stackalloc byte[ObjectKey.SizeMax];
        if (!Encoding.UTF8.TryGetBytes(name, key, out int size)) return true;
        key = key[..size];
        return key.IsEmpty || !ObjectKey.IsValid(key) || listing.TryAdd(key);
    }
}
