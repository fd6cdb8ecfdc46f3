using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine.Filters;

/// <summary>Values of fixed-width types as unsigned integers in the order of the values, so that every comparison is
/// one of unsigned integers, whatever the types: int and datetime with the sign bit turned, float by its bits turned
/// for order, uuid as 128 bits, bool as 0 and 1.</summary>
[FloatAllowed("conversions and comparisons, exact or rounded once as IEEE 754 says")]
public static class ScalarKey
{
    private const ulong SignBit = 1UL << 63;
    private const double TwoTo63 = 9223372036854775808.0;
    private const double TwoTo64 = 18446744073709551616.0;

    public static ulong OfInt(long value) => unchecked((ulong)value) ^ SignBit;

    public static long ToInt(ulong key) => unchecked((long)(key ^ SignBit));

    public static ulong OfFloat(double value)
    {
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        return (bits & SignBit) != 0 ? ~bits : bits | SignBit;
    }

    public static double ToFloat(ulong key) =>
        BitConverter.UInt64BitsToDouble((key & SignBit) != 0 ? key ^ SignBit : ~key);

    /// <summary>The key of a value as a column of <paramref name="type"/> stores it.</summary>
    public static UInt128 OfStored(AttributeType type, ReadOnlySpan<byte> stored)
    {
        switch (type)
        {
            case AttributeType.Bool: return stored[0];
            case AttributeType.Uuid: return BinaryPrimitives.ReadUInt128BigEndian(stored);
            case AttributeType.Uint: return BinaryPrimitives.ReadUInt64LittleEndian(stored);
            case AttributeType.Float: return OfFloat(BinaryPrimitives.ReadDoubleLittleEndian(stored));
            default:
                Check.That(type is AttributeType.Int or AttributeType.Datetime);
                return OfInt(BinaryPrimitives.ReadInt64LittleEndian(stored));
        }
    }

    /// <summary>Where a number stands among the keys of a type: <see cref="Key"/> is the greatest key whose value is
    /// not above the number, <see cref="Exact"/> that it equals it, <see cref="Below"/> that the number is below every
    /// value.</summary>
    public readonly struct Place(UInt128 key, bool exact, bool below)
    {
        public UInt128 Key { get; } = key;
        public bool Exact { get; } = exact;
        public bool Below { get; } = below;
    }

    public static Place PlaceOfInteger(AttributeType type, Int128 value)
    {
        switch (type)
        {
            case AttributeType.Uint:
                if (value < 0) return new Place(0, false, true);
                return value > ulong.MaxValue ? new Place(ulong.MaxValue, false, false)
                    : new Place((ulong)value, true, false);
            case AttributeType.Float:
                double nearest = (double)value;
                Int128 back = (Int128)nearest;
                ulong key = OfFloat(nearest);
                return new Place(back > value ? key - 1 : key, back == value, false);
            default:
                Check.That(type is AttributeType.Int or AttributeType.Datetime);
                if (value < long.MinValue) return new Place(0, false, true);
                return value > long.MaxValue ? new Place(ulong.MaxValue, false, false)
                    : new Place(OfInt((long)value), true, false);
        }
    }

    /// <summary>As <see cref="PlaceOfInteger"/> for a finite float.</summary>
    public static Place PlaceOfFloat(AttributeType type, double value)
    {
        Check.That(double.IsFinite(value));
        if (type == AttributeType.Float) return new Place(OfFloat(value + 0.0), true, false);
        double least = type == AttributeType.Uint ? 0 : -TwoTo63;
        double end = type == AttributeType.Uint ? TwoTo64 : TwoTo63;
        if (value < least) return new Place(0, false, true);
        if (value >= end) return new Place(ulong.MaxValue, false, false);
        Int128 floor = (Int128)value;
        if ((double)floor > value) floor -= 1;
        Place place = PlaceOfInteger(type, floor);
        return new Place(place.Key, (double)floor == value, place.Below);
    }
}
