using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Schemas: <c>{"title":{"type":"string","full_text_search":true},"vector":"[128]f32"}</c>, and what a
/// namespace answers. Beyond turbopuffer's: language "porter", tokenizer "word_v1".</summary>
public static class SchemaJson
{
    private const string SparseType = "{}f16";
    private const string SparseMetric = "dot_product";

    private static readonly (string Name, AttributeType Type)[] Types =
    [
        ("string", AttributeType.String), ("int", AttributeType.Int), ("uint", AttributeType.Uint),
        ("float", AttributeType.Float), ("bool", AttributeType.Bool), ("uuid", AttributeType.Uuid),
        ("datetime", AttributeType.Datetime),
        ("[]string", AttributeType.StringArray), ("[]int", AttributeType.IntArray),
        ("[]uint", AttributeType.UintArray), ("[]float", AttributeType.FloatArray), ("[]bool", AttributeType.BoolArray),
        ("[]uuid", AttributeType.UuidArray), ("[]datetime", AttributeType.DatetimeArray),
        (SparseType, AttributeType.SparseF16),
    ];

    private static readonly (string Name, Tokenizer Tokenizer)[] Tokenizers =
    [
        ("word_v1", Tokenizer.WordV1), ("word_v3", Tokenizer.WordV3), ("word_v4", Tokenizer.WordV4),
        ("pre_tokenized_array", Tokenizer.PreTokenizedArray),
    ];

    private static readonly (string Name, Language Language)[] Languages =
        [("english", Language.English), ("porter", Language.Porter)];

    /// <summary>The bare map of an update of the schema.</summary>
    /// <exception cref="JsonRequestException">Names what is wrong and where.</exception>
    public static AttributeSchema[] Parse(ReadOnlySpan<byte> json)
    {
        JsonCursor cursor = new(json);
        AttributeSchema[] schema = Read(ref cursor);
        cursor.End();
        return schema;
    }

    internal static AttributeSchema[] Read(ref JsonCursor json)
    {
        List<AttributeSchema> schema = [];
        ObjectScope scope = json.Object("a schema (an object of attributes)");
        while (json.Next(ref scope, out string name)) schema.Add(ReadAttribute(ref json, name));
        if (schema.Count > Limits.AttributesPerNamespaceMax)
            throw json.Fail($"{schema.Count} attributes, the limit is {Limits.AttributesPerNamespaceMax}");
        return schema.ToArray();
    }

    /// <summary>The answer of the schema endpoint: every attribute with explicit nulls.</summary>
    public static void Write(Utf8JsonWriter writer, ReadOnlySpan<AttributeSchema> schema)
    {
        writer.WriteStartObject();
        foreach (AttributeSchema attribute in schema)
        {
            bool vector = IsVector(attribute.Type);
            writer.WriteStartObject(attribute.Name);
            writer.WriteString("type", TypeName(attribute));
            if (vector) writer.WriteBoolean("ann", attribute.Ann);
            if (attribute.Type == AttributeType.SparseF16) WriteSparse(writer);
            writer.WritePropertyName("filterable");
            if (vector || attribute.Name == ValueJson.IdName || attribute.Filterable is null) writer.WriteNullValue();
            else writer.WriteBooleanValue(attribute.Filterable.Value);
            writer.WritePropertyName("full_text_search");
            if (attribute.FullText is null) writer.WriteNullValue();
            else WriteFullText(writer, attribute.FullText);
            WritePatterns(writer, attribute);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    /// <summary>The schema inside metadata: what is null is left out, and the metric stands with the
    /// vector.</summary>
    internal static void WriteCompact(
        Utf8JsonWriter writer, ReadOnlySpan<AttributeSchema> schema, DistanceMetric metric)
    {
        writer.WriteStartObject();
        foreach (AttributeSchema attribute in schema)
        {
            bool vector = IsVector(attribute.Type);
            writer.WriteStartObject(attribute.Name);
            writer.WriteString("type", TypeName(attribute));
            if (vector && attribute.Ann)
            {
                writer.WriteStartObject("ann");
                if (metric != DistanceMetric.Unspecified) writer.WriteString("distance_metric", MetricName(metric));
                writer.WriteEndObject();
            }
            if (attribute.Type == AttributeType.SparseF16) WriteSparse(writer);
            if (!vector && attribute.Name != ValueJson.IdName && attribute.Filterable is bool filterable)
                writer.WriteBoolean("filterable", filterable);
            if (attribute.FullText is not null)
            {
                writer.WritePropertyName("full_text_search");
                WriteFullText(writer, attribute.FullText);
            }
            WritePatterns(writer, attribute);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
    }

    private static void WriteSparse(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("sparse_knn");
        writer.WriteString("distance_metric", SparseMetric);
        writer.WriteEndObject();
    }

    /// <summary>Only what is on.</summary>
    private static void WritePatterns(Utf8JsonWriter writer, AttributeSchema attribute)
    {
        if (attribute.Glob == true) writer.WriteBoolean("glob", true);
        if (attribute.Regex == true) writer.WriteBoolean("regex", true);
        if (attribute.Fuzzy == true) writer.WriteBoolean("fuzzy", true);
    }

    /// <summary>Such as "string", "[]int", "[128]f16", "{}f16".</summary>
    public static string TypeName(AttributeSchema attribute)
    {
        string dimensions = attribute.Dimensions.ToString(CultureInfo.InvariantCulture);
        if (attribute.Type == AttributeType.VectorF32) return $"[{dimensions}]f32";
        if (attribute.Type == AttributeType.VectorF16) return $"[{dimensions}]f16";
        foreach ((string name, AttributeType type) in Types)
            if (type == attribute.Type) return name;
        return "unknown";
    }

    public static string MetricName(DistanceMetric metric) =>
        metric == DistanceMetric.CosineDistance ? "cosine_distance" : "euclidean_squared";

    internal static bool IsVector(AttributeType type) => type is AttributeType.VectorF32 or AttributeType.VectorF16;

    internal static DistanceMetric ReadMetric(ref JsonCursor json) => json.String("a distance metric") switch
    {
        "cosine_distance" => DistanceMetric.CosineDistance,
        "euclidean_squared" => DistanceMetric.EuclideanSquared,
        "dot_product" => throw json.NotSupported("distance metric \"dot_product\""),
        _ => throw json.UnknownVariant(
            "\"cosine_distance\" or \"euclidean_squared\"", "one of `euclidean_squared`, `cosine_distance`"),
    };

    private static AttributeSchema ReadAttribute(ref JsonCursor json, string name)
    {
        json.CheckName(name);
        if (json.Token == JsonTokenType.String)
        {
            (AttributeType simple, uint size) = ReadType(ref json);
            return new AttributeSchema { Name = name, Type = simple, Dimensions = size, Ann = IsVector(simple) };
        }
        (AttributeType Type, uint Dimensions)? type = null;
        bool? filterable = null, glob = null, regex = null, fuzzy = null;
        (FullTextOptions? Options, bool Off) text = (null, false);
        bool ann = false, sparse = false;
        ObjectScope scope = json.Object("a type (a string) or an object with \"type\"");
        while (json.Next(ref scope, out string option))
        {
            switch (option)
            {
                case "type": type = ReadType(ref json); break;
                case "filterable": filterable = json.IsNull ? null : json.Bool(); break;
                case "full_text_search": text = ReadFullText(ref json); break;
                case "ann": ann = ReadAnn(ref json); break;
                case "glob": glob = json.IsNull ? null : json.Bool(); break;
                case "regex": regex = json.IsNull ? null : json.Bool(); break;
                case "fuzzy": fuzzy = json.IsNull ? null : json.Bool(); break;
                case "sparse_knn": sparse = ReadSparse(ref json); break;
                case "embed" when json.IsNull: break;
                case "embed" or "drop":
                    throw json.NotSupported($"schema option \"{option}\"");
                default:
                    throw json.Fail("unknown schema option; known are type, filterable, full_text_search, glob, " +
                        "regex, fuzzy, ann, sparse_knn");
            }
        }
        if (type is null) throw json.Missing("type");
        CheckSparse(ref json, type.Value.Type, sparse);
        return new AttributeSchema
        {
            Name = name, Type = type.Value.Type, Dimensions = type.Value.Dimensions, Filterable = filterable,
            FullText = text.Options, FullTextOff = text.Off, Ann = ann, Glob = glob, Regex = regex, Fuzzy = fuzzy,
        };
    }

    private static (AttributeType Type, uint Dimensions) ReadType(ref JsonCursor json)
    {
        string text = json.String("a type");
        foreach ((string name, AttributeType type) in Types)
            if (name == text) return (type, 0);
        if (text is "bytes" || text.StartsWith("[][", StringComparison.Ordinal)
            || text.EndsWith("]i8", StringComparison.Ordinal)) throw json.NotSupported($"type \"{text}\"");
        int close = text.IndexOf(']', StringComparison.Ordinal);
        if (text.StartsWith('[') && close > 1
            && uint.TryParse(text[1..close], NumberStyles.None, CultureInfo.InvariantCulture, out uint count))
        {
            if (count is 0 or > Limits.DimensionsMax)
                throw json.Fail($"{count} dimensions in \"{text}\"; there may be 1 to {Limits.DimensionsMax}");
            if (text[(close + 1)..] == "f32") return (AttributeType.VectorF32, count);
            if (text[(close + 1)..] == "f16") return (AttributeType.VectorF16, count);
        }
        throw json.Expected(
            "a type: string, int, uint, float, bool, uuid, datetime, an array of these such as []string, " +
            "a vector such as [128]f32 or [128]f16, or the sparse vector {}f16");
    }

    /// <summary>False for null.</summary>
    private static bool ReadSparse(ref JsonCursor json)
    {
        if (json.IsNull) return false;
        bool said = false;
        ObjectScope scope = json.Object("an object with distance_metric", "struct SparseKnn");
        while (json.Next(ref scope, out string option))
        {
            if (option != "distance_metric") throw json.Fail("unknown option; known is distance_metric");
            said = json.String("a distance metric") == SparseMetric
                ? true : throw json.UnknownVariant($"\"{SparseMetric}\"", $"`{SparseMetric}`");
        }
        return said ? true : throw json.Missing("distance_metric");
    }

    /// <summary>A sparse attribute and its index need each other.</summary>
    private static void CheckSparse(ref JsonCursor json, AttributeType type, bool sparse)
    {
        if (sparse == (type == AttributeType.SparseF16)) return;
        throw json.Fail(sparse ? $"sparse_knn needs the type {SparseType}"
            : $"type {SparseType} needs sparse_knn: {{\"distance_metric\":\"{SparseMetric}\"}}");
    }

    private static bool ReadAnn(ref JsonCursor json)
    {
        if (json.IsNull) return false;
        if (json.Token is JsonTokenType.True or JsonTokenType.False) return json.Bool();
        ObjectScope scope = json.Object("true, false or an object");
        while (json.Next(ref scope, out string option))
        {
            if (option == "distance_metric")
            {
                throw json.Fail("`distance_metric` must be specified as a field at the top level of the write " +
                    "request, not in the `ann` configuration for an attribute");
            }
            throw json.NotSupported($"ann option \"{option}\"");
        }
        return true;
    }

    private static (FullTextOptions? Options, bool Off) ReadFullText(ref JsonCursor json)
    {
        if (json.IsNull) return (null, false);
        if (json.Token is JsonTokenType.True or JsonTokenType.False)
            return json.Bool() ? (new FullTextOptions(), false) : (null, true);
        FullTextOptions defaults = new();
        Tokenizer tokenizer = defaults.Tokenizer;
        Language language = defaults.Language;
        bool stemming = false, stopwords = false, caseSensitive = false, folding = false;
        uint length = defaults.MaxTokenLength;
        float k1 = defaults.K1, b = defaults.B, k3 = defaults.K3;
        ObjectScope scope = json.Object("true, false or an object of options");
        while (json.Next(ref scope, out string option))
        {
            switch (option)
            {
                case "tokenizer": tokenizer = Named(ref json, Tokenizers); break;
                case "language": language = Named(ref json, Languages); break;
                case "stemming": stemming = json.Bool(); break;
                case "remove_stopwords": stopwords = json.Bool(); break;
                case "case_sensitive": caseSensitive = json.Bool(); break;
                case "ascii_folding": folding = json.Bool(); break;
                case "max_token_length": length = json.Count(1, Limits.TokenSizeMax); break;
                case "k1": k1 = Positive(ref json); break;
                case "b": b = json.Float(); break;
                case "k3": k3 = Positive(ref json); break;
                default:
                    throw json.Fail("unknown full-text option; known are tokenizer, language, stemming, " +
                        "remove_stopwords, case_sensitive, ascii_folding, max_token_length, k1, b, k3");
            }
            if (option == "b" && b is < 0 or > 1) throw json.Fail("must be between 0 and 1");
        }
        return (new FullTextOptions
        {
            Tokenizer = tokenizer, Language = language, Stemming = stemming, RemoveStopwords = stopwords,
            CaseSensitive = caseSensitive, AsciiFolding = folding, MaxTokenLength = (byte)length,
            K1 = k1, B = b, K3 = k3,
        }, false);
    }

    private static float Positive(ref JsonCursor json)
    {
        float value = json.Float();
        return value > 0 ? value : throw json.Fail("must be greater than 0");
    }

    private static T Named<T>(ref JsonCursor json, (string Name, T Value)[] known)
    {
        string text = json.String();
        foreach ((string name, T value) in known)
            if (name == text) return value;
        string names = string.Join(", ", System.Array.ConvertAll(known, static pair => pair.Name));
        throw json.Fail($"\"{text}\" is not supported by this release; known are {names}", ErrorCode.NotSupported);
    }

    private static void WriteFullText(Utf8JsonWriter writer, FullTextOptions options)
    {
        writer.WriteStartObject();
        writer.WriteNumber("k1", options.K1);
        writer.WriteNumber("k3", options.K3);
        writer.WriteNumber("b", options.B);
        writer.WriteString("language", NameOf(options.Language, Languages));
        writer.WriteBoolean("stemming", options.Stemming);
        writer.WriteNumber("max_token_length", options.MaxTokenLength);
        writer.WriteBoolean("remove_stopwords", options.RemoveStopwords);
        writer.WriteBoolean("ascii_folding", options.AsciiFolding);
        writer.WriteBoolean("case_sensitive", options.CaseSensitive);
        writer.WriteString("tokenizer", NameOf(options.Tokenizer, Tokenizers));
        writer.WriteEndObject();
    }

    private static string? NameOf<T>(T value, (string Name, T Value)[] known) where T : struct, Enum
    {
        foreach ((string name, T candidate) in known)
            if (candidate.Equals(value)) return name;
        return null;
    }
}
