using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Access;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>What the operations on API keys read and change.</summary>
internal static class KeyPrefetch
{
    /// <summary>Creation and revocation.</summary>
    public static void TouchNamed(Trees trees, ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> id = reader.Name();
        if (reader.Failed || id.Length is 0 or > Limits.KeyIdSizeMax) return;
        Span<byte> buffer = stackalloc byte[KeyOperations.Prefix.Length + Limits.KeyIdSizeMax];
        trees.Counters.Touch(KeyOperations.KeyOf(id, buffer));
        trees.Counters.Touch(KeyOperations.Counter);
    }

    public static void TouchList(Trees trees, ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> after = reader.Name();
        uint pageSize = reader.U32();
        if (!reader.AtEnd || pageSize is 0 or > Limits.KeysMax) return;
        Span<byte> buffer = stackalloc byte[KeyOperations.Prefix.Length + byte.MaxValue];
        // The key that the page comes after, and the one that says that there are more.
        ReadOnlySpan<byte> from = KeyOperations.KeyOf(after, buffer);
        trees.Counters.TouchFirst(from, KeyOperations.Prefix.Length, (int)pageSize + 2);
    }
}
