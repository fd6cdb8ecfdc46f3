using System;
using System.Text.Unicode;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine;

/// <summary>Walks the dimensions of a sparse vector as it lies in a request or a row: u32 count, then per dimension its
/// name (u8 size, UTF-8) and the bits of its weight, u16. Stored ones have passed <see cref="Judge"/>.</summary>
public ref struct SparseVector
{
    private const ushort NegativeZero = 0x8000;
    private const ushort Exponent = 0x7C00;

    private WireReader _dimensions;

    /// <param name="payload">Of a value of kind <see cref="ValueKind.Sparse"/>.</param>
    public SparseVector(ReadOnlySpan<byte> payload)
    {
        _dimensions = new WireReader(payload);
        Count = (int)_dimensions.U32();
        Check.That(!_dimensions.Failed);
    }

    public int Count { get; }
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>Bits of an f16; -0 counts as 0.</summary>
    public ushort Weight { get; private set; }

    public bool MoveNext()
    {
        if (_dimensions.Remaining == 0) return false;
        Name = _dimensions.Name();
        ushort weight = _dimensions.U16();
        Weight = weight == NegativeZero ? (ushort)0 : weight;
        Check.That(!_dimensions.Failed);
        return true;
    }

    /// <summary>Whether a value from outside may be stored or ranked by.</summary>
    public static SparseFault Judge(ReadOnlySpan<byte> payload)
    {
        SparseVector vector = new(payload);
        if (vector.Count > Limits.SparseDimensionsMax) return new(SparseProblem.Count, default, vector.Count);
        ReadOnlySpan<byte> before = default;
        while (vector.MoveNext())
        {
            ReadOnlySpan<byte> name = vector.Name;
            if (name.Length is 0 or > Limits.SparseDimensionNameSizeMax)
                return new(SparseProblem.NameSize, default, name.Length);
            if (!Utf8.IsValid(name)) return new(SparseProblem.NameText, default, 0);
            if (before.SequenceCompareTo(name) >= 0) return new(SparseProblem.Order, name, 0);
            if ((vector.Weight & Exponent) == Exponent) return new(SparseProblem.Weight, name, 0);
            before = name;
        }
        return default;
    }
}

/// <summary>What can be wrong with a sparse vector that decodes.</summary>
public enum SparseProblem
{
    None,
    Count,
    NameSize,
    NameText,
    Order,
    Weight,
}

/// <summary>What is wrong with a sparse vector, and where.</summary>
public readonly ref struct SparseFault(SparseProblem problem, ReadOnlySpan<byte> dimension, int number)
{
    private readonly ReadOnlySpan<byte> _dimension = dimension;

    public bool IsNone => problem == SparseProblem.None;

    public ErrorCode Code => problem switch
    {
        SparseProblem.Count or SparseProblem.NameSize => ErrorCode.LimitExceeded,
        SparseProblem.Weight => ErrorCode.NotFinite,
        _ => ErrorCode.InvalidArgument,
    };

    /// <summary>Adds the predicate to a sentence whose subject is the vector.</summary>
    public void Describe(ref ErrorText error)
    {
        Check.That(!IsNone);
        error.Text(" has "u8);
        switch (problem)
        {
            case SparseProblem.Count:
                error.Number((long)number).Text(" dimensions, limit is "u8).Number((long)Limits.SparseDimensionsMax);
                break;
            case SparseProblem.NameSize:
                error.Text("a dimension whose name has "u8).Number((long)number).Text(" bytes, limit is 1 to "u8)
                    .Number((long)Limits.SparseDimensionNameSizeMax);
                break;
            case SparseProblem.NameText:
                error.Text("a dimension whose name is not UTF-8"u8);
                break;
            case SparseProblem.Order:
                error.Text("dimension "u8).Name(_dimension).Text(" twice or out of order"u8);
                break;
            default:
                error.Text("no finite f16 number in dimension "u8).Name(_dimension)
                    .Text(" (limit of its magnitude is 65504)"u8);
                break;
        }
    }
}
