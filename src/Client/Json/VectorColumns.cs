using System;
using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>The attributes whose values are vectors: the one named "vector", unless the schema gives it another
/// type, and those that the schema declares as vectors. JSON alone cannot tell a vector from an array of
/// floats.</summary>
public sealed class VectorColumns
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal) { ValueJson.VectorName };

    public VectorColumns(ReadOnlySpan<AttributeSchema> schema)
    {
        foreach (AttributeSchema attribute in schema)
        {
            if (SchemaJson.IsVector(attribute.Type)) _names.Add(attribute.Name);
            else _names.Remove(attribute.Name);
        }
    }

    public bool Contains(string name) => _names.Contains(name);

    internal Value Read(ref JsonCursor json, string name)
    {
        if (_names.Contains(name)) return ValueJson.ReadVector(ref json);
        return json.Token == JsonTokenType.StartObject ? ValueJson.ReadSparse(ref json) : ValueJson.Read(ref json);
    }

    /// <summary>Whether a column of vectors is one base64 string or one array of numbers.</summary>
    internal static bool IsFlat(JsonCursor json)
    {
        if (json.Token == JsonTokenType.String) return true;
        return json.FirstElement == JsonTokenType.Number;
    }
}
