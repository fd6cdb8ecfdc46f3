using System;

namespace Deterministic.Core.Objects;

/// <summary>Writes keys into the buffer of a listing: size u8 and bytes each, while they fit.</summary>
public ref struct ObjectListing(Span<byte> into)
{
    private readonly Span<byte> _into = into;
    private int _size;
    private bool _full;

    /// <summary>What did not fit is the next listing's; only if nothing at all did is there something wrong.</summary>
    public readonly ObjectResult Result => _full && _size == 0
        ? new ObjectResult { Status = ObjectStatus.TooLarge }
        : new ObjectResult { Size = _size };

    /// <summary>False once the buffer is full.</summary>
    public bool TryAdd(scoped ReadOnlySpan<byte> key)
    {
        Check.That(!key.IsEmpty && key.Length <= ObjectKey.SizeMax);
        if (_full || 1 + key.Length > _into.Length - _size)
        {
            _full = true;
            return false;
        }
        _into[_size] = (byte)key.Length;
        key.CopyTo(_into[(_size + 1)..]);
        _size += 1 + key.Length;
        return true;
    }

    /// <summary>Takes the first key off a listing; false at its end. The listing is what a store wrote.</summary>
    public static bool TryTake(ref ReadOnlySpan<byte> listing, out ReadOnlySpan<byte> key)
    {
        key = default;
        if (listing.IsEmpty) return false;
        int size = listing[0];
        Check.That(size > 0 && size < listing.Length);
        key = listing.Slice(1, size);
        listing = listing[(1 + size)..];
        return true;
    }
}
