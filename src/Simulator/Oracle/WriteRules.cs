using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Decides whether a write is carried out, in the order of the protocol: schema, values, rows, metric,
/// filters, then what needs all of them. What it leaves behind is ready to be applied.</summary>
[FloatAllowed("checks elements and rounds them to the width of their column")]
internal sealed class WriteRules(WriteRequest request, NaiveNamespace? database)
{
    private const int FilterableValueSizeMax = 4096;

    public NaiveSchema Schema { get; } = database?.Schema.Copy() ?? new NaiveSchema();
    public NaiveRow? PatchValues { get; private set; }
    public List<NaiveRow> Upserts { get; } = [];
    public List<NaiveRow> Patches { get; } = [];
    public List<Value> Deletes { get; } = [];

    /// <summary>Attributes that the namespace got from the values of this request.</summary>
    public int Inferred { get; private set; }

    /// <param name="atEnd">Whether the request ended where it should.</param>
    /// <param name="rowBytesMax">Bytes of a patched row.</param>
    public Refusal? Check(bool atEnd, int rowBytesMax)
    {
        if ((request.Flags & ~WriteFlags.All) != 0) return Refusal.Malformed("write");
        Refusal? refusal = Refusal.OfName(request.Namespace);
        foreach (AttributeSchema attribute in request.Schema) refusal ??= Schema.Put(attribute);
        refusal ??= CheckValues();
        if (refusal is null && !atEnd) refusal = Refusal.Malformed("bytes behind the deletes");
        if (refusal is null && database is null && request.Upserts.Count == 0)
            refusal = Refusal.NotFound(request.Namespace);
        return refusal ?? CheckMetric() ?? CheckFilters() ?? CheckUnique() ?? CheckMatches() ??
            CheckPatchedSizes(rowBytesMax);
    }

    private Refusal? CheckValues()
    {
        Refusal? refusal = null;
        if (request.PatchByFilter is not null)
        {
            PatchValues = new NaiveRow(Value.Null, 0);
            refusal = CheckRow(PatchValues, request.PatchByFilterValues, 0, patch: true, byFilter: true);
            if (refusal is not null) return refusal;
        }
        foreach (List<Row> rows in (List<Row>[])[request.Upserts, request.Patches])
        {
            foreach (Row row in rows)
            {
                foreach (KeyValuePair<string, Value> pair in row.Attributes)
                {
                    if (pair.Key == "id")
                        return Refusal.Invalid("`id` is given twice: as the row's id and as an attribute");
                }
            }
        }
        refusal = CheckRows(request.Upserts, patch: false) ?? CheckRows(request.Patches, patch: true);
        for (int i = 0; i < request.Deletes.Count && refusal is null; i++)
        {
            refusal = CheckId(request.Deletes[i], i, out Value? id);
            if (refusal is null) Deletes.Add(id!);
        }
        return refusal;
    }

    private Refusal? CheckRows(List<Row> rows, bool patch)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if (CheckId(rows[i].Id, i, out Value? id) is Refusal wrongId) return wrongId;
            NaiveRow row = new(id!, 0);
            if (CheckRow(row, rows[i].Attributes, i, patch, byFilter: false) is Refusal refusal) return refusal;
            (patch ? Patches : Upserts).Add(row);
        }
        return null;
    }

    private Refusal? CheckId(Value id, int index, out Value? canonical)
    {
        if (Schema.IdType == AttributeType.None)
        {
            Schema.IdType = id.Kind switch
            {
                ValueKind.Int or ValueKind.Uint => AttributeType.Uint,
                ValueKind.Uuid => AttributeType.Uuid,
                ValueKind.String => AttributeType.String,
                _ => AttributeType.None,
            };
        }
        canonical = null;
        bool text = Schema.IdType == AttributeType.String && id.Kind == ValueKind.String;
        if (text && id.AsUtf8.Length is 0 or > 64)
        {
            return new(ErrorCode.LimitExceeded,
                $"`id` of row {index} has {id.AsUtf8.Length} bytes, limit is 1 to 64");
        }
        if (Schema.IdType != AttributeType.None) canonical = NaiveValues.Convert(id, Schema.IdType);
        if (canonical is not null) return null;
        string expected = Schema.IdType == AttributeType.None
            ? "uint, uuid or string" : NaiveValues.Describe(Schema.IdType);
        return new(ErrorCode.TypeMismatch,
            $"`id` of row {index} must be {expected}, got {NaiveValues.Describe(id.Kind)}");
    }

    private Refusal? CheckRow(
        NaiveRow row, List<KeyValuePair<string, Value>> values, int index, bool patch, bool byFilter)
    {
        List<(NaiveAttribute Attribute, Value Value)> found = [];
        foreach (KeyValuePair<string, Value> pair in values)
        {
            NaiveAttribute? attribute = Schema.Find(pair.Key);
            if (attribute is null)
            {
                if (pair.Value.IsNull) continue;
                if (Infer(pair.Key, pair.Value, out attribute) is Refusal refusal) return refusal;
            }
            if (byFilter && attribute!.Number == 0) return Refusal.Invalid("`id` cannot be patched");
            foreach ((NaiveAttribute other, _) in found)
            {
                if (other.Name == pair.Key)
                    return Refusal.Invalid($"attribute `{pair.Key}` is given twice in one row");
            }
            found.Add((attribute!, pair.Value));
        }
        found.Sort(static (left, right) =>
        {
            int order = left.Attribute.IsVector.CompareTo(right.Attribute.IsVector);
            return order != 0 ? order : left.Attribute.Number.CompareTo(right.Attribute.Number);
        });
        foreach ((NaiveAttribute attribute, Value value) in found)
        {
            Value? canonical = null;
            Refusal? refusal = attribute.IsVector
                ? CheckVector(attribute, value, index, patch, out canonical)
                : CheckValue(attribute, value, index, out canonical);
            if (refusal is not null) return refusal;
            if (canonical is not null && (patch || !canonical.IsNull)) row.Values.Add(attribute.Name, canonical);
        }
        return null;
    }

    private Refusal? Infer(string name, Value value, out NaiveAttribute? attribute)
    {
        attribute = null;
        bool vector = name == "vector" && value.Kind is ValueKind.Vector or ValueKind.Array;
        uint dimensions = 0;
        if (vector)
        {
            dimensions = (uint)(value.Kind == ValueKind.Vector ? value.AsVector.Length : value.AsArray.Length);
            if (dimensions is 0 or > 10_752)
            {
                return new(ErrorCode.LimitExceeded,
                    $"attribute `vector` has {dimensions} dimensions, limit is 1 to 10752");
            }
        }
        AttributeType type = vector ? AttributeType.VectorF32 : NaiveValues.Infer(value);
        if (type == AttributeType.None)
        {
            return Refusal.Invalid($"type of new attribute `{name}` cannot be told from this value " +
                $"({NaiveValues.Describe(value.Kind)}): declare it in the schema");
        }
        Inferred++;
        return Schema.Add(name, type, dimensions, filterable: !vector, out attribute);
    }

    private static Refusal? CheckValue(NaiveAttribute attribute, Value value, int index, out Value? canonical)
    {
        canonical = value;
        if (value.IsNull) return null;
        canonical = NaiveValues.Convert(value, attribute.Type);
        string what = $"attribute `{attribute.Name}` of row {index}";
        if (attribute.IsSparse && NaiveSparse.Check(what, value.AsSparse) is Refusal refusal) return refusal;
        if (canonical is null)
        {
            return new(ErrorCode.TypeMismatch, $"{what} must be {attribute.Describe()}, got a value of kind " +
                $"{NaiveValues.Describe(value.Kind)} that is not one");
        }
        if (!attribute.Filterable) return null;
        int longest = value.Kind == ValueKind.String ? value.AsUtf8.Length : 0;
        foreach (Value element in value.AsArray)
            longest = int.Max(longest, element.Kind == ValueKind.String ? element.AsUtf8.Length : 0);
        return longest <= FilterableValueSizeMax ? null : new(ErrorCode.LimitExceeded,
            $"{what} has {longest} bytes and is filterable, limit is {FilterableValueSizeMax}");
    }

    private static Refusal? CheckVector(
        NaiveAttribute attribute, Value value, int index, bool patch, out Value? canonical)
    {
        canonical = null;
        string name = $"vector attribute `{attribute.Name}`";
        if (patch) return Refusal.Invalid($"{name} cannot be patched");
        if (value.IsNull) return null;
        float[]? vector = NaiveValues.ToVector(value);
        int dimensions = vector?.Length ?? (value.Kind == ValueKind.Array ? value.AsArray.Length : -1);
        if (dimensions >= 0 && dimensions != attribute.Dimensions)
        {
            return new(ErrorCode.DimensionMismatch,
                $"{name} has {attribute.Dimensions} dimensions, got {dimensions} in row {index}");
        }
        if (vector is null)
        {
            return new(ErrorCode.TypeMismatch, $"attribute `{attribute.Name}` of row {index} must be " +
                $"{attribute.Describe()}, got {NaiveValues.Describe(value.Kind)}");
        }
        bool half = attribute.Type == AttributeType.VectorF16;
        float[] stored = new float[vector.Length];
        for (int i = 0; i < vector.Length; i++)
        {
            stored[i] = (half ? (float)(Half)vector[i] : vector[i]) + 0f;
            bool finite = half ? float.IsFinite(stored[i]) : float.Abs(stored[i]) <= 1L << 40;
            if (finite) continue;
            return new(ErrorCode.NotFinite, $"element {i} of {name} in row {index} is not a finite " + (half
                ? "f16 number (limit of its magnitude is 65504)" : "number of magnitude up to 2^40"));
        }
        canonical = Value.Of(stored);
        return null;
    }

    private Refusal? CheckMetric()
    {
        if (request.Metric > DistanceMetric.EuclideanSquared)
            return Refusal.Invalid($"distance_metric {(int)request.Metric} is unknown");
        if (Schema.VectorColumns == 0) return null;
        if (Schema.Metric == DistanceMetric.Unspecified)
        {
            Schema.Metric = request.Metric;
            return request.Metric != DistanceMetric.Unspecified ? null : new(ErrorCode.DistanceMetricMissing,
                "distance_metric must be specified for write to namespace with a vector");
        }
        if (request.Metric == DistanceMetric.Unspecified || request.Metric == Schema.Metric) return null;
        return new(ErrorCode.DistanceMetricMismatch, "distance metric mismatch, expected " +
            $"{NameOf(Schema.Metric)}, got {NameOf(request.Metric)}");
    }

    public static string NameOf(DistanceMetric metric) =>
        metric == DistanceMetric.CosineDistance ? "cosine_distance" : "euclidean_squared";

    private Refusal? CheckFilters() =>
        FilterRules.Check(request.DeleteByFilter, Schema, newRow: false) ??
        FilterRules.Check(request.PatchByFilter, Schema, newRow: false) ??
        FilterRules.Check(request.UpsertCondition, Schema, newRow: true) ??
        FilterRules.Check(request.PatchCondition, Schema, newRow: true) ??
        FilterRules.Check(request.DeleteCondition, Schema, newRow: true);

    /// <summary>Of several ids that are there twice, the least is named.</summary>
    private Refusal? CheckUnique()
    {
        List<Value> ids = new(Deletes);
        foreach (NaiveRow row in Upserts) ids.Add(row.Id);
        foreach (NaiveRow row in Patches) ids.Add(row.Id);
        ids.Sort(ValueOrder.Instance);
        for (int i = 1; i < ids.Count; i++)
        {
            if (!ids[i].Equals(ids[i - 1])) continue;
            string text = ids[i].Kind == ValueKind.String ? $"`{ids[i]}`" : ids[i].ToString();
            return new(ErrorCode.DuplicateId, $"id {text} is in this request more than once");
        }
        return null;
    }

    private Refusal? CheckMatches()
    {
        bool byFilter = request.DeleteByFilter is not null || request.PatchByFilter is not null;
        if (!byFilter || database is null || database.Rows.Count == 0) return null;
        return !Schema.IndexesOtherwise(database.Schema) ? null : new(ErrorCode.SchemaConflict,
            "a change of indexes and a change by filter need a request each");
    }

    /// <summary>Old row and patch together, or what really comes of them, may not be too long.</summary>
    private Refusal? CheckPatchedSizes(int rowBytesMax)
    {
        if (database is null) return null;
        List<NaiveRow> patched = NaiveWrite.PatchedByFilter(request, this, database);
        foreach (NaiveRow row in patched)
        {
            if (CheckPatchedSize(row, PatchValues!, 0, rowBytesMax) is Refusal refusal) return refusal;
        }
        foreach (NaiveRow patch in Patches)
        {
            if (!database.Rows.TryGetValue(patch.Id, out NaiveRow? row)) continue;
            int before = patched.Contains(row) ? PatchValues!.RowBytes : 0;
            if (CheckPatchedSize(row, patch, before, rowBytesMax) is Refusal refusal) return refusal;
        }
        return null;
    }

    private static Refusal? CheckPatchedSize(NaiveRow row, NaiveRow patch, int before, int rowBytesMax)
    {
        int size = row.RowBytes + patch.RowBytes + before;
        if (before == 0 && size > rowBytesMax) size = row.Patched(patch, 0).RowBytes;
        return size <= rowBytesMax ? null : new(ErrorCode.LimitExceeded,
            $"a patched row takes {size} bytes, limit of a row is {rowBytesMax}");
    }
}
