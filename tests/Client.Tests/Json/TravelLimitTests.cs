using System;
using System.Linq;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Xunit;

namespace Deterministic.Client.Tests.Json;

/// <summary>What would not fit into the fields of a message is refused while it is read: the encoder takes it for a
/// broken invariant.</summary>
public sealed class TravelLimitTests
{
    [Theory]
    [InlineData("""{"upsert_rows":[{"id":1,"NAME":2}]}""", "upsert_rows[0].NAME")]
    [InlineData("""{"upsert_columns":{"id":[1],"NAME":[2]}}""", "upsert_columns.NAME")]
    [InlineData("""{"schema":{"NAME":"int"}}""", "schema.NAME")]
    [InlineData("""{"delete_by_filter":["NAME","Eq",1]}""", "delete_by_filter[0]")]
    [InlineData("""{"upsert_condition":["a","Eq",{"$ref_new":"NAME"}]}""", "upsert_condition[2].$ref_new")]
    [InlineData("""{"patch_by_filter":{"filters":["a","Eq",1],"patch":{"NAME":1}}}""", "patch_by_filter.patch.NAME")]
    public void ALongNameInAWrite(string json, string path) => Refuses(json, path, JsonText.Write);

    [Theory]
    [InlineData("""{"limit":1,"filters":["NAME","Eq",1]}""", "filters[0]")]
    [InlineData("""{"limit":1,"rank_by":["NAME","asc"]}""", "rank_by[0]")]
    [InlineData("""{"limit":1,"rank_by":[["NAME","asc"]]}""", "rank_by[0][0]")]
    [InlineData("""{"limit":1,"rank_by":["Sum",[["Attribute","NAME"]]]}""", "rank_by[1][0][1]")]
    [InlineData("""{"limit":1,"include_attributes":["NAME"]}""", "include_attributes[0]")]
    [InlineData("""{"aggregate_by":{"NAME":["Count"]}}""", "aggregate_by.NAME")]
    [InlineData("""{"aggregate_by":{"n":["Sum","NAME"]}}""", "aggregate_by.n[1]")]
    [InlineData("""{"aggregate_by":{"n":["Count"]},"group_by":["NAME"]}""", "group_by[0]")]
    public void ALongNameInAQuery(string json, string path) => Refuses(json, path, JsonText.Query);

    [Fact]
    public void TooManyAttributesOfARow()
    {
        string[] pairs = [.. Enumerable.Range(0, Limits.AttributesPerNamespaceMax + 1).Select(i => $"\"a{i}\":1")];
        JsonText.Fails(() => JsonText.Write($"{{\"upsert_rows\":[{{\"id\":1,{string.Join(",", pairs)}}}]}}"),
            "upsert_rows[0]: 1025 attributes, the limit is 1024");
    }

    [Fact]
    public void TooManyWeights() => JsonText.Fails(
        () => JsonText.Query("{\"queries\":[{\"limit\":1},{\"limit\":1}],\"rerank_by\":[\"RRF\",{\"weights\":[" +
            string.Join(",", Enumerable.Repeat("1", 17)) + "]}]}"),
        "rerank_by[1].weights: 17 weights, the limit is 16");

    /// <summary>128 bytes are read, 129 refused, also where fewer characters take them.</summary>
    private static void Refuses<T>(string json, string path, Func<string, T> read)
    {
        read(json.Replace("NAME", new string('n', Limits.AttributeNameSizeMax), StringComparison.Ordinal));
        foreach (string name in (string[])[new('n', Limits.AttributeNameSizeMax + 1), new('ä', 65)])
        {
            JsonRequestException exception = Assert.Throws<JsonRequestException>(
                () => { read(json.Replace("NAME", name, StringComparison.Ordinal)); });
            Assert.Equal(path.Replace("NAME", name, StringComparison.Ordinal), exception.Path);
            Assert.Equal(ErrorCode.LimitExceeded, exception.Code);
        }
    }
}
