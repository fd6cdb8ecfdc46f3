using System;
using System.Runtime.CompilerServices;

namespace Deterministic.Core.Objects;

/// <summary>Name of an object, or the beginning of names, kept by value so that no request allocates. Segments between
/// slashes are not empty and do not start with a dot, so that a key is also a safe path.</summary>
public struct ObjectKey
{
    public const int SizeMax = 200;

    private ObjectKeyBytes _bytes;
    private byte _size;

    public ObjectKey(ReadOnlySpan<byte> ascii)
    {
        Check.That(IsValid(ascii));
        ascii.CopyTo(_bytes);
        _size = (byte)ascii.Length;
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes => ((ReadOnlySpan<byte>)_bytes)[.._size];

    public readonly bool IsEmpty => _size == 0;

    public override readonly string ToString() => System.Text.Encoding.ASCII.GetString(Bytes);

    /// <summary>For names that come from outside.</summary>
    public static bool IsValid(ReadOnlySpan<byte> name)
    {
        if (name.Length > SizeMax) return false;
        byte before = (byte)'/';
        foreach (byte b in name)
        {
            if (!IsAllowed(b) || (before == (byte)'/' && b is (byte)'/' or (byte)'.')) return false;
            before = b;
        }
        return true;
    }

    private static bool IsAllowed(byte b) => b is >= (byte)'a' and <= (byte)'z' or >= (byte)'0' and <= (byte)'9'
        or (byte)'/' or (byte)'.' or (byte)'_' or (byte)'-';

    [InlineArray(SizeMax)]
    private struct ObjectKeyBytes
    {
        private byte _element;
    }
}

/// <summary>Identity of an object's content as its store tells it (an etag), for conditions; opaque bytes.</summary>
public struct ObjectTag
{
    public const int SizeMax = 80;

    private ObjectTagBytes _bytes;
    private byte _size;

    public ObjectTag(ReadOnlySpan<byte> bytes)
    {
        Check.That(bytes.Length <= SizeMax);
        bytes.CopyTo(_bytes);
        _size = (byte)bytes.Length;
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes => ((ReadOnlySpan<byte>)_bytes)[.._size];

    public readonly bool IsEmpty => _size == 0;

    [InlineArray(SizeMax)]
    private struct ObjectTagBytes
    {
        private byte _element;
    }
}
