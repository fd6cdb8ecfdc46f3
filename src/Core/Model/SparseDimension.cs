using System;
using System.Globalization;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>One dimension of a sparse vector: its name in UTF-8 and its weight, an f16. On the wire: name (u8 size,
/// UTF-8), bits of the weight u16.</summary>
[FloatAllowed("rounds a weight to f16, once, to the nearest, ties to even")]
public readonly struct SparseDimension : IEquatable<SparseDimension>
{
    /// <summary>Bytes on the wire beside those of the name.</summary>
    public const int SizeWithoutName = 3;

    private const ushort NegativeZero = 0x8000;
    private readonly byte[]? _name;
    private readonly ushort _bits;

    private SparseDimension(byte[] name, ushort bits)
    {
        _name = name;
        _bits = bits;
    }

    /// <summary>Beyond 65,519.99 in magnitude a weight becomes infinite, which no attribute takes.</summary>
    public SparseDimension(byte[] name, double weight)
        : this(name, BitConverter.HalfToUInt16Bits((Half)weight))
    {
        if (_bits == NegativeZero) _bits = 0;
    }

    public SparseDimension(string name, double weight) : this(Encoding.UTF8.GetBytes(name), weight)
    {
    }

    public ReadOnlySpan<byte> Name => _name;
    public Half Weight => BitConverter.UInt16BitsToHalf(_bits);

    public void Write(ref WireWriter writer)
    {
        writer.Name(Name);
        writer.U16(_bits);
    }

    public static SparseDimension Read(ref WireReader reader)
    {
        byte[] name = reader.Name().ToArray();
        return new(name, reader.U16());
    }

    /// <summary>By the bytes of the names, then by the bits of the weights: a total order.</summary>
    public int CompareTo(SparseDimension other)
    {
        int order = Name.SequenceCompareTo(other.Name);
        return order != 0 ? order : _bits.CompareTo(other._bits);
    }

    /// <summary>The same name and the same bits.</summary>
    public bool Equals(SparseDimension other) => _bits == other._bits && Name.SequenceEqual(other.Name);

    public override bool Equals(object? obj) => obj is SparseDimension other && Equals(other);

    /// <summary>Own hash, not the runtime's: the same in every process.</summary>
    public override int GetHashCode() => Name.Length << 16 | _bits;

    public override string ToString() =>
        Encoding.UTF8.GetString(Name) + ":" + Weight.ToString("R", CultureInfo.InvariantCulture);
}
