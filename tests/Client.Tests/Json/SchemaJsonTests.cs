using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Xunit;

namespace Deterministic.Client.Tests.Json;

public sealed class SchemaJsonTests
{
    [Fact]
    public void ShortAndLongForms()
    {
        AttributeSchema[] schema = JsonText.Schema("""
            {"id":"uuid","tags":"[]string","v":"[128]f32","title":{"type":"string","full_text_search":true},
             "body":{"type":"string","filterable":true,"full_text_search":{"tokenizer":"word_v1","language":"porter",
               "stemming":true,"remove_stopwords":true,"case_sensitive":true,"ascii_folding":true,"max_token_length":10,
               "k1":0.9,"b":0.4,"k3":7}},
             "w":{"type":"[3]f16","ann":true},
             "off":{"type":"string","full_text_search":false,"regex":false,"glob":true},
             "s":{"type":"{}f16","sparse_knn":{"distance_metric":"dot_product"}},"short":"{}f16"}
            """);
        Assert.Equal(AttributeType.Uuid, schema[0].Type);
        Assert.Equal(AttributeType.StringArray, schema[1].Type);
        Assert.Equal((AttributeType.VectorF32, 128u, true), (schema[2].Type, schema[2].Dimensions, schema[2].Ann));
        Assert.Equal(Tokenizer.WordV4, schema[3].FullText!.Tokenizer);
        Assert.Null(schema[3].Filterable);
        FullTextOptions text = schema[4].FullText!;
        Assert.Equal((Tokenizer.WordV1, Language.Porter), (text.Tokenizer, text.Language));
        Assert.True(text is { Stemming: true, RemoveStopwords: true, CaseSensitive: true, AsciiFolding: true });
        Assert.Equal((10, 0.9f, 0.4f, 7f), (text.MaxTokenLength, text.K1, text.B, text.K3));
        Assert.True(schema[4].Filterable);
        Assert.Equal((AttributeType.VectorF16, 3u, true), (schema[5].Type, schema[5].Dimensions, schema[5].Ann));
        Assert.True(schema[6].FullTextOff);
        Assert.Null(schema[6].FullText);
        Assert.Equal((true, false, null), (schema[6].Glob, schema[6].Regex, schema[6].Fuzzy));
        Assert.Equal((AttributeType.SparseF16, 0u), (schema[7].Type, schema[7].Dimensions));
        Assert.Equal(AttributeType.SparseF16, schema[8].Type);
    }

    [Fact]
    public void WhatTheSchemaEndpointAnswersHasExplicitNulls()
    {
        SchemaReply reply = new()
        {
            Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new() { Name = "id", Type = AttributeType.Uint },
                new() { Name = "private", Type = AttributeType.Bool, Filterable = true },
                new()
                {
                    Name = "title", Type = AttributeType.String, Filterable = false,
                    FullText = new() { Stemming = true, RemoveStopwords = true }, Regex = true, Fuzzy = false,
                },
                new() { Name = "vector", Type = AttributeType.VectorF16, Dimensions = 2, Ann = true },
                new() { Name = "weights", Type = AttributeType.SparseF16 },
            ],
        };
        string json = JsonText.Print(writer => ReplyJson.Write(writer, reply));
        Assert.Equal("""
            {"id":{"type":"uint","filterable":null,"full_text_search":null},
            "private":{"type":"bool","filterable":true,"full_text_search":null},
            "title":{"type":"string","filterable":false,"full_text_search":{"k1":1.2,"k3":8,"b":0.75,
            "language":"english","stemming":true,"max_token_length":39,"remove_stopwords":true,"ascii_folding":false,
            "case_sensitive":false,
            "tokenizer":"word_v4"},"regex":true},
            "vector":{"type":"[2]f16","ann":true,"filterable":null,"full_text_search":null},
            "weights":{"type":"{}f16","sparse_knn":{"distance_metric":"dot_product"},"filterable":null,
            "full_text_search":null}}
            """.ReplaceLineEndings(""), json);
        Assert.Equal(5, JsonText.Schema(json).Length);
    }

    [Theory]
    [InlineData("""{"a":"text"}""",
        "a: expects a type: string, int, uint, float, bool, uuid, datetime, an array of these " +
        "such as []string, a vector such as [128]f32 or [128]f16, or the sparse vector {}f16, but got \"text\"")]
    [InlineData("""{"a":"[0]f32"}""", "a: 0 dimensions in \"[0]f32\"; there may be 1 to 10752")]
    [InlineData("""{"a":"[9]i8"}""", "a: type \"[9]i8\" is not supported by this release")]
    [InlineData("""{"a":{"filterable":true}}""", "a: missing field `type`")]
    [InlineData("""{"a":{"type":"string","embed":true}}""",
        "a.embed: schema option \"embed\" is not supported by this release")]
    [InlineData("""{"a":{"type":"string","index":true}}""",
        "a.index: unknown schema option; known are type, filterable, full_text_search, glob, regex, fuzzy, " +
        "ann, sparse_knn")]
    [InlineData("""{"a":{"type":"{}f16"}}""",
        "a: type {}f16 needs sparse_knn: {\"distance_metric\":\"dot_product\"}")]
    [InlineData("""{"a":{"type":"[2]f16","sparse_knn":{"distance_metric":"dot_product"}}}""",
        "a: sparse_knn needs the type {}f16")]
    [InlineData("""{"a":{"type":"{}f16","sparse_knn":{}}}""", "a.sparse_knn: missing field `distance_metric`")]
    [InlineData("""{"a":{"type":"{}f16","sparse_knn":{"distance_metric":"cosine_distance"}}}""",
        "a.sparse_knn.distance_metric: expects \"dot_product\", but got \"cosine_distance\"")]
    [InlineData("""{"a":{"type":"string","full_text_search":{"language":"klingon"}}}""",
        "a.full_text_search.language: \"klingon\" is not supported by this release; known are english, porter")]
    [InlineData("""{"a":{"type":"string","full_text_search":{"b":1.5}}}""",
        "a.full_text_search.b: must be between 0 and 1")]
    [InlineData("""{"a":{"type":"string","full_text_search":{"max_token_length":255}}}""",
        "a.full_text_search.max_token_length: must be between 1 and 254, but got 255")]
    public void ErrorsNameThePlace(string json, string message) => JsonText.Fails(() => JsonText.Schema(json), message);
}
