using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;

namespace Deterministic.StateMachine.Filters;

public sealed partial class FilterProgram
{
    private bool CompileValue(
        ref FilterNode node, ReadOnlySpan<byte> name, in AttributeRecord attribute, EncodedValue value,
        ref ErrorText error)
    {
        node.OperandStart = _operandCount;
        node.Negated = node.Operator is FilterOperator.NotEq or FilterOperator.NotIn
            or FilterOperator.NotContains or FilterOperator.NotContainsAny;
        node.Missing = node.Negated || node.Operator is FilterOperator.Lt or FilterOperator.Lte;
        if (node.Element == AttributeType.None)
        {
            // The ids' type is open until the first document is written, so no document can match.
            node.Kind = FilterNodeKind.Constant;
            return true;
        }
        if (value.IsNull) return CompileNull(ref node, name, attribute, value, ref error);
        bool arrayOperator = node.Operator is FilterOperator.Contains or FilterOperator.NotContains
            or FilterOperator.ContainsAny or FilterOperator.NotContainsAny
            or >= FilterOperator.AnyLt and <= FilterOperator.AnyGte;
        bool scalarOperator = node.Operator is >= FilterOperator.Lt and <= FilterOperator.Gte;
        if (arrayOperator && !node.IsArray || scalarOperator && node.IsArray)
        {
            ref ErrorText text = ref Begin(ref error, ErrorCode.TypeMismatch, name).Text("type mismatch, "u8)
                .Text(OperatorName(node.Operator))
                .Text(arrayOperator ? " is for arrays, but the attribute is "u8
                    : " is for scalars, but the attribute is "u8);
            AttributeTypes.Describe(ref text, attribute.Type, 0);
            return false;
        }
        node.Kind = node.IsArray ? FilterNodeKind.AnyElement : FilterNodeKind.Scalar;
        switch (node.Operator)
        {
            case FilterOperator.Eq or FilterOperator.NotEq when node.IsArray:
                node.Kind = FilterNodeKind.ArrayEquals;
                return CompileList(ref node, name, value, ref error);
            case FilterOperator.ContainsAny or FilterOperator.NotContainsAny:
            case FilterOperator.In or FilterOperator.NotIn when value.Kind == ValueKind.Array:
                return CompileList(ref node, name, value, ref error);
            case FilterOperator.Eq or FilterOperator.NotEq or FilterOperator.Contains or FilterOperator.NotContains:
            case FilterOperator.In or FilterOperator.NotIn:
                node.Test = FilterTest.Points;
                return AddPoint(ref node, name, value, keepsPlace: false, list: false, value, ref error);
            default:
                return CompileInterval(ref node, name, value, ref error);
        }
    }

    /// <summary>Null is below every value.</summary>
    private static bool CompileNull(
        ref FilterNode node, ReadOnlySpan<byte> name, in AttributeRecord attribute, EncodedValue value,
        ref ErrorText error)
    {
        switch (node.Operator)
        {
            case FilterOperator.Eq or FilterOperator.Lte:
                node.Kind = FilterNodeKind.Present;
                node.Negated = true;
                return true;
            case FilterOperator.NotEq or FilterOperator.Gt:
                node.Kind = FilterNodeKind.Present;
                node.Negated = false;
                return true;
            case FilterOperator.Lt or FilterOperator.Gte:
                node.Kind = FilterNodeKind.Constant;
                node.Missing = node.Operator == FilterOperator.Gte;
                return true;
            default:
                bool list = node.Operator is FilterOperator.In or FilterOperator.NotIn
                    or FilterOperator.ContainsAny or FilterOperator.NotContainsAny;
                return ExpectElement(node, name, list, value, ref error);
        }
    }

    private bool CompileList(ref FilterNode node, ReadOnlySpan<byte> name, EncodedValue value, ref ErrorText error)
    {
        if (value.Kind != ValueKind.Array) return ExpectElement(node, name, list: true, value, ref error);
        node.Test = FilterTest.Points;
        bool keepsPlace = node.Kind == FilterNodeKind.ArrayEquals;
        WireReader elements = value.Elements;
        for (int i = value.ElementCount; i > 0; i--)
        {
            EncodedValue element = EncodedValue.Read(ref elements, element: true);
            if (!AddPoint(ref node, name, element, keepsPlace, list: true, value, ref error)) return false;
        }
        if (!keepsPlace) HeapSort.Sort(Operands(node), new OperandOrder(this, node.Element));
        return true;
    }

    /// <summary>Adds one value to compare with. A number that the attribute's type cannot hold equals nothing: it is
    /// left out, or stands as an empty interval where places count.</summary>
    private bool AddPoint(
        ref FilterNode node, ReadOnlySpan<byte> name, EncodedValue value, bool keepsPlace, bool list,
        EncodedValue whole, ref ErrorText error)
    {
        if (node.Element == AttributeType.String)
        {
            if (value.Kind != ValueKind.String) return ExpectElement(node, name, list, whole, ref error);
            return AddBytes(ref node, value.Payload, 0, ref error);
        }
        if (!TryPlace(node.Element, value, out ScalarKey.Place place))
            return ExpectElement(node, name, list, whole, ref error);
        if (place.Exact) return AddKeys(ref node, place.Key, place.Key, ref error);
        return !keepsPlace || AddKeys(ref node, 1, 0, ref error);
    }

    private bool CompileInterval(ref FilterNode node, ReadOnlySpan<byte> name, EncodedValue value, ref ErrorText error)
    {
        node.Test = FilterTest.Interval;
        bool below = node.Operator is FilterOperator.Lt or FilterOperator.Lte
            or FilterOperator.AnyLt or FilterOperator.AnyLte;
        bool included = node.Operator is FilterOperator.Lte or FilterOperator.Gte
            or FilterOperator.AnyLte or FilterOperator.AnyGte;
        if (node.Element == AttributeType.String)
        {
            if (value.Kind != ValueKind.String) return ExpectElement(node, name, list: false, value, ref error);
            node.Sides = below ? IntervalSides.HasGreatest : IntervalSides.HasLeast;
            if (!included) node.Sides |= below ? IntervalSides.GreatestExcluded : IntervalSides.LeastExcluded;
            return AddBytes(ref node, value.Payload, 0, ref error);
        }
        if (!TryPlace(node.Element, value, out ScalarKey.Place place))
            return ExpectElement(node, name, list: false, value, ref error);
        UInt128 key = place.Key;
        if (below)
        {
            bool lessThanKey = place.Exact && !included;
            if (place.Below || lessThanKey && key == 0) return AddKeys(ref node, 1, 0, ref error);
            return AddKeys(ref node, 0, lessThanKey ? key - 1 : key, ref error);
        }
        if (place.Below) return AddKeys(ref node, 0, UInt128.MaxValue, ref error);
        if (place.Exact && included) return AddKeys(ref node, key, UInt128.MaxValue, ref error);
        if (key == UInt128.MaxValue) return AddKeys(ref node, 1, 0, ref error);
        return AddKeys(ref node, key + 1, UInt128.MaxValue, ref error);
    }

    /// <summary>Where an operand stands among the values of a fixed-width type; false if the two cannot be
    /// compared.</summary>
    private static bool TryPlace(AttributeType type, EncodedValue value, out ScalarKey.Place place)
    {
        place = default;
        switch (type)
        {
            case AttributeType.Bool:
                place = new ScalarKey.Place(value.AsBool ? 1u : 0u, true, false);
                return value.Kind is ValueKind.True or ValueKind.False;
            case AttributeType.Uuid:
                Span<byte> uuid = stackalloc byte[16];
                if (value.Kind == ValueKind.Uuid) value.Payload.CopyTo(uuid);
                else if (value.Kind != ValueKind.String || !UuidText.TryParse(value.Payload, uuid)) return false;
                place = new ScalarKey.Place(BinaryPrimitives.ReadUInt128BigEndian(uuid), true, false);
                return true;
            case AttributeType.Datetime when value.Kind == ValueKind.String:
                if (!DatetimeText.TryParse(value.Payload, out long milliseconds)) return false;
                place = ScalarKey.PlaceOfInteger(type, milliseconds);
                return true;
        }
        switch (value.Kind)
        {
            case ValueKind.Int or ValueKind.Datetime:
                place = ScalarKey.PlaceOfInteger(type, value.AsInt);
                return true;
            case ValueKind.Uint:
                place = ScalarKey.PlaceOfInteger(type, value.AsUint);
                return true;
            case ValueKind.Float when double.IsFinite(value.AsFloat):
                place = ScalarKey.PlaceOfFloat(type, value.AsFloat);
                return true;
            default:
                return false;
        }
    }

    private bool AddKeys(ref FilterNode node, UInt128 least, UInt128 greatest, ref ErrorText error)
    {
        if (_operandCount == OperandsMax) return Limit(ref error, "filter has too many operands, at most "u8,
            OperandsMax);
        AllOperands[_operandCount++] = new FilterOperand { Least = least, Greatest = greatest };
        node.OperandCount++;
        return true;
    }

    private bool AddBytes(ref FilterNode node, ReadOnlySpan<byte> bytes, uint position, ref ErrorText error)
    {
        if (_operandCount == OperandsMax) return Limit(ref error, "filter has too many operands, at most "u8,
            OperandsMax);
        if (bytes.Length > _pool.Length - _poolSize)
            return Limit(ref error, "filter has too many bytes of operands, at most "u8, _pool.Length);
        bytes.CopyTo(_pool.AsSpan(_poolSize));
        AllOperands[_operandCount++] = new FilterOperand { Least = position, Offset = _poolSize, Size = bytes.Length };
        _poolSize += bytes.Length;
        node.OperandCount++;
        return true;
    }

    /// <summary>Says which type the operator wants beside the one that it got.</summary>
    private static bool ExpectElement(
        in FilterNode node, ReadOnlySpan<byte> name, bool list, EncodedValue got, ref ErrorText error)
    {
        AttributeType type = list ? node.Element | AttributeType.ArrayFlag : node.Element;
        Span<byte> expected = stackalloc byte[64];
        ErrorText description = new(expected);
        AttributeTypes.Describe(ref description.Begin(ErrorCode.TypeMismatch), type, 0);
        return Mismatch(node, name, expected[4..description.Size], got, ref error);
    }

    private readonly struct OperandOrder(FilterProgram program, AttributeType type) : IOrder<FilterOperand>
    {
        public int Compare(in FilterOperand left, in FilterOperand right) => type == AttributeType.String
            ? program.Bytes(left).SequenceCompareTo(program.Bytes(right))
            : left.Least.CompareTo(right.Least);
    }
}
