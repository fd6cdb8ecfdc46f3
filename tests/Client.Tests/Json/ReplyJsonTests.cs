using System;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Xunit;

namespace Deterministic.Client.Tests.Json;

public sealed class ReplyJsonTests
{
    private static readonly TimeSpan Elapsed = TimeSpan.FromMilliseconds(12.3);

    [Fact]
    public void Rows()
    {
        QueryReply reply = new() { NamespaceRows = 9, ExhaustiveCount = 4, BytesQueried = 100 };
        QueryResult result = new() { Kind = ResultKind.Rows };
        ResultRow row = new() { Id = Value.Of(ulong.MaxValue), Score = 0.7f };
        row.Attributes.Add(new("vector", Value.Of(0.1f, 1f, 1e-7f)));
        row.Attributes.Add(new("price", Value.Of(3.0)));
        row.Attributes.Add(new("when", Value.OfDatetime(1_709_337_600_123)));
        row.Attributes.Add(new("who", Value.OfUuid(UInt128.Parse("00112233445566778899aabbccddeeff",
            System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture))));
        row.Attributes.Add(new("tags", Value.Of(Value.Of("a"), Value.True, Value.Of(-1L))));
        result.Rows.Add(row);
        result.Rows.Add(new ResultRow { Id = Value.Of("x") });
        reply.Results.Add(result);
        ParsedQuery query = JsonText.Query("""{"rank_by":["id","asc"],"limit":1}""");
        Assert.Equal("""
            {"rows":[{"id":18446744073709551615,"$dist":0.7,"vector":[0.1,1,1E-07],"price":3.0,
            "when":"2024-03-02T00:00:00.123000000Z","who":"00112233-4455-6677-8899-aabbccddeeff","tags":["a",true,-1]},
            {"id":"x"}],"billing":{"billable_logical_bytes_queried":256000000,"billable_logical_bytes_returned":67},
            "performance":{"approx_namespace_size":9,"cache_hit_ratio":1,"cache_temperature":"hot",
            "exhaustive_search_count":4,"query_execution_ms":12,"server_total_ms":12}}
            """.ReplaceLineEndings(""), JsonText.Print(writer => ReplyJson.Write(writer, reply, query, Elapsed)));
    }

    [Fact]
    public void VectorsInBase64()
    {
        ResultRow row = new() { Id = Value.Of(1UL) };
        row.Attributes.Add(new("vector", Value.Of(0.1f, 0.2f)));
        Assert.Equal("""{"id":1,"vector":"zczMPc3MTD4="}""",
            JsonText.Print(writer => ReplyJson.WriteRow(writer, row, VectorEncoding.Base64)));
    }

    [Fact]
    public void SparseVectorsAreObjectsOfTheNumbersThatTheyKeep()
    {
        ResultRow row = new() { Id = Value.Of(1UL) };
        row.Attributes.Add(new("sv", Value.OfSparse(new SparseDimension("b\"", 0.1), new("a", -2))));
        Assert.Equal("""{"id":1,"sv":{"a":-2,"b\u0022":0.099975586}}""",
            JsonText.Print(writer => ReplyJson.WriteRow(writer, row, VectorEncoding.Base64)));
        Assert.Equal(2UL + 2 + 1 + 2, ReplyJson.LogicalSize(row.Attributes));
    }

    [Fact]
    public void TwoIdsWithDistanceAre24Bytes()
    {
        QueryReply reply = new();
        QueryResult result = new() { Kind = ResultKind.Rows };
        result.Rows.Add(new ResultRow { Id = Value.Of(1UL), Score = 1 });
        result.Rows.Add(new ResultRow { Id = Value.Of(2UL), Score = 2 });
        reply.Results.Add(result);
        ParsedQuery query = JsonText.Query("""{"rank_by":["id","asc"],"limit":2}""");
        Assert.Contains("\"billable_logical_bytes_returned\":24",
            JsonText.Print(writer => ReplyJson.Write(writer, reply, query, Elapsed)));
    }

    [Fact]
    public void AggregatesGroupsAndSeveralResults()
    {
        QueryReply reply = new();
        QueryResult aggregates = new() { Kind = ResultKind.Aggregates };
        aggregates.Aggregates.Add(new("n", Value.Of(3UL)));
        QueryResult groups = new() { Kind = ResultKind.Groups };
        ResultGroup group = new();
        group.Keys.Add(new("color", Value.Of("blue")));
        group.Aggregates.Add(new("n", Value.Of(2UL)));
        groups.Groups.Add(group);
        reply.Results.Add(aggregates);
        reply.Results.Add(groups);
        ParsedQuery query = JsonText.Query("""{"queries":[{"aggregate_by":{"n":["Count"]}}]}""");
        Assert.StartsWith(
            """{"results":[{"aggregations":{"n":3}},{"aggregation_groups":[{"color":"blue","n":2}]}],"billing":""",
            JsonText.Print(writer => ReplyJson.Write(writer, reply, query, Elapsed)));
    }

    [Fact]
    public void WriteSaysOnlyWhatWasAskedFor()
    {
        WriteReply reply = new()
        {
            Kinds = WriteKinds.Upsert | WriteKinds.Delete | WriteKinds.AffectedIds, Upserted = 2, Deleted = 1,
            BytesWritten = 77, UpsertedIds = [Value.Of(1UL), Value.Of("b")],
        };
        Assert.Equal("""
            {"status":"OK","message":"documents committed successfully","rows_affected":3,"rows_upserted":2,
            "rows_deleted":1,"upserted_ids":[1,"b"],"billing":{"billable_logical_bytes_written":77},
            "performance":{"server_total_ms":12}}
            """.ReplaceLineEndings(""), JsonText.Print(writer => ReplyJson.Write(writer, reply, Elapsed)));
    }

    [Fact]
    public void NamespacesPageByCursor()
    {
        ListNamespacesReply reply = new() { More = true };
        reply.Names.AddRange(["a", "b/ü"]);
        string cursor = ReplyJson.EncodeCursor("b/ü");
        Assert.Equal("b/ü", ReplyJson.DecodeCursor(cursor));
        Assert.Equal("{\"namespaces\":[{\"id\":\"a\"},{\"id\":\"b/\\u00FC\"}],\"next_cursor\":\"" + cursor + "\"}",
            JsonText.Print(writer => ReplyJson.Write(writer, reply)));
        reply.More = false;
        Assert.EndsWith("\"next_cursor\":null}", JsonText.Print(writer => ReplyJson.Write(writer, reply)));
        Assert.Equal(ErrorCode.InvalidArgument,
            Assert.Throws<JsonRequestException>(() => ReplyJson.DecodeCursor("?")).Code);
    }

    [Fact]
    public void Metadata()
    {
        MetadataReply reply = new()
        {
            CreatedAt = 1_000_000_000, UpdatedAt = 2_000_001_000, LastWriteAt = 2_000_001_000, Rows = 5,
            LogicalBytes = 60, Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new() { Name = "id", Type = AttributeType.Uint },
                new() { Name = "vector", Type = AttributeType.VectorF32, Dimensions = 3, Ann = true },
            ],
        };
        Assert.Equal("""
            {"schema":{"id":{"type":"uint"},"vector":{"type":"[3]f32","ann":{"distance_metric":"cosine_distance"}}},
            "approx_logical_bytes":60,"approx_row_count":5,"created_at":"1970-01-01T00:00:01.000000Z",
            "updated_at":"1970-01-01T00:00:02.000001Z","last_write_at":"1970-01-01T00:00:02.000001Z",
            "encryption":{"mode":"default"},"index":{"status":"up-to-date"}}
            """.ReplaceLineEndings(""), JsonText.Print(writer => ReplyJson.Write(writer, reply)));
    }
}
