using System;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Replica.Objects;

/// <summary>Writes keys into the buffer of a listing: size u8 and bytes each, while they fit.</summary>
internal ref struct ObjectListing(NativeBuffer into)
{
    private readonly Span<byte> _into = into.Span;
    private int _size;
    private bool _full;

    public readonly bool IsEmpty => _size == 0;

    /// <summary>What did not fit is the next listing's; only if nothing at all did is there something wrong.</summary>
    public readonly ObjectResult Result => _full && IsEmpty
        ? new ObjectResult { Status = ObjectStatus.TooLarge }
        : new ObjectResult { Size = _size };

    /// <summary>Whether an object of the store proper can have this name.</summary>
    public static bool IsKey(string name)
    {
        Span<byte> ascii = stackalloc byte[ObjectKey.SizeMax];
        return name.Length is > 0 and <= ObjectKey.SizeMax && Encoding.UTF8.TryGetBytes(name, ascii, out int size)
            && ObjectKey.IsValid(ascii[..size]);
    }

    /// <summary>False once the buffer is full.</summary>
    public bool TryAdd(string key)
    {
        if (_full || 1 + key.Length > _into.Length - _size)
        {
            _full = true;
            return false;
        }
        _into[_size] = (byte)key.Length;
        Encoding.ASCII.GetBytes(key, _into[(_size + 1)..]);
        _size += 1 + key.Length;
        return true;
    }
}
