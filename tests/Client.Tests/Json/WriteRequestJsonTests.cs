using System;
using System.Linq;
using System.Text;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Xunit;

namespace Deterministic.Client.Tests.Json;

public sealed class WriteRequestJsonTests
{
    [Fact]
    public void RowsOfEveryKindOfValue()
    {
        WriteRequest write = JsonText.Write("""
            {"upsert_rows":[{"id":18446744073709551615,"vector":[0.1,2],"title":"Straße","stock":3,"price":3.0,
              "ok":true,
              "tags":["a","b"],"gone":null,"big":18446744073709551615,"low":-5}],
             "distance_metric":"cosine_distance","return_affected_ids":true}
            """);
        Row row = Assert.Single(write.Upserts);
        Assert.Equal(Value.Of(ulong.MaxValue), row.Id);
        Assert.Equal(
            [
                new("vector", Value.Of(0.1f, 2f)), new("title", Value.Of("Straße")), new("stock", Value.Of(3L)),
                new("price", Value.Of(3.0)), new("ok", Value.True), new("tags", Value.Of(Value.Of("a"), Value.Of("b"))),
                new("big", Value.Of(ulong.MaxValue)), new("low", Value.Of(-5L)),
            ], row.Attributes);
        Assert.Equal(DistanceMetric.CosineDistance, write.Metric);
        Assert.Equal(WriteFlags.ReturnAffectedIds, write.Flags);
    }

    [Fact]
    public void SchemaAfterTheRowsStillMakesVectors()
    {
        WriteRequest write = JsonText.Write("""
            {"upsert_rows":[{"id":"a","embedding":[1,2],"scores":[1.5,2]}],
             "schema":{"embedding":"[2]f16","scores":"[]float"}}
            """);
        Assert.Equal(Value.Of(1f, 2f), write.Upserts[0].Attributes[0].Value);
        Assert.Equal(Value.Of(Value.Of(1.5), Value.Of(2L)), write.Upserts[0].Attributes[1].Value);
        Assert.Equal(AttributeType.VectorF16, write.Schema[0].Type);
    }

    [Fact]
    public void SparseVectorsAreObjectsInRowsAndColumns()
    {
        WriteRequest write = JsonText.Write("""
            {"upsert_columns":{"id":[1,2,3],"sv":[{"b":0.1,"a":-0.0},null,{}]},
             "patch_rows":[{"id":4,"sv":{"\u00e9\n":65504}},{"id":5,"sv":null}]}
            """);
        Value first = write.Upserts[0].Attributes.Single().Value;
        Assert.Equal(Value.OfSparse(new SparseDimension("a", 0), new("b", 0.1)), first);
        Assert.Equal(["a", "b"], first.AsSparse.Select(pair => System.Text.Encoding.UTF8.GetString(pair.Name)));
        Assert.Empty(write.Upserts[1].Attributes);
        Assert.Equal(Value.OfSparse(), write.Upserts[2].Attributes.Single().Value);
        Assert.Equal(Value.OfSparse(new SparseDimension("é\n", 65504)), write.Patches[0].Attributes.Single().Value);
        Assert.Equal(Value.Null, write.Patches[1].Attributes.Single().Value);
    }

    [Fact]
    public void Base64VectorIsLittleEndianFloats()
    {
        WriteRequest write = JsonText.Write("""{"upsert_rows":[{"id":1,"vector":"zczMPc3MTD6amZk+"}]}""");
        Assert.Equal(Value.Of(0.1f, 0.2f, 0.3f), write.Upserts[0].Attributes[0].Value);
    }

    [Theory]
    [InlineData("""[[1,2],[3,4]]""")]
    [InlineData("""[1,2,3,4]""")]
    [InlineData("\"AACAPwAAAEAAAEBAAACAQA==\"")]
    public void ColumnsBecomeRows(string vectors)
    {
        WriteRequest write = JsonText.Write(
            "{\"upsert_columns\":{\"vector\":" + vectors + ",\"id\":[7,8],\"title\":[null,\"x\"]}}");
        Assert.Equal([Value.Of(7UL), Value.Of(8UL)], write.Upserts.Select(row => row.Id));
        Assert.Equal(["vector"], write.Upserts[0].Attributes.Select(pair => pair.Key).Order());
        Assert.Equal(["title", "vector"], write.Upserts[1].Attributes.Select(pair => pair.Key).Order());
        Assert.Contains(new("vector", Value.Of(3f, 4f)), write.Upserts[1].Attributes);
    }

    [Fact]
    public void PatchKeepsNullBecauseItClears()
    {
        WriteRequest write = JsonText.Write("""
            {"patch_rows":[{"id":1,"a":null,"b":2}],"patch_by_filter":{"filters":["a","Eq",null],"patch":{"a":1}},
             "patch_by_filter_allow_partial":true,"deletes":[1,"x"],"delete_by_filter":["b","Gt",5]}
            """);
        Assert.Equal([new("a", Value.Null), new("b", Value.Of(2L))], write.Patches[0].Attributes);
        Assert.Equal(FilterOperator.Eq, write.PatchByFilter!.Operator);
        Assert.Equal([new("a", Value.Of(1L))], write.PatchByFilterValues);
        Assert.Equal([Value.Of(1UL), Value.Of("x")], write.Deletes);
        Assert.Equal(FilterOperator.Gt, write.DeleteByFilter!.Operator);
        Assert.Equal(WriteFlags.PatchByFilterAllowPartial, write.Flags);
    }

    [Fact]
    public void ConditionComparesWithTheNewRow()
    {
        WriteRequest write = JsonText.Write("""
            {"upsert_rows":[],"upsert_condition":["Or",[["version","Lt",{"$ref_new":"version"}],["version","Eq",null]]]}
            """);
        Filter[] children = write.UpsertCondition!.Children;
        Assert.Equal("version", children[0].NewRowAttribute);
        Assert.Null(children[1].NewRowAttribute);
    }

    [Theory]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"vector\":[1,2,\"x\"]}]}",
        "upsert_rows[0].vector[2]: expects a number, but got \"x\"")]
    [InlineData("{\"upsert_rows\":[{\"id\":1},{\"id\":2,\"vector\":[1,1e40]}]}",
        "upsert_rows[1].vector[1]: 1e40 is not a finite 32-bit float")]
    [InlineData("{\"upsert_rows\":{}}", "upsert_rows: expects an array of rows, but got an object")]
    [InlineData("{\"upsert_rows\":[{\"a\":1}]}", "upsert_rows[0]: missing field `id`")]
    [InlineData("{\"upsert_rows\":[{\"id\":1.5}]}",
        "upsert_rows[0].id: expects an id, which is an unsigned 64-bit integer or a string (UUIDs too), but got 1.5")]
    [InlineData("{\"deletes\":[-1]}",
        "deletes[0]: expects an id, which is an unsigned 64-bit integer or a string (UUIDs too), but got -1")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"id\":2}]}", "upsert_rows[0].id: the key is given twice")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"a\":[{\"b\":1}]}]}",
        "upsert_rows[0].a[0]: objects are values of sparse attributes only")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"a\":{\"b\":{\"c\":1}}}]}",
        "upsert_rows[0].a.b: expects a weight (a number), but got an object")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"a\":{\"b\":1e400}}]}",
        "upsert_rows[0].a.b: 1e400 is not a finite 64-bit float")]
    [InlineData("{\"delete_by_filter\":[\"a\",\"Eq\",[{\"b\":1}]]}",
        "delete_by_filter[2][0]: objects are values of sparse attributes only")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"a\":[[1]]}]}",
        "upsert_rows[0].a[0]: arrays of arrays (multi-vectors too) are not values")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"a\":99999999999999999999}]}",
        "upsert_rows[0].a: 99999999999999999999 is outside of the 64-bit integers; " +
        "write it with a decimal point to mean a float")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"vector\":\"AAA=\"}]}",
        "upsert_rows[0].vector: base64 of 2 bytes is not whole 32-bit floats of 4 bytes")]
    [InlineData("{\"upsert_rows\":[{\"id\":1,\"vector\":\"!\"}]}", "upsert_rows[0].vector: is not a base64 string")]
    [InlineData("{\"upsert_columns\":{\"id\":[1,2],\"a\":[1]}}", "upsert_columns: column \"a\" has 1 values for 2 ids")]
    [InlineData("{\"upsert_columns\":{\"a\":[1]}}", "upsert_columns: missing field `id`")]
    [InlineData("{\"upsert_columns\":{\"id\":[1,2],\"vector\":[1,2,3]}}",
        "upsert_columns: column \"vector\" has 3 numbers for 2 ids")]
    [InlineData("{\"upsert_row\":[]}", "upsert_row: unknown field of a write")]
    [InlineData("{\"sch\\u0065ma\":{}}", "schema: write this key without escapes")]
    [InlineData("{\"copy_from_namespace\":\"x\"}",
        "copy_from_namespace: only the HTTP gateway copies and branches namespaces in this release")]
    [InlineData("{\"distance_metric\":\"bad\"}",
        "distance_metric: expects \"cosine_distance\" or \"euclidean_squared\", but got \"bad\"")]
    [InlineData("{\"delete_by_filter\":[\"a\",\"Eq\",{\"$ref_new\":\"a\"}]}",
        "delete_by_filter[2].$ref_new: $ref_new has a meaning only in the conditions of a write")]
    [InlineData("{\"patch_by_filter\":{\"filters\":[\"a\",\"Eq\",1]}}",
        "patch_by_filter: needs both filters and a patch")]
    public void ErrorsNameThePlace(string json, string message) => JsonText.Fails(() => JsonText.Write(json), message);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"upsert_rows\":[}")]
    [InlineData("{} {}")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    public void WhatIsNotJsonIsMalformed(string json)
    {
        DeterministicException exception = Assert.ThrowsAny<DeterministicException>(() => JsonText.Write(json));
        Assert.NotEmpty(exception.Message);
        Assert.Equal(json.Contains("ud800") ? ErrorCode.InvalidArgument : ErrorCode.Malformed, exception.Code);
    }

    [Fact]
    public void HalfASurrogatePairIsMalformed()
    {
        DeterministicException exception = Assert.ThrowsAny<DeterministicException>(
            () => JsonText.Write("{\"upsert_rows\":[{\"id\":\"\\ud800\"}]}"));
        Assert.Equal(ErrorCode.Malformed, exception.Code);
    }

    /// <summary>A complaint about a large request is not as large as it.</summary>
    [Theory]
    [InlineData("{\"#\":1}")]
    [InlineData("{\"upsert_rows\":[{\"#\":{}}]}")]
    [InlineData("{\"distance_metric\":\"#\"}")]
    [InlineData("{\"schema\":{\"a\":\"#\"}}")]
    [InlineData("{\"schema\":{\"a\":{\"type\":\"string\",\"full_text_search\":{\"language\":\"#\"}}}}")]
    [InlineData("{\"delete_by_filter\":[\"a\",\"#\",1]}")]
    [InlineData("{\"deletes\":[{\"#\":1}]}")]
    public void ComplaintsAreShort(string json)
    {
        string endless = new StringBuilder("x").Insert(1, "\U0001F41F", 100_000).ToString();
        JsonRequestException refused = Assert.Throws<JsonRequestException>(() => WriteRequestJson.Parse(
            "n", Encoding.UTF8.GetBytes(json.Replace("#", endless, StringComparison.Ordinal))));
        Assert.InRange(refused.Message.Length + refused.Path.Length + (refused.Shape?.Length ?? 0), 1, 3000);
        // Nothing is cut within a character.
        Assert.Equal(refused.Message, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(refused.Message)));
    }
}
