using System;
using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Unicode;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Documents;

/// <summary>Turns a value of a request into the one form in which its attribute's type is stored.</summary>
[FloatAllowed("conversions between integers and floats; an integer becomes an f32 by way of an f64")]
public static class ValueConversion
{
    /// <summary>Writes the encoded value; false (and nothing of use written) if the value cannot be of that
    /// type.</summary>
    public static bool TryConvert(scoped in EncodedValue value, AttributeType type, ref WireWriter writer)
    {
        Check.That(!AttributeTypes.IsVector(type));
        if (type == AttributeType.SparseF16) return TrySparse(value, ref writer);
        if (!AttributeTypes.IsArray(type)) return TryScalar(value, type, ref writer);
        if (value.Kind != ValueKind.Array) return false;
        int count = value.ElementCount;
        writer.U8((byte)ValueKind.Array);
        writer.U32((uint)count);
        AttributeType element = AttributeTypes.Element(type);
        WireReader elements = value.Elements;
        for (int i = 0; i < count; i++)
            if (!TryScalar(EncodedValue.Read(ref elements, element: true), element, ref writer)) return false;
        return true;
    }

    /// <summary>The type that a new attribute gets from its first value; None if it must be declared.</summary>
    public static AttributeType Infer(scoped in EncodedValue value)
    {
        if (value.Kind != ValueKind.Array) return InferScalar(value);
        WireReader elements = value.Elements;
        AttributeType all = AttributeType.None;
        for (int i = 0; i < value.ElementCount; i++)
        {
            AttributeType one = InferScalar(EncodedValue.Read(ref elements, element: true));
            if (one == AttributeType.None) return AttributeType.None;
            all = all == AttributeType.None ? one : Wider(all, one);
            if (all == AttributeType.None) return AttributeType.None;
        }
        return all == AttributeType.None ? AttributeType.None : all | AttributeType.ArrayFlag;
    }

    /// <summary>Dimensions of a vector, of an array of numbers, or of base64 text; -1 if the value is none of
    /// them.</summary>
    public static int Dimensions(scoped in EncodedValue value) => value.Kind switch
    {
        ValueKind.Vector => value.Payload.Length / 4,
        ValueKind.Array => value.ElementCount,
        ValueKind.String when value.Payload.Length % 4 == 0 => Base64Size(value.Payload) / 4,
        _ => -1,
    };

    /// <summary>Reads the elements as f32; false if the value is no vector. Finiteness is the caller's to
    /// check.</summary>
    public static bool TryVector(scoped in EncodedValue value, Span<float> elements)
    {
        Check.That(elements.Length == Dimensions(value));
        if (value.Kind == ValueKind.Vector)
        {
            value.AsVector.CopyTo(elements);
            return true;
        }
        if (value.Kind == ValueKind.String)
        {
            OperationStatus status = Base64.DecodeFromUtf8(
                value.Payload, MemoryMarshal.AsBytes(elements), out int read, out int written);
            return status == OperationStatus.Done && read == value.Payload.Length && written == elements.Length * 4;
        }
        WireReader reader = value.Elements;
        for (int i = 0; i < elements.Length; i++)
        {
            EncodedValue element = EncodedValue.Read(ref reader, element: true);
            if (!TryNumber(element, out double number)) return false;
            elements[i] = (float)number;
        }
        return true;
    }

    private static int Base64Size(ReadOnlySpan<byte> text)
    {
        int size = text.Length / 4 * 3;
        if (text.Length > 0 && text[^1] == '=') size--;
        if (text.Length > 1 && text[^2] == '=') size--;
        return size % 4 == 0 ? size : -4;
    }

    private static AttributeType InferScalar(scoped in EncodedValue value) => value.Kind switch
    {
        ValueKind.False or ValueKind.True => AttributeType.Bool,
        ValueKind.Int => AttributeType.Int,
        ValueKind.Uint => value.AsUint <= long.MaxValue ? AttributeType.Int : AttributeType.Uint,
        ValueKind.Float => AttributeType.Float,
        ValueKind.String => AttributeType.String,
        ValueKind.Uuid => AttributeType.Uuid,
        ValueKind.Datetime => AttributeType.Datetime,
        _ => AttributeType.None,
    };

    private static AttributeType Wider(AttributeType a, AttributeType b)
    {
        if (a == b) return a;
        bool numbers = a is AttributeType.Int or AttributeType.Float && b is AttributeType.Int or AttributeType.Float;
        return numbers ? AttributeType.Float : AttributeType.None;
    }

    private static bool TryNumber(scoped in EncodedValue value, out double number)
    {
        number = value.Kind switch
        {
            ValueKind.Int => value.AsInt,
            ValueKind.Uint => value.AsUint,
            ValueKind.Float => value.AsFloat,
            _ => double.NaN,
        };
        return value.Kind is ValueKind.Int or ValueKind.Uint or ValueKind.Float;
    }

    /// <summary>The caller has judged the dimensions.</summary>
    private static bool TrySparse(scoped in EncodedValue value, ref WireWriter writer)
    {
        if (value.Kind != ValueKind.Sparse) return false;
        SparseVector vector = new(value.Payload);
        writer.U8((byte)ValueKind.Sparse);
        writer.U32((uint)vector.Count);
        while (vector.MoveNext())
        {
            writer.Name(vector.Name);
            writer.U16(vector.Weight);
        }
        return true;
    }

    private static bool TryScalar(scoped in EncodedValue value, AttributeType type, ref WireWriter writer)
    {
        switch (type)
        {
            case AttributeType.String:
                if (value.Kind != ValueKind.String || !Utf8.IsValid(value.Payload)) return false;
                value.Write(ref writer);
                return true;
            case AttributeType.Bool:
                if (value.Kind is not (ValueKind.True or ValueKind.False)) return false;
                value.Write(ref writer);
                return true;
            case AttributeType.Int:
                return TryInt(value, ValueKind.Int, ref writer);
            case AttributeType.Uint:
                return TryUint(value, ref writer);
            case AttributeType.Float:
                return TryFloat(value, ref writer);
            case AttributeType.Datetime:
                return TryDatetime(value, ref writer);
            default:
                Check.That(type == AttributeType.Uuid);
                return TryUuid(value, ref writer);
        }
    }

    private static bool TryInt(scoped in EncodedValue value, ValueKind kind, ref WireWriter writer)
    {
        bool fits = value.Kind == ValueKind.Int || value.Kind == ValueKind.Uint && value.AsUint <= long.MaxValue;
        if (!fits) return false;
        writer.U8((byte)kind);
        writer.Bytes(value.Payload);
        return true;
    }

    private static bool TryUint(scoped in EncodedValue value, ref WireWriter writer)
    {
        bool fits = value.Kind == ValueKind.Uint || value.Kind == ValueKind.Int && value.AsInt >= 0;
        if (!fits) return false;
        writer.U8((byte)ValueKind.Uint);
        writer.Bytes(value.Payload);
        return true;
    }

    /// <summary>-0 becomes +0; infinities and NaN are refused.</summary>
    private static bool TryFloat(scoped in EncodedValue value, ref WireWriter writer)
    {
        if (!TryNumber(value, out double number) || !double.IsFinite(number)) return false;
        writer.U8((byte)ValueKind.Float);
        writer.F64(number == 0 ? 0 : number);
        return true;
    }

    private static bool TryDatetime(scoped in EncodedValue value, ref WireWriter writer)
    {
        long milliseconds;
        if (value.Kind == ValueKind.Datetime) milliseconds = value.AsInt;
        else if (value.Kind != ValueKind.String) return TryInt(value, ValueKind.Datetime, ref writer);
        else if (!DatetimeText.TryParse(value.Payload, out milliseconds)) return false;
        writer.U8((byte)ValueKind.Datetime);
        writer.I64(milliseconds);
        return true;
    }

    private static bool TryUuid(scoped in EncodedValue value, ref WireWriter writer)
    {
        Span<byte> uuid = stackalloc byte[16];
        if (value.Kind == ValueKind.Uuid) value.Payload.CopyTo(uuid);
        else if (value.Kind != ValueKind.String || !UuidText.TryParse(value.Payload, uuid)) return false;
        writer.U8((byte)ValueKind.Uuid);
        writer.Bytes(uuid);
        return true;
    }
}
