using System;
using Deterministic.Core;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Keys of the objects under a prefix: <c>catalog</c>, <c>manifests/</c> and <c>packs/</c> with 16 hexadecimal
/// digits each.</summary>
public readonly struct PackKeys
{
    /// <summary>Longest prefix.</summary>
    public const int PrefixSizeMax = 160;
    private const int DigitCount = 16;
    private readonly ObjectKey _prefix;

    /// <param name="prefix">Empty, or ends with a slash.</param>
    public PackKeys(in ObjectKey prefix)
    {
        Check.That(prefix.Bytes.Length <= PrefixSizeMax);
        Check.That(prefix.IsEmpty || prefix.Bytes[^1] == (byte)'/');
        _prefix = prefix;
    }

    public ObjectKey Catalog => Join("catalog"u8, default);
    public ObjectKey Manifests => Join("manifests/"u8, default);
    public ObjectKey Packs => Join("packs/"u8, default);

    public ObjectKey Manifest(ulong sequence) => Numbered("manifests/"u8, sequence);

    public ObjectKey Pack(ulong number) => Numbered("packs/"u8, number);

    /// <summary>The number in a key that a listing of <paramref name="folder"/> gave; false for what else may lie
    /// there.</summary>
    public static bool TryNumber(in ObjectKey folder, ReadOnlySpan<byte> key, out ulong number)
    {
        number = 0;
        if (!key.StartsWith(folder.Bytes)) return false;
        ReadOnlySpan<byte> digits = key[folder.Bytes.Length..];
        if (digits.Length != DigitCount) return false;
        foreach (byte digit in digits)
        {
            int value = digit is >= (byte)'0' and <= (byte)'9' ? digit - '0'
                : digit is >= (byte)'a' and <= (byte)'f' ? digit - 'a' + 10 : -1;
            if (value < 0) return false;
            number = number << 4 | (uint)value;
        }
        return true;
    }

    private ObjectKey Numbered(ReadOnlySpan<byte> folder, ulong number)
    {
        Span<byte> digits = stackalloc byte[DigitCount];
        for (int i = 0; i < DigitCount; i++)
            digits[i] = "0123456789abcdef"u8[(int)(number >> (60 - 4 * i) & 15)];
        return Join(folder, digits);
    }

    private ObjectKey Join(scoped ReadOnlySpan<byte> folder, scoped ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> prefix = _prefix.Bytes;
        Span<byte> bytes = stackalloc byte[ObjectKey.SizeMax];
        prefix.CopyTo(bytes);
        folder.CopyTo(bytes[prefix.Length..]);
        name.CopyTo(bytes[(prefix.Length + folder.Length)..]);
        return new ObjectKey(bytes[..(prefix.Length + folder.Length + name.Length)]);
    }
}
