using System;

namespace Deterministic.Storage;

/// <summary>An ordered map from byte keys to byte values: the seam between the state machine and whatever keeps
/// the state. Keys order by unsigned bytes. A prefix bounds every walk: what lies outside of it is neither found nor
/// read. Spans handed out stay valid until the next change of any tree of the forest.
/// <para>What is read or changed has to be in memory: between <see cref="Forest.PrefetchStart"/> and
/// <see cref="Forest.PrefetchEnd"/> the touches name it. A touch returns whether it all is there already; only then
/// may it be read at once, to find out what else to touch.</para></summary>
public interface ITree
{
    bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);

    /// <summary>The entry with the greatest key that is not above <paramref name="key"/> and shares its first
    /// <paramref name="prefixSize"/> bytes.</summary>
    bool TryFloor(
        ReadOnlySpan<byte> key, int prefixSize, out ReadOnlySpan<byte> foundKey, out ReadOnlySpan<byte> value);

    /// <summary>Cursor over the entries that share the first <paramref name="prefixSize"/> bytes of <paramref
    /// name="key"/>, at the first that is not below it.</summary>
    TreeCursor Seek(ReadOnlySpan<byte> key, int prefixSize);

    /// <summary>The same, at the last that is below <paramref name="key"/>.</summary>
    TreeCursor SeekBefore(ReadOnlySpan<byte> key, int prefixSize);

    /// <summary>As <see cref="Seek(ReadOnlySpan{byte}, int)"/>, with a cursor that stays while many others are
    /// placed.</summary>
    TreeCursor Seek(CursorSlot slot, ReadOnlySpan<byte> key, int prefixSize);

    /// <summary>As <see cref="SeekBefore(ReadOnlySpan{byte}, int)"/>, with a cursor that stays while many others are
    /// placed.</summary>
    TreeCursor SeekBefore(CursorSlot slot, ReadOnlySpan<byte> key, int prefixSize);

    void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    /// <summary>Makes the value <paramref name="size"/> bytes long, keeping what it held and adding zeroes (all
    /// zeroes if the key is new), and hands it out to be written in place.</summary>
    Span<byte> Resize(ReadOnlySpan<byte> key, int size);

    bool Remove(ReadOnlySpan<byte> key);

    /// <summary>Asks for what reading or changing this one key needs.</summary>
    bool Touch(ReadOnlySpan<byte> key);

    /// <summary>Asks for what <see cref="TryFloor"/> (and <see cref="SeekBefore"/>) needs, and for changes of the
    /// entry found.</summary>
    bool TouchFloor(ReadOnlySpan<byte> key, int prefixSize);

    /// <summary>Asks for everything under a prefix.</summary>
    bool TouchPrefix(ReadOnlySpan<byte> prefix);

    /// <summary>Asks for everything from the first key that <paramref name="first"/> may begin to the last that
    /// <paramref name="last"/> may.</summary>
    bool TouchRange(ReadOnlySpan<byte> first, ReadOnlySpan<byte> last);

    /// <summary>Asks for the first <paramref name="entries"/> entries from <paramref name="key"/> on within the
    /// prefix.</summary>
    bool TouchFirst(ReadOnlySpan<byte> key, int prefixSize, int entries);

    /// <summary>Whether everything under a prefix is in memory and stays there until the operation is over: touches of
    /// it may then be left out. Asks for nothing, takes next to no time, and may say no without a reason.</summary>
    bool IsResident(ReadOnlySpan<byte> prefix);
}
