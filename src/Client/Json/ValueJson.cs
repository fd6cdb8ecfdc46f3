using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>How vectors are written in answers.</summary>
public enum VectorEncoding : byte
{
    Float = 0,

    /// <summary>Base64 of little-endian 32-bit floats.</summary>
    Base64 = 1,
}

/// <summary>Values of attributes, in both directions.</summary>
internal static class ValueJson
{
    public const string IdName = "id";
    public const string VectorName = "vector";

    /// <summary>An unsigned integer or a string; UUIDs are strings here and the schema tells them apart.</summary>
    public static Value ReadId(ref JsonCursor json)
    {
        if (json.TryUint(out ulong number)) return Value.Of(number);
        if (json.Token != JsonTokenType.String)
            throw json.NoVariant("an id, which is an unsigned 64-bit integer or a string (UUIDs too)", "Id");
        return Value.Of(json.String());
    }

    public static Value Read(ref JsonCursor json)
    {
        if (json.Token != JsonTokenType.StartArray) return ReadScalar(ref json);
        List<Value> elements = [];
        ArrayScope array = json.Array();
        while (json.Next(ref array)) elements.Add(ReadScalar(ref json));
        return Value.Of(elements.ToArray());
    }

    /// <summary>Numbers, or base64 of little-endian 32-bit floats.</summary>
    public static Value ReadVector(ref JsonCursor json) => Value.Of(ReadFloats(ref json));

    public static float[] ReadFloats(ref JsonCursor json)
    {
        if (json.Token == JsonTokenType.String) return Decode(ref json);
        return json.Floats("a vector (an array of numbers, or a base64 string)");
    }

    /// <summary>An object of weights by the names of dimensions.</summary>
    public static Value ReadSparse(ref JsonCursor json)
    {
        ObjectScope scope = json.Object("a sparse vector (an object of weights)");
        List<SparseDimension> dimensions = [];
        while (json.NextDimension(scope, out SparseDimension dimension)) dimensions.Add(dimension);
        Value vector = Value.OfSparse(dimensions.ToArray());
        SparseDimension[] ordered = vector.AsSparse;
        for (int i = 1; i < ordered.Length; i++)
        {
            if (!ordered[i].Name.SequenceEqual(ordered[i - 1].Name)) continue;
            throw json.Fail($"dimension \"{Encoding.UTF8.GetString(ordered[i].Name)}\" is given twice");
        }
        return vector;
    }

    public static void Write(Utf8JsonWriter writer, Value value, VectorEncoding encoding = VectorEncoding.Float)
    {
        switch (value.Kind)
        {
            case ValueKind.Null: writer.WriteNullValue(); break;
            case ValueKind.False: writer.WriteBooleanValue(false); break;
            case ValueKind.True: writer.WriteBooleanValue(true); break;
            case ValueKind.Int: writer.WriteNumberValue(value.AsInt); break;
            case ValueKind.Uint: writer.WriteNumberValue(value.AsUint); break;
            case ValueKind.Float: WriteFloat(writer, value.AsFloat); break;
            case ValueKind.String: writer.WriteStringValue(value.AsUtf8); break;
            case ValueKind.Uuid: writer.WriteStringValue(Uuid(value.AsUuid)); break;
            case ValueKind.Datetime: writer.WriteStringValue(Datetime(value.AsDatetime)); break;
            case ValueKind.Vector: WriteVector(writer, value.AsVector, encoding); break;
            case ValueKind.Array:
                writer.WriteStartArray();
                foreach (Value element in value.AsArray) Write(writer, element, encoding);
                writer.WriteEndArray();
                break;
            case ValueKind.Sparse: WriteSparse(writer, value.AsSparse); break;
            default: Check.Unreachable(); break;
        }
    }

    /// <summary>8-4-4-4-12 lower-case hexadecimal digits.</summary>
    public static string Uuid(UInt128 value)
    {
        string digits = value.ToString("x32", CultureInfo.InvariantCulture);
        return $"{digits[..8]}-{digits[8..12]}-{digits[12..16]}-{digits[16..20]}-{digits[20..]}";
    }

    /// <summary>ISO 8601 in UTC with nine digits of a second, as turbopuffer answers. Years outside of 1 to 9999,
    /// which that form cannot carry, stay milliseconds.</summary>
    public static string Datetime(long milliseconds)
    {
        if (milliseconds < DateTimeOffset.MinValue.ToUnixTimeMilliseconds()
            || milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        {
            return milliseconds.ToString(CultureInfo.InvariantCulture);
        }
        DateTimeOffset time = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        return time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'000000Z'", CultureInfo.InvariantCulture);
    }

    /// <summary>A score or distance: the shortest digits that read back as the same 32-bit float.</summary>
    public static void WriteSingle(Utf8JsonWriter writer, float value)
    {
        if (float.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteNullValue();
    }

    private static Value ReadScalar(ref JsonCursor json)
    {
        switch (json.Token)
        {
            case JsonTokenType.Null: return Value.Null;
            case JsonTokenType.True: return Value.True;
            case JsonTokenType.False: return Value.False;
            case JsonTokenType.Number: return json.Number();
            case JsonTokenType.String: return Value.Of(json.String());
            case JsonTokenType.StartArray: throw json.Fail("arrays of arrays (multi-vectors too) are not values");
            default: throw json.Fail("objects are values of sparse attributes only");
        }
    }

    private static float[] Decode(ref JsonCursor json)
    {
        byte[] bytes = json.Base64("a vector");
        if (bytes.Length % sizeof(float) != 0)
            throw json.Fail($"base64 of {bytes.Length} bytes is not whole 32-bit floats of 4 bytes");
        float[] floats = MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        for (int i = 0; i < floats.Length; i++)
            if (!float.IsFinite(floats[i])) throw json.Fail($"element {i} is not finite", ErrorCode.NotFinite);
        return floats;
    }

    /// <summary>Whole numbers keep ".0", so that a float stays a float when it is read back.</summary>
    private static void WriteFloat(Utf8JsonWriter writer, double value)
    {
        if (!double.IsFinite(value))
        {
            writer.WriteNullValue();
            return;
        }
        string digits = value.ToString("R", CultureInfo.InvariantCulture);
        bool plain = digits.AsSpan().IndexOfAny('.', 'E') < 0;
        writer.WriteRawValue(plain ? digits + ".0" : digits, skipInputValidation: true);
    }

    private static void WriteSparse(Utf8JsonWriter writer, SparseDimension[] dimensions)
    {
        writer.WriteStartObject();
        foreach (SparseDimension dimension in dimensions)
        {
            writer.WritePropertyName(dimension.Name);
            WriteSingle(writer, (float)dimension.Weight);
        }
        writer.WriteEndObject();
    }

    private static void WriteVector(Utf8JsonWriter writer, float[] vector, VectorEncoding encoding)
    {
        if (encoding == VectorEncoding.Base64)
        {
            writer.WriteBase64StringValue(MemoryMarshal.AsBytes<float>(vector));
            return;
        }
        writer.WriteStartArray();
        foreach (float element in vector) WriteSingle(writer, element);
        writer.WriteEndArray();
    }
}
