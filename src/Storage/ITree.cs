using System;

namespace Deterministic.Storage;

/// <summary>An ordered map from byte keys to byte values: the seam between the state machine and whatever keeps
/// the state.
/// Keys order by unsigned bytes. Spans handed out stay valid until the next change of any tree of the forest.</summary>
public interface ITree
{
    bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);

    /// <summary>The entry with the greatest key that is not above <paramref name="key"/>.</summary>
    bool TryFloor(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> foundKey, out ReadOnlySpan<byte> value);

    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Makes the value <paramref name="size"/> bytes long, keeping what it held and adding zeroes (all
    /// zeroes if the
    /// key is new), and hands it out to be written in place.</summary>
    Span<byte> Resize(ReadOnlySpan<byte> key, int size);

    bool Remove(ReadOnlySpan<byte> key);
}
