using System;
using System.Globalization;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Values by definition: which type takes which, and in what form; how numbers of different types
/// compare.</summary>
[FloatAllowed("conversions, rounded once as IEEE 754 says, and exact comparisons")]
internal static class NaiveValues
{
    public static bool IsVector(AttributeType type) => type is AttributeType.VectorF32 or AttributeType.VectorF16;

    public static bool IsArray(AttributeType type) => !IsVector(type) && (type & AttributeType.ArrayFlag) != 0;

    public static AttributeType Element(AttributeType type) =>
        IsVector(type) ? type : type & ~AttributeType.ArrayFlag;

    public static bool IsNumber(AttributeType type) =>
        type is AttributeType.Int or AttributeType.Uint or AttributeType.Float or AttributeType.Datetime;

    public static bool IsNumber(Value value) =>
        value.Kind is ValueKind.Int or ValueKind.Uint or ValueKind.Datetime ||
        (value.Kind == ValueKind.Float && double.IsFinite(value.AsFloat));

    public static string Describe(AttributeType type, uint dimensions = 0)
    {
        if (IsVector(type)) return $"[{dimensions}]{(type == AttributeType.VectorF32 ? "f32" : "f16")}";
        string element = Element(type) switch
        {
            AttributeType.String => "string",
            AttributeType.Int => "int",
            AttributeType.Uint => "uint",
            AttributeType.Float => "float",
            AttributeType.Bool => "bool",
            AttributeType.Uuid => "uuid",
            AttributeType.Datetime => "datetime",
            AttributeType.SparseF16 => "{}f16",
            _ => "none",
        };
        return IsArray(type) ? "[]" + element : element;
    }

    public static string Describe(ValueKind kind) => kind switch
    {
        ValueKind.Null => "null",
        ValueKind.False or ValueKind.True => "bool",
        ValueKind.Int => "int",
        ValueKind.Uint => "uint",
        ValueKind.Float => "float",
        ValueKind.String => "string",
        ValueKind.Uuid => "uuid",
        ValueKind.Datetime => "datetime",
        ValueKind.Vector => "vector",
        ValueKind.Sparse => "sparse vector",
        _ => "array",
    };

    /// <summary>The value as a column of the type stores it; null if it cannot be one. Not for vectors.</summary>
    public static Value? Convert(Value value, AttributeType type)
    {
        if (type == AttributeType.SparseF16) return value.Kind == ValueKind.Sparse ? value : null;
        if (!IsArray(type)) return ConvertScalar(value, type);
        if (value.Kind != ValueKind.Array) return null;
        Value[] elements = new Value[value.AsArray.Length];
        for (int i = 0; i < elements.Length; i++)
        {
            if (ConvertScalar(value.AsArray[i], Element(type)) is not Value element) return null;
            elements[i] = element;
        }
        return Value.Of(elements);
    }

    private static Value? ConvertScalar(Value value, AttributeType type)
    {
        switch (type)
        {
            case AttributeType.String: return value.Kind == ValueKind.String ? value : null;
            case AttributeType.Bool: return value.Kind is ValueKind.True or ValueKind.False ? value : null;
            case AttributeType.Uuid when value.Kind == ValueKind.Uuid: return value;
            case AttributeType.Uuid: return ParseUuid(value);
            case AttributeType.Datetime when value.Kind == ValueKind.Datetime: return value;
            case AttributeType.Datetime when value.Kind == ValueKind.String: return ParseDatetime(value.AsString);
            case AttributeType.Float when IsNumber(value) && value.Kind != ValueKind.Datetime:
                return Value.Of(ToDouble(value) + 0.0);
            case AttributeType.Float: return null;
        }
        if (value.Kind is not (ValueKind.Int or ValueKind.Uint)) return null;
        BigInteger number = value.Kind == ValueKind.Int ? value.AsInt : value.AsUint;
        if (type == AttributeType.Uint) return number.Sign < 0 ? null : Value.Of((ulong)number);
        if (number > long.MaxValue) return null;
        return type == AttributeType.Int ? Value.Of((long)number) : Value.OfDatetime((long)number);
    }

    private static double ToDouble(Value value) => value.Kind switch
    {
        ValueKind.Int => value.AsInt,
        ValueKind.Uint => value.AsUint,
        _ => value.AsFloat,
    };

    private static Value? ParseUuid(Value value)
    {
        if (value.Kind != ValueKind.String) return null;
        string text = value.AsString;
        bool dashed = text.Length == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
        string digits = dashed ? text.Remove(23, 1).Remove(18, 1).Remove(13, 1).Remove(8, 1) : text;
        bool parsed = UInt128.TryParse(
            digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 uuid);
        return digits.Length == 32 && parsed ? Value.OfUuid(uuid) : null;
    }

    /// <summary>Only the form that the workload writes: yyyy-MM-ddTHH:mm:ssZ, counted day by day.</summary>
    private static Value? ParseDatetime(string text)
    {
        if (text.Length != 20 || text[4] != '-' || text[10] != 'T' || text[19] != 'Z') return null;
        int Field(int at, int size) => int.Parse(text.AsSpan(at, size), CultureInfo.InvariantCulture);
        long days = 0;
        for (int year = 1970; year < Field(0, 4); year++) days += IsLeap(year) ? 366 : 365;
        int[] months = [31, IsLeap(Field(0, 4)) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (int month = 1; month < Field(5, 2); month++) days += months[month - 1];
        days += Field(8, 2) - 1;
        long seconds = ((days * 24 + Field(11, 2)) * 60 + Field(14, 2)) * 60 + Field(17, 2);
        return Value.OfDatetime(seconds * 1000);
    }

    private static bool IsLeap(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    /// <summary>Elements of a vector, of an array of numbers or of base64 text; null if it is none.</summary>
    public static float[]? ToVector(Value value)
    {
        if (value.Kind == ValueKind.Vector) return value.AsVector;
        if (value.Kind == ValueKind.String)
        {
            byte[] bytes = new byte[value.AsUtf8.Length];
            bool decoded = System.Convert.TryFromBase64String(value.AsString, bytes, out int size);
            if (!decoded || size % 4 != 0) return null;
            float[] read = new float[size / 4];
            for (int i = 0; i < read.Length; i++) read[i] = BitConverter.ToSingle(bytes, i * 4);
            return read;
        }
        if (value.Kind != ValueKind.Array) return null;
        float[] elements = new float[value.AsArray.Length];
        for (int i = 0; i < elements.Length; i++)
        {
            Value element = value.AsArray[i];
            if (element.Kind is not (ValueKind.Int or ValueKind.Uint or ValueKind.Float)) return null;
            elements[i] = (float)ToDouble(element);
        }
        return elements;
    }

    /// <summary>The type of a new attribute with this first value; None if it must be declared.</summary>
    public static AttributeType Infer(Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.False or ValueKind.True: return AttributeType.Bool;
            case ValueKind.Int: return AttributeType.Int;
            case ValueKind.Uint: return value.AsUint <= long.MaxValue ? AttributeType.Int : AttributeType.Uint;
            case ValueKind.Float: return AttributeType.Float;
            case ValueKind.String: return AttributeType.String;
            case ValueKind.Uuid: return AttributeType.Uuid;
            case ValueKind.Datetime: return AttributeType.Datetime;
            case ValueKind.Array when value.AsArray.Length > 0: break;
            default: return AttributeType.None;
        }
        AttributeType all = Infer(value.AsArray[0]);
        foreach (Value element in value.AsArray)
        {
            AttributeType type = Infer(element);
            bool numbers = all is AttributeType.Int or AttributeType.Float &&
                type is AttributeType.Int or AttributeType.Float;
            if (type == AttributeType.None || (type != all && !numbers)) return AttributeType.None;
            if (type != all) all = AttributeType.Float;
        }
        return all == AttributeType.None ? all : all | AttributeType.ArrayFlag;
    }

    /// <summary>Of values that <see cref="IsNumber(Value)"/>, exactly.</summary>
    public static int CompareNumbers(Value left, Value right)
    {
        if (left.Kind == right.Kind) return ValueOrder.Instance.Compare(left, right);
        return Scaled(left).CompareTo(Scaled(right));
    }

    /// <summary>In units of 2^-1074, of which every finite double is a whole number.</summary>
    private static BigInteger Scaled(Value value)
    {
        const int scale = 1074;
        if (value.Kind == ValueKind.Int) return (BigInteger)value.AsInt << scale;
        if (value.Kind == ValueKind.Datetime) return (BigInteger)value.AsDatetime << scale;
        if (value.Kind == ValueKind.Uint) return (BigInteger)value.AsUint << scale;
        ulong bits = BitConverter.DoubleToUInt64Bits(value.AsFloat);
        int exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger fraction = bits & ((1UL << 52) - 1);
        BigInteger magnitude = exponent == 0 ? fraction : (fraction + (1UL << 52)) << (exponent - 1);
        return bits >> 63 == 0 ? magnitude : -magnitude;
    }

    /// <summary>Bytes on the wire.</summary>
    public static int SizeOf(Value value) => value.Kind switch
    {
        ValueKind.Null or ValueKind.False or ValueKind.True => 1,
        ValueKind.Uuid => 17,
        ValueKind.String => 5 + value.AsUtf8.Length,
        ValueKind.Vector => 5 + 4 * value.AsVector.Length,
        ValueKind.Array => 5 + SizeOf(value.AsArray),
        ValueKind.Sparse => 5 + SizeOf(value.AsSparse),
        _ => 9,
    };

    private static int SizeOf(SparseDimension[] dimensions)
    {
        int size = 0;
        foreach (SparseDimension dimension in dimensions) size += 1 + dimension.Name.Length + 2;
        return size;
    }

    private static int SizeOf(Value[] values)
    {
        int size = 0;
        foreach (Value value in values) size += SizeOf(value);
        return size;
    }
}
