using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

public sealed class WriteTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static Row Row(ulong id) => new() { Id = Value.Of(id) };

    private static WriteRequest Upserts(params Row[] rows) => new() { Namespace = "books", Upserts = [.. rows] };

    private Value Stored(ulong id, string attribute)
    {
        StateMachine state = _machine.State;
        Assert.True(state.View.TryOpen("books"u8));
        byte[] key = new byte[16];
        Keys keys = new(key);
        keys.Namespace(state.View.Number);
        byte[] number = BitConverter.GetBytes(id);
        Array.Reverse(number);
        keys.Bytes(number);
        if (!state.Trees.Ids.TryGet(keys.Key, out ReadOnlySpan<byte> document)) return Value.Of("no document");
        keys.Namespace(state.View.Number).Document(BitConverter.ToUInt32(document));
        Assert.True(state.Trees.Documents.TryGet(keys.Key, out ReadOnlySpan<byte> row));
        if (!state.View.TryFind(System.Text.Encoding.UTF8.GetBytes(attribute), out int slot)) return Value.Null;
        if (!new DocumentRow(row).TryFind((ushort)slot, out EncodedValue value)) return Value.Null;
        byte[] bytes = new byte[value.EncodedSize];
        Core.Wire.WireWriter writer = new(bytes);
        value.Write(ref writer);
        Core.Wire.WireReader reader = new(bytes);
        return Value.Read(ref reader);
    }

    [Fact]
    public void The_first_upsert_creates_the_namespace_and_infers_its_schema()
    {
        WriteReply reply = _machine.Write(Upserts(
            Row(1).With("title", Value.Of("Emma")).With("year", Value.Of(1815L)).With("price", Value.Of(4.5)),
            Row(2).With("tags", Value.Of(Value.Of("a"), Value.Of("b"))).With("sold", Value.True)));
        Assert.Equal(2UL, reply.Upserted);
        Assert.Equal(WriteKinds.Upsert, reply.Kinds);
        MetadataReply metadata = _machine.Metadata("books");
        Assert.Equal(2UL, metadata.Rows);
        Assert.Equal(["id", "price", "sold", "tags", "title", "year"], metadata.Schema.Select(a => a.Name));
        Assert.Equal(
            [AttributeType.Uint, AttributeType.Float, AttributeType.Bool, AttributeType.StringArray,
                AttributeType.String, AttributeType.Int],
            metadata.Schema.Select(a => a.Type));
    }

    [Fact]
    public void An_upsert_replaces_the_whole_document()
    {
        _machine.Write(Upserts(Row(1).With("a", Value.Of(1L)).With("b", Value.Of("x"))));
        _machine.Write(Upserts(Row(1).With("a", Value.Of(2L))));
        Assert.Equal(Value.Of(2L), Stored(1, "a"));
        Assert.Equal(Value.Null, Stored(1, "b"));
        Assert.Equal(1UL, _machine.Metadata("books").Rows);
    }

    [Fact]
    public void A_patch_changes_only_the_named_attributes_and_null_clears()
    {
        _machine.Write(Upserts(Row(1).With("a", Value.Of(1L)).With("b", Value.Of("x")).With("c", Value.True)));
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "books", Flags = WriteFlags.ReturnAffectedIds,
            Patches = [Row(1).With("a", Value.Of(7L)).With("c", Value.Null), Row(9).With("a", Value.Of(1L))],
        });
        Assert.Equal(1UL, reply.Patched);
        Assert.Equal([Value.Of(1UL)], reply.PatchedIds);
        Assert.Equal(Value.Of(7L), Stored(1, "a"));
        Assert.Equal(Value.Of("x"), Stored(1, "b"));
        Assert.Equal(Value.Null, Stored(1, "c"));
    }

    [Fact]
    public void A_delete_counts_ids_that_were_not_there()
    {
        _machine.Write(Upserts(Row(1), Row(2)));
        WriteRequest delete = new() { Namespace = "books", Deletes = [Value.Of(1UL), Value.Of(5UL)] };
        WriteReply reply = _machine.Write(delete);
        Assert.Equal(2UL, reply.Deleted);
        Assert.Equal(1UL, _machine.Metadata("books").Rows);
    }

    [Fact]
    public void Deleting_every_document_leaves_nothing_behind_but_the_schema()
    {
        AttributeSchema text = new() { Name = "t", Type = AttributeType.String, FullText = new FullTextOptions() };
        _machine.Write(new WriteRequest
        {
            Namespace = "books", Schema = [text], Metric = DistanceMetric.CosineDistance,
            Upserts =
            [
                Row(1).With("t", Value.Of("one two one")).With("n", Value.Of(1L))
                    .With("vector", Value.Of(1f, 2f)),
            ],
        });
        _machine.Write(new WriteRequest { Namespace = "books", Deletes = [Value.Of(1UL)] });
        foreach (TreeId id in (TreeId[])[TreeId.Ids, TreeId.Documents, TreeId.Liveness, TreeId.Vectors, TreeId.Columns,
            TreeId.Terms, TreeId.Postings])
            Assert.Equal(0, _machine.State.Trees[id].Count);
        Assert.Equal(0UL, _machine.Metadata("books").LogicalBytes);
        _machine.State.Trees.Forest.Verify();
    }

    [Fact]
    public void An_id_twice_in_one_request_is_refused()
    {
        ReplyStatus status = _machine.WriteFails(Upserts(Row(1), Row(2), Row(1)));
        Assert.Equal(ErrorCode.DuplicateId, status.Code);
        Assert.Equal("id 1 is in this request more than once", status.Message);
    }

    [Fact]
    public void A_wrong_type_is_refused_by_name_row_and_type()
    {
        _machine.Write(Upserts(Row(1).With("year", Value.Of(1L))));
        ReplyStatus status = _machine.WriteFails(Upserts(Row(2), Row(3).With("year", Value.Of("x"))));
        Assert.Equal(ErrorCode.TypeMismatch, status.Code);
        Assert.Contains("attribute `year` of row 1 must be int", status.Message);
    }

    [Fact]
    public void Vectors_need_a_metric_one_dimension_and_finite_elements()
    {
        WriteRequest Vector(DistanceMetric metric, params float[] vector) => new()
        {
            Namespace = "books", Metric = metric, Upserts = [Row(1).With("vector", Value.Of(vector))],
        };
        ReplyStatus missing = _machine.WriteFails(Vector(DistanceMetric.Unspecified, 1, 2));
        Assert.Equal(ErrorCode.DistanceMetricMissing, missing.Code);
        Assert.Equal("distance_metric must be specified for write to namespace with a vector", missing.Message);
        _machine.Write(Vector(DistanceMetric.CosineDistance, 1, 2));
        Assert.Equal(
            "vector attribute `vector` has 2 dimensions, got 3 in row 0",
            _machine.WriteFails(Vector(DistanceMetric.CosineDistance, 1, 2, 3)).Message);
        ReplyStatus nan = _machine.WriteFails(Vector(DistanceMetric.CosineDistance, 1, float.NaN));
        Assert.Equal(ErrorCode.NotFinite, nan.Code);
        Assert.StartsWith("element 1 of vector attribute `vector` in row 0", nan.Message);
        Assert.Equal(
            "distance metric mismatch, expected cosine_distance, got euclidean_squared",
            _machine.WriteFails(Vector(DistanceMetric.EuclideanSquared, 1, 2)).Message);
    }

    [Fact]
    public void Strings_become_uuids_and_datetimes_where_the_schema_says_so()
    {
        _machine.Write(new WriteRequest
        {
            Namespace = "books",
            Schema =
            [
                new AttributeSchema { Name = "u", Type = AttributeType.Uuid },
                new AttributeSchema { Name = "d", Type = AttributeType.Datetime },
            ],
            Upserts =
            [
                Row(1).With("u", Value.Of("00000000-0000-0000-0000-0000000000FF"))
                    .With("d", Value.Of("1970-01-02T00:00:01.5+01:00")),
            ],
        });
        Assert.Equal(Value.OfUuid(255), Stored(1, "u"));
        Assert.Equal(Value.OfDatetime(86_400_000 + 1500 - 3_600_000), Stored(1, "d"));
    }

    [Theory]
    [InlineData("1970-01-01", 0)]
    [InlineData("1969-12-31T23:59:59.999Z", -1)]
    [InlineData("2000-02-29", 951_782_400_000)]
    [InlineData("2024-03-02T00:00:00.000000000Z", 1_709_337_600_000)]
    [InlineData("0000-01-01", -62_167_219_200_000)]
    public void Datetimes_are_read_as_milliseconds(string text, long expected)
    {
        Assert.True(DatetimeText.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out long milliseconds));
        Assert.Equal(expected, milliseconds);
    }

    [Theory]
    [InlineData("2023-02-29")]
    [InlineData("2023-13-01")]
    [InlineData("2023-01-01T24:00")]
    [InlineData("2023-01-01T10:00:00.")]
    [InlineData("2023-01-01 10:00 ")]
    [InlineData("")]
    public void What_is_no_datetime_is_refused(string text) =>
        Assert.False(DatetimeText.TryParse(System.Text.Encoding.UTF8.GetBytes(text), out _));
}
