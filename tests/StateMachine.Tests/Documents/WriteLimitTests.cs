using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

/// <summary>Each limit gives an error that names field, limit and value, and changes nothing.</summary>
public sealed class WriteLimitTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private static Row Row(ulong id) => new() { Id = Value.Of(id) };

    private static WriteRequest Upserts(params Row[] rows) => new()
    {
        Namespace = "n", Metric = DistanceMetric.EuclideanSquared, Upserts = [.. rows],
    };

    private static AttributeSchema Text(string name, FullTextOptions? options = null) => new()
    {
        Name = name, Type = AttributeType.String, Filterable = false, FullText = options ?? new FullTextOptions(),
    };

    private void Fails(ErrorCode code, string message, WriteRequest request)
    {
        ReplyStatus status = _machine.WriteFails(request);
        Assert.Equal(message, status.Message);
        Assert.Equal(code, status.Code);
    }

    [Fact]
    public void Bits_without_a_meaning_are_refused()
    {
        WriteRequest request = new()
        {
            Namespace = "n", Flags = (WriteFlags)128, Metric = DistanceMetric.EuclideanSquared, Upserts = [Row(1)],
        };
        Assert.Equal(ErrorCode.Malformed, _machine.WriteFails(request).Code);
    }

    [Fact]
    public void Values_ids_names_and_dimensions_have_limits()
    {
        Fails(ErrorCode.LimitExceeded, "attribute `a` of row 0 has 4097 bytes and is filterable, limit is 4096",
            Upserts(Row(1).With("a", Value.Of(new string('x', 4097)))));
        Fails(ErrorCode.LimitExceeded, "attribute `a` of row 0 has 16385 elements, limit is 16384",
            Upserts(Row(1).With("a", Value.Of([.. Enumerable.Repeat(Value.Of(1L), 16_385)]))));
        Fails(ErrorCode.LimitExceeded, "`id` of row 0 has 65 bytes, limit is 1 to 64",
            Upserts(new Row { Id = Value.Of(new string('x', 65)) }));
        Fails(ErrorCode.LimitExceeded, "attribute `vector` has 10753 dimensions, limit is 1 to 10752",
            Upserts(Row(1).With("vector", Value.Of(new float[10_753]))));
        string name = new('a', 129);
        Fails(ErrorCode.InvalidArgument,
            $"attribute name `{name}` must be UTF-8 of 1 to 128 bytes and not begin with $",
            Upserts(Row(1).With(name, Value.Of(1L))));
    }

    [Fact]
    public void Attributes_and_vector_columns_are_counted()
    {
        Row many = Row(1);
        for (int i = 0; i < 1024; i++) many.With("a" + i, Value.Of(true));
        _machine.Write(Upserts(many));
        Fails(ErrorCode.LimitExceeded, "attribute `more` would be one more than the limit of 1024",
            Upserts(Row(1).With("more", Value.Of(true))));
        AttributeSchema[] vectors = [.. Enumerable.Range(0, 9).Select(i => new AttributeSchema
        {
            Name = "v" + i, Type = AttributeType.VectorF32, Dimensions = 2,
        })];
        Fails(ErrorCode.LimitExceeded, "vector attribute `v8` would be one more than the limit of 8",
            new WriteRequest { Namespace = "m", Schema = vectors, Upserts = [Row(1)] });
        _machine.Verify();
    }

    [Fact]
    public void Patches_may_not_make_a_row_longer_than_a_message()
    {
        Row Long(string name) => Row(1).With(name, Value.Of(new string('x', 600_000)));
        AttributeSchema[] schema = [Text("a"), Text("b")];
        WriteRequest Patch(string name) => new() { Namespace = "n", Patches = [Long(name)] };
        _machine.Write(new WriteRequest { Namespace = "n", Schema = schema, Upserts = [Long("a")] });
        ReplyStatus status = _machine.WriteFails(Patch("b"));
        Assert.Equal(ErrorCode.LimitExceeded, status.Code);
        Assert.Equal("a patched row takes 1200025 bytes, limit of a row is 1048320", status.Message);
        Assert.Equal(1UL, _machine.Write(Patch("a")).Patched);
        WriteRequest byFilter = new()
        {
            Namespace = "n", PatchByFilter = Filter.Compare("id", FilterOperator.Eq, Value.Of(1UL)),
            PatchByFilterValues = Long("b").Attributes,
        };
        Assert.Equal(ErrorCode.LimitExceeded, _machine.WriteFails(byFilter).Code);
        _machine.Verify();
    }

    [Fact]
    public void A_name_twice_in_the_table_of_names_is_one_attribute()
    {
        _machine.Write(Upserts(Row(1)));
        byte[] body = new byte[256];
        WireWriter writer = new(body);
        writer.Name("n"u8);
        writer.Bytes(new byte[2 + 2 + 5]);
        writer.U16(2);
        writer.Name("a"u8);
        writer.Name("a"u8);
        writer.U32(2);
        for (ulong row = 0; row < 2; row++)
        {
            Value.Of(row).Write(ref writer);
            writer.U16(1);
            writer.U16((int)row);
            Value.Of(7L).Write(ref writer);
        }
        writer.U32(0);
        writer.U32(0);
        _machine.Commit(Operation.Write, writer.Written);
        Assert.Equal(0, BitConverter.ToUInt16(_machine.Reply));
        _machine.Verify();
    }

    [Theory]
    [InlineData(2, 1, 39, 1.2f, 0.75f, 8f)]
    [InlineData(4, 9, 39, 1.2f, 0.75f, 8f)]
    [InlineData(4, 1, 0, 1.2f, 0.75f, 8f)]
    [InlineData(4, 1, 255, 1.2f, 0.75f, 8f)]
    [InlineData(4, 1, 39, 0f, 0.75f, 8f)]
    [InlineData(4, 1, 39, float.NaN, 0.75f, 8f)]
    [InlineData(4, 1, 39, 1.2f, 1.5f, 8f)]
    [InlineData(4, 1, 39, 1.2f, float.NaN, 8f)]
    [InlineData(4, 1, 39, 1.2f, 0.75f, float.PositiveInfinity)]
    [InlineData(4, 1, 39, 1.2f, 0.75f, 2e9f)]
    public void Text_options_that_the_analyser_does_not_know_are_refused(
        byte tokenizer, byte language, byte length, float k1, float b, float k3)
    {
        FullTextOptions options = new()
        {
            Tokenizer = (Tokenizer)tokenizer, Language = (Language)language, MaxTokenLength = length, K1 = k1, B = b,
            K3 = k3,
        };
        WriteRequest request = new() { Namespace = "n", Schema = [Text("t", options)], Upserts = [Row(1)] };
        ReplyStatus status = _machine.WriteFails(request);
        Assert.Equal(ErrorCode.InvalidArgument, status.Code);
        Assert.StartsWith("full_text_search of attribute `t` needs", status.Message);
    }

    [Fact]
    public void A_huge_k3_is_fine() => Assert.Equal(1UL, _machine.Write(new WriteRequest
    {
        Namespace = "n", Schema = [Text("t", new FullTextOptions { K3 = 1e9f })], Upserts = [Row(1)],
    }).Upserted);

    [Fact]
    public void Text_that_is_no_UTF8_is_refused()
    {
        Value bad = Value.OfUtf8([0x61, 0xFF]);
        Assert.Equal(ErrorCode.TypeMismatch, _machine.WriteFails(Upserts(Row(1).With("a", bad))).Code);
        Assert.Equal(ErrorCode.TypeMismatch, _machine.WriteFails(Upserts(Row(1).With("a", Value.Of(bad, bad)))).Code);
        Assert.Equal(ErrorCode.TypeMismatch, _machine.WriteFails(Upserts(new Row { Id = bad })).Code);
    }

    [Fact]
    public void Floats_are_finite_and_zero_has_no_sign()
    {
        foreach (double bad in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            Assert.Equal(ErrorCode.TypeMismatch, _machine.WriteFails(Upserts(Row(1).With("f", Value.Of(bad)))).Code);
        _machine.Write(Upserts(Row(1).With("f", Value.Of(-0.0)).With("vector", Value.Of(-0f, 1f))));
        ResultRow row = Rows().Rows[0];
        Assert.Equal(Value.Of(0.0), row.Attributes.Single(a => a.Key == "f").Value);
        Assert.Equal(Value.Of(0f, 1f), row.Attributes.Single(a => a.Key == "vector").Value);
    }

    [Fact]
    public void Vectors_may_be_arrays_or_base64_and_f16_rounds_to_even()
    {
        AttributeSchema half = new() { Name = "h", Type = AttributeType.VectorF16, Dimensions = 2 };
        WriteRequest Request(Value vector) => new()
        {
            Namespace = "n", Schema = [half], Metric = DistanceMetric.EuclideanSquared,
            Upserts = [Row(1).With("h", vector)],
        };
        foreach (Value form in (Value[])[Value.Of(2049f, -0f), Value.Of(Value.Of(2049L), Value.Of(-0.0)),
            Value.Of(Convert.ToBase64String([0, 0x10, 0, 0x45, 0, 0, 0, 0x80]))])
        {
            _machine.Write(Request(form));
            Assert.Equal(Value.Of(2048f, 0f), Rows().Rows[0].Attributes.Single().Value);
        }
        Fails(ErrorCode.NotFinite, "element 1 of vector attribute `h` in row 0 is not a finite f16 number " +
            "(limit of its magnitude is 65504)", Request(Value.Of(1f, 65520f)));
        Assert.Equal(ErrorCode.TypeMismatch, _machine.WriteFails(Request(Value.Of("no base6"))).Code);
        Fails(ErrorCode.TypeMismatch, "attribute `h` of row 0 must be [2]f16, got array",
            Request(Value.Of(Value.Of("a"), Value.Of("b"))));
        _machine.Verify();
    }

    [Fact]
    public void Uuids_and_strings_serve_as_ids()
    {
        Row Named(Value id) => new() { Id = id };
        _machine.Write(Upserts(Named(Value.OfUuid(7)), Named(Value.OfUuid(8))));
        Fails(ErrorCode.DuplicateId, "id 00000000000000000000000000000007 is in this request more than once",
            Upserts(Named(Value.OfUuid(7)), Named(Value.Of("00000000-0000-0000-0000-000000000007"))));
        Fails(ErrorCode.TypeMismatch, "`id` of row 0 must be uuid, got uint", Upserts(Row(1)));
        WriteRequest strings = Upserts(Named(Value.Of("b")), Named(Value.Of("a")));
        _machine.Write(new WriteRequest { Namespace = "s", Upserts = strings.Upserts });
        _machine.Write(new WriteRequest { Namespace = "s", Deletes = [Value.Of("b")] });
        Assert.Equal(1UL, _machine.Metadata("s").Rows);
        _machine.Verify();
    }

    [Fact]
    public void Affected_ids_must_fit_into_the_reply()
    {
        using Machine tiny = new(Configuration.Tiny);
        WriteRequest Request(int part) => new()
        {
            Namespace = "n", Upserts = [.. Enumerable.Range(part * 200, 200).Select(i =>
                new Row { Id = Value.Of($"{i:d64}") })],
        };
        tiny.Write(Request(0));
        tiny.Write(Request(1));
        WriteRequest all = new()
        {
            Namespace = "n", Flags = WriteFlags.ReturnAffectedIds,
            DeleteByFilter = Filter.Compare("id", FilterOperator.Gte, Value.Of("0")),
        };
        ReplyStatus status = tiny.WriteFails(all);
        Assert.Equal(ErrorCode.ReplyTooLarge, status.Code);
        Assert.StartsWith("affected ids take 27647 bytes, limit of a reply is 16128", status.Message);
    }

    [Fact]
    public void Columns_of_many_windows_and_chunks_stay_whole()
    {
        WriteRequest Part(int from, int count, int size) => Upserts([.. Enumerable.Range(from, count).Select(i =>
            Row((ulong)i).With("n", Value.Of((long)i)).With("s", Value.Of(new string((char)('a' + i % 26), size)))
                .With("vector", Value.Of(i, 1f)))]);
        for (int i = 0; i < 9000; i += 3000) _machine.Write(Part(i, 3000, 200));
        _machine.Verify();
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "n", DeleteByFilter = Filter.Compare("n", FilterOperator.Lt, Value.Of(4500L)),
        });
        Assert.Equal(4500UL, reply.Deleted);
        _machine.Verify();
        _machine.Write(Part(8990, 20, 4096));
        _machine.Verify();
    }

    private QueryResult Rows() => _machine.One(new Core.Model.Query
    {
        RankBy = Ask.ById, Limit = 10, Include = IncludeMode.All,
    });
}
