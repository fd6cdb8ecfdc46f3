using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>First byte of an encoded value. Append only.</summary>
public enum ValueKind : byte
{
    Null = 0,
    False = 1,
    True = 2,
    Int = 3,
    Uint = 4,
    Float = 5,
    String = 6,
    Uuid = 7,
    Datetime = 8,
    Vector = 9,
    Array = 10,
    Sparse = 11,
}

/// <summary>A value as it travels: kind byte, then Int/Datetime i64, Uint u64, Float f64, String u32 length and UTF-8,
/// Uuid 16 bytes in text order, Vector u32 dimensions and f32 elements, Array u32 count and encoded values,
/// Sparse u32 count and dimensions (<see cref="SparseDimension"/>) in the order of their names' bytes. Datetime is
/// milliseconds since 1970-01-01 UTC.</summary>
public sealed class Value : IEquatable<Value>
{
    public static Value Null { get; } = new(ValueKind.Null, 0, null);
    public static Value True { get; } = new(ValueKind.True, 0, null);
    public static Value False { get; } = new(ValueKind.False, 0, null);

    /// <summary>Whole numbers below it exist once: they are the most frequent ones, and a text can ask for one with two
    /// bytes.</summary>
    private const int SharedNumbers = 1024;

    private static readonly Value[] SharedInts = Share(ValueKind.Int);
    private static readonly Value[] SharedUints = Share(ValueKind.Uint);

    private readonly ulong _bits;
    private readonly object? _payload;

    private Value(ValueKind kind, ulong bits, object? payload)
    {
        Kind = kind;
        _bits = bits;
        _payload = payload;
    }

    public ValueKind Kind { get; }

    public static Value Of(bool value) => value ? True : False;

    public static Value Of(long value) => value is >= 0 and < SharedNumbers
        ? SharedInts[value] : new(ValueKind.Int, unchecked((ulong)value), null);

    public static Value Of(ulong value) =>
        value < SharedNumbers ? SharedUints[value] : new(ValueKind.Uint, value, null);

    public static Value Of(double value) => new(ValueKind.Float, BitConverter.DoubleToUInt64Bits(value), null);
    public static Value Of(string value) => new(ValueKind.String, 0, Encoding.UTF8.GetBytes(value));
    public static Value OfUtf8(ReadOnlySpan<byte> value) => new(ValueKind.String, 0, value.ToArray());
    public static Value OfUuid(UInt128 value) => new(ValueKind.Uuid, 0, value);
    public static Value OfDatetime(long milliseconds) => new(ValueKind.Datetime, unchecked((ulong)milliseconds), null);
    public static Value Of(params float[] vector) => new(ValueKind.Vector, 0, vector);
    public static Value Of(params Value[] elements) => new(ValueKind.Array, 0, elements);

    /// <summary>A sparse vector, its dimensions put in order.</summary>
    public static Value OfSparse(params SparseDimension[] dimensions)
    {
        dimensions.AsSpan().Sort(static (left, right) => left.CompareTo(right));
        return new(ValueKind.Sparse, 0, dimensions);
    }

    public bool IsNull => Kind == ValueKind.Null;
    public long AsInt => Payload(ValueKind.Int, unchecked((long)_bits));
    public ulong AsUint => Payload(ValueKind.Uint, _bits);
    public double AsFloat => Payload(ValueKind.Float, BitConverter.UInt64BitsToDouble(_bits));
    public long AsDatetime => Payload(ValueKind.Datetime, unchecked((long)_bits));
    public UInt128 AsUuid => Payload(ValueKind.Uuid, _payload is UInt128 uuid ? uuid : default);
    public ReadOnlySpan<byte> AsUtf8 => _payload as byte[] ?? [];
    public string AsString => Encoding.UTF8.GetString(AsUtf8);
    public float[] AsVector => _payload as float[] ?? [];
    public Value[] AsArray => _payload as Value[] ?? [];
    public SparseDimension[] AsSparse => _payload as SparseDimension[] ?? [];

    private static Value[] Share(ValueKind kind)
    {
        Value[] values = new Value[SharedNumbers];
        for (int i = 0; i < values.Length; i++) values[i] = new Value(kind, (ulong)i, null);
        return values;
    }

    private T Payload<T>(ValueKind kind, T value)
    {
        Check.That(Kind == kind);
        return value;
    }

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Kind);
        switch (Kind)
        {
            case ValueKind.Null or ValueKind.False or ValueKind.True:
                break;
            case ValueKind.Int or ValueKind.Uint or ValueKind.Float or ValueKind.Datetime:
                writer.U64(_bits);
                break;
            case ValueKind.String:
                writer.U32((uint)AsUtf8.Length);
                writer.Bytes(AsUtf8);
                break;
            case ValueKind.Uuid:
                Span<byte> uuid = stackalloc byte[16];
                BinaryPrimitives.WriteUInt128BigEndian(uuid, AsUuid);
                writer.Bytes(uuid);
                break;
            case ValueKind.Vector:
                writer.U32((uint)AsVector.Length);
                writer.Bytes(MemoryMarshal.AsBytes<float>(AsVector));
                break;
            case ValueKind.Array:
                writer.U32((uint)AsArray.Length);
                foreach (Value element in AsArray) element.Write(ref writer);
                break;
            case ValueKind.Sparse:
                writer.U32((uint)AsSparse.Length);
                foreach (SparseDimension dimension in AsSparse) dimension.Write(ref writer);
                break;
            default:
                Check.Unreachable();
                break;
        }
    }

    public static Value Read(ref WireReader reader, int depth = 0)
    {
        ValueKind kind = (ValueKind)reader.U8();
        switch (kind)
        {
            case ValueKind.Null: return Null;
            case ValueKind.False: return False;
            case ValueKind.True: return True;
            case ValueKind.Int or ValueKind.Uint or ValueKind.Float or ValueKind.Datetime:
                return new Value(kind, reader.U64(), null);
            case ValueKind.String:
                return OfUtf8(reader.Bytes(reader.U32()));
            case ValueKind.Uuid:
                ReadOnlySpan<byte> uuid = reader.Bytes(16);
                return reader.Failed ? Null : OfUuid(BinaryPrimitives.ReadUInt128BigEndian(uuid));
            case ValueKind.Vector:
                return Of(MemoryMarshal.Cast<byte, float>(reader.Bytes(reader.U32() * 4L)).ToArray());
            case ValueKind.Array when depth == 0:
                uint count = reader.U32();
                if (count > reader.Remaining) reader.Fail();
                if (reader.Failed) return Null;
                Value[] elements = new Value[count];
                for (int i = 0; i < elements.Length; i++) elements[i] = Read(ref reader, depth + 1);
                return Of(elements);
            case ValueKind.Sparse when depth == 0:
                return ReadSparse(ref reader);
            default:
                reader.Fail();
                return Null;
        }
    }

    /// <summary>As it comes, in order or not.</summary>
    private static Value ReadSparse(ref WireReader reader)
    {
        uint count = reader.U32();
        if (count > reader.Remaining / SparseDimension.SizeWithoutName) reader.Fail();
        if (reader.Failed) return Null;
        SparseDimension[] dimensions = new SparseDimension[count];
        for (int i = 0; i < dimensions.Length; i++) dimensions[i] = SparseDimension.Read(ref reader);
        return new Value(ValueKind.Sparse, 0, dimensions);
    }

    /// <summary>Equal kind and equal bytes: NaN equals NaN, 0 and -0 differ.</summary>
    public bool Equals(Value? other)
    {
        if (other is null || other.Kind != Kind || other._bits != _bits) return false;
        return Kind switch
        {
            ValueKind.String => AsUtf8.SequenceEqual(other.AsUtf8),
            ValueKind.Uuid => AsUuid == other.AsUuid,
            ValueKind.Vector => MemoryMarshal.AsBytes<float>(AsVector)
                .SequenceEqual(MemoryMarshal.AsBytes<float>(other.AsVector)),
            ValueKind.Array => ((ReadOnlySpan<Value>)AsArray).SequenceEqual(other.AsArray),
            ValueKind.Sparse => ((ReadOnlySpan<SparseDimension>)AsSparse).SequenceEqual(other.AsSparse),
            _ => true,
        };
    }

    public override bool Equals(object? obj) => Equals(obj as Value);

    /// <summary>Own hash, not the runtime's: the same in every process.</summary>
    public override int GetHashCode()
    {
        ulong hash = (ulong)Kind * 31 ^ _bits;
        foreach (byte b in AsUtf8) hash = unchecked(hash * 1099511628211 ^ b);
        return unchecked((int)(hash ^ hash >> 32));
    }

    public override string ToString() => Kind switch
    {
        ValueKind.Null => "null",
        ValueKind.False => "false",
        ValueKind.True => "true",
        ValueKind.Int => AsInt.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Uint => AsUint.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Float => AsFloat.ToString("R", System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.String => AsString,
        ValueKind.Uuid => AsUuid.ToString("x32", System.Globalization.CultureInfo.InvariantCulture),
        ValueKind.Datetime => AsDatetime.ToString(System.Globalization.CultureInfo.InvariantCulture) + "ms",
        ValueKind.Vector => "[" + string.Join(",", AsVector) + "]",
        ValueKind.Array => "[" + string.Join(",", (object[])AsArray) + "]",
        ValueKind.Sparse => "{" + string.Join(",", AsSparse) + "}",
        _ => "?",
    };
}
