using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine;

/// <summary>What follows from the type of an attribute.</summary>
public static class AttributeTypes
{
    /// <summary>Width of a row of token counts in a column.</summary>
    public const int TokenCountWidth = 4;

    public static bool IsDefined(AttributeType type) =>
        type is >= AttributeType.String and <= AttributeType.Datetime
            or >= AttributeType.StringArray and <= AttributeType.DatetimeArray
            or AttributeType.VectorF32 or AttributeType.VectorF16 or AttributeType.SparseF16;

    /// <summary>Of a fixed number of dimensions, kept apart from the row.</summary>
    public static bool IsVector(AttributeType type) => type is AttributeType.VectorF32 or AttributeType.VectorF16;

    public static bool IsArray(AttributeType type) => !IsVector(type) && (type & AttributeType.ArrayFlag) != 0;

    public static AttributeType Element(AttributeType array) => array & ~AttributeType.ArrayFlag;

    public static int VectorElementSize(AttributeType type) => type == AttributeType.VectorF16 ? 2 : 4;

    /// <summary>Bytes of a column's row; 0 if rows differ in size.</summary>
    public static int ColumnWidth(AttributeType type) => type switch
    {
        AttributeType.Bool => 1,
        AttributeType.Int or AttributeType.Uint or AttributeType.Float or AttributeType.Datetime => 8,
        AttributeType.Uuid => 16,
        _ => 0,
    };

    /// <summary>The kind that a stored value of a scalar or array type has; bools have two.</summary>
    public static ValueKind Kind(AttributeType type) => type switch
    {
        AttributeType.String => ValueKind.String,
        AttributeType.Int => ValueKind.Int,
        AttributeType.Uint => ValueKind.Uint,
        AttributeType.Float => ValueKind.Float,
        AttributeType.Uuid => ValueKind.Uuid,
        AttributeType.Datetime => ValueKind.Datetime,
        AttributeType.Bool => ValueKind.True,
        AttributeType.SparseF16 => ValueKind.Sparse,
        _ => IsVector(type) ? ValueKind.Vector : ValueKind.Array,
    };

    /// <summary>Adds the type as users write it: string, []int, [128]f32, {}f16.</summary>
    public static void Describe(ref ErrorText error, AttributeType type, uint dimensions)
    {
        if (IsVector(type))
        {
            error.Text("["u8).Number((long)dimensions).Text(type == AttributeType.VectorF32 ? "]f32"u8 : "]f16"u8);
            return;
        }
        if (IsArray(type)) error.Text("[]"u8);
        error.Text(Element(type) switch
        {
            AttributeType.String => "string"u8,
            AttributeType.Int => "int"u8,
            AttributeType.Uint => "uint"u8,
            AttributeType.Float => "float"u8,
            AttributeType.Bool => "bool"u8,
            AttributeType.Uuid => "uuid"u8,
            AttributeType.Datetime => "datetime"u8,
            AttributeType.SparseF16 => "{}f16"u8,
            _ => "none"u8,
        });
    }

    /// <summary>Adds what a value is.</summary>
    public static void Describe(ref ErrorText error, ValueKind kind) => error.Text(kind switch
    {
        ValueKind.Null => "null"u8,
        ValueKind.False or ValueKind.True => "bool"u8,
        ValueKind.Int => "int"u8,
        ValueKind.Uint => "uint"u8,
        ValueKind.Float => "float"u8,
        ValueKind.String => "string"u8,
        ValueKind.Uuid => "uuid"u8,
        ValueKind.Datetime => "datetime"u8,
        ValueKind.Vector => "vector"u8,
        ValueKind.Array => "array"u8,
        ValueKind.Sparse => "sparse vector"u8,
        _ => "unknown"u8,
    });
}
