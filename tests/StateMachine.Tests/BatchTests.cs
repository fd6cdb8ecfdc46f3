using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests;

/// <summary>Several operations in one log entry, each atomic on its own.</summary>
public sealed class BatchTests : IDisposable
{
    private readonly Machine _machine = new(Configuration.Tiny);

    public void Dispose() => _machine.Dispose();

    private static WriteRequest Upsert(ulong id, Value value) => new()
    {
        Namespace = "n", Upserts = [new Row { Id = Value.Of(id) }.With("a", value)],
    };

    private static byte[] Body(params (Operation Operation, Machine.BodyWriter Write)[] parts)
    {
        byte[] body = new byte[8192];
        byte[] part = new byte[4096];
        WireWriter writer = new(body);
        writer.U16(parts.Length);
        foreach ((Operation operation, Machine.BodyWriter write) in parts)
        {
            WireWriter one = new(part);
            write(ref one);
            writer.U32((uint)operation);
            writer.U32((uint)one.Position);
            writer.Bytes(one.Written);
        }
        return writer.Written.ToArray();
    }

    private List<ErrorCode> Commit(byte[] body)
    {
        _machine.Commit(Operation.Batch, body);
        WireReader reader = new(_machine.Reply);
        Assert.Equal((ushort)ErrorCode.Ok, reader.U16());
        List<ErrorCode> codes = [];
        for (int i = reader.U16(); i > 0; i--)
            codes.Add((ErrorCode)BitConverter.ToUInt16(reader.Bytes(reader.U32())));
        Assert.True(reader.AtEnd);
        return codes;
    }

    [Fact]
    public void A_part_that_fails_does_not_touch_the_others()
    {
        List<ErrorCode> codes = Commit(Body(
            (Operation.Write, Upsert(1, Value.Of(1L)).Write), (Operation.Write, Upsert(2, Value.Of("x")).Write),
            (Operation.Write, Upsert(3, Value.Of(3L)).Write)));
        Assert.Equal([ErrorCode.Ok, ErrorCode.TypeMismatch, ErrorCode.Ok], codes);
        Assert.Equal(2UL, _machine.Metadata("n").Rows);
        _machine.Verify();
        QueryRequest query = new()
        {
            Namespace = "n", Queries = [new Core.Model.Query { RankBy = Query.Ask.ById, Limit = 5 }],
        };
        codes = Commit(Body(
            (Operation.Query, query.Write), (Operation.Metadata, new NamespaceRequest { Namespace = "m" }.Write),
            (Operation.Query, query.Write)));
        Assert.Equal([ErrorCode.Ok, ErrorCode.NamespaceNotFound, ErrorCode.Ok], codes);
    }

    [Fact]
    public void A_part_sees_what_those_before_it_have_done_and_nothing_of_those_that_failed()
    {
        WriteRequest One(ulong id, string attribute, Value value) => new()
        {
            Namespace = "n", Upserts = [new Row { Id = Value.Of(id) }.With(attribute, value)],
        };
        WriteRequest halfBad = new()
        {
            Namespace = "n", Schema = [new AttributeSchema { Name = "failed", Type = AttributeType.Int }],
            Upserts = [new Row { Id = Value.Of(5UL) }.With("a", Value.Of("text"))],
        };
        UpdateSchemaRequest schema = new()
        {
            Namespace = "n", Schema = [new AttributeSchema { Name = "c", Type = AttributeType.Int }],
        };
        List<ErrorCode> codes = Commit(Body(
            (Operation.Write, One(1, "a", Value.Of(1L)).Write), (Operation.Write, One(2, "b", Value.Of("x")).Write),
            (Operation.Write, halfBad.Write), (Operation.Write, One(3, "b", Value.Of("y")).Write),
            (Operation.UpdateSchema, schema.Write), (Operation.Write, One(4, "c", Value.Of("z")).Write),
            (Operation.Write, One(4, "c", Value.Of(4L)).Write)));
        Assert.Equal(
            [ErrorCode.Ok, ErrorCode.Ok, ErrorCode.TypeMismatch, ErrorCode.Ok, ErrorCode.Ok, ErrorCode.TypeMismatch,
                ErrorCode.Ok], codes);
        Assert.Equal(4UL, _machine.Metadata("n").Rows);
        _machine.Verify();
        Assert.True(_machine.State.View.TryOpen("n"u8));
        Assert.False(_machine.State.View.TryFind("failed"u8, out _));
        Assert.Equal(3, _machine.State.View.AttributeCount);

        NamespaceRequest name = new() { Namespace = "n" };
        codes = Commit(Body(
            (Operation.Write, One(5, "a", Value.Of(5L)).Write), (Operation.DeleteNamespace, name.Write),
            (Operation.Write, One(6, "a", Value.Of("now a string")).Write)));
        Assert.Equal([ErrorCode.Ok, ErrorCode.Ok, ErrorCode.Ok], codes);
        Assert.Equal(1UL, _machine.Metadata("n").Rows);
        _machine.Verify();
    }

    [Fact]
    public void A_batch_is_all_reads_or_all_writes_and_a_change_by_filter_goes_alone()
    {
        _machine.Write(Upsert(1, Value.Of(1L)));
        NamespaceRequest name = new() { Namespace = "n" };
        WriteRequest byFilter = new()
        {
            Namespace = "n", DeleteByFilter = Filter.Compare("a", FilterOperator.Eq, Value.Of(1L)),
        };
        UInt128 before = _machine.State.StateChecksum();
        Refused("a batch holds either writes or reads, not both", Body(
            (Operation.Write, Upsert(2, Value.Of(1L)).Write), (Operation.Metadata, name.Write)));
        Refused("delete_by_filter, patch_by_filter and branches cannot share a batch with other operations", Body(
            (Operation.Write, Upsert(2, Value.Of(1L)).Write), (Operation.Write, byFilter.Write)));
        Assert.Equal(before, _machine.State.StateChecksum());
        Assert.Equal([ErrorCode.Ok], Commit(Body((Operation.Write, byFilter.Write))));
        Assert.Equal(0UL, _machine.Metadata("n").Rows);
    }

    private void Refused(string message, byte[] body)
    {
        _machine.Commit(Operation.Batch, body);
        WireReader reader = new(_machine.Reply);
        ReplyStatus status = ReplyStatus.Read(ref reader);
        Assert.Equal((ErrorCode.InvalidArgument, message), (status.Code, status.Message));
        Assert.True(reader.AtEnd);
    }

    [Fact]
    public void A_batch_that_does_not_decode_does_nothing()
    {
        byte[] good = Body((Operation.Write, Upsert(1, Value.Of(1L)).Write));
        byte[] nested = Body((Operation.Batch, Upsert(1, Value.Of(1L)).Write));
        byte[] padded = [.. good];
        padded[3] = 1;
        foreach (byte[] bad in (byte[][])[good[..^1], [.. good, 0], nested, padded])
        {
            _machine.Commit(Operation.Batch, bad);
            Assert.Equal((ushort)ErrorCode.Malformed, BitConverter.ToUInt16(_machine.Reply));
            Assert.Equal(0, _machine.State.Trees.Namespaces.Count);
        }
    }

    [Fact]
    public void A_schema_whose_reply_does_not_fit_is_not_changed()
    {
        _machine.Write(Upsert(1, Value.Of(1L)));
        AttributeSchema[] Part(int part) => [.. Enumerable.Range(0, 100).Select(i => new AttributeSchema
        {
            Name = $"{part:d50}{i:d50}", Type = AttributeType.Int,
        })];
        ErrorCode Update(int part) => _machine.CodeOf(
            Operation.UpdateSchema, new UpdateSchemaRequest { Namespace = "n", Schema = Part(part) }.Write);
        Assert.Equal(ErrorCode.Ok, Update(0));
        UInt128 before = _machine.StateChecksum();
        Assert.Equal(ErrorCode.ReplyTooLarge, Update(1));
        Assert.Equal(before, _machine.StateChecksum());
    }

    [Fact]
    public void A_change_by_filter_stops_at_its_limit_only_if_it_may()
    {
        using Machine machine = new();
        for (int part = 0; part < 3; part++)
            machine.Write(new WriteRequest
            {
                Namespace = "n", Upserts = [.. Enumerable.Range(part * 17_000, 17_000).Select(i =>
                    new Row { Id = Value.Of((ulong)i) })],
            });
        WriteRequest Delete(WriteFlags flags) => new()
        {
            Namespace = "n", Flags = flags, DeleteByFilter = Filter.Compare("id", FilterOperator.Gte, Value.Of(0UL)),
        };
        Assert.Equal(
            "delete_by_filter matches more than the limit of 50000 rows or 16777216 bytes; " +
            "allow a partial change and repeat it", machine.WriteFails(Delete(WriteFlags.None)).Message);
        WriteReply partly = machine.Write(Delete(WriteFlags.DeleteByFilterAllowPartial));
        Assert.Equal((50_000UL, true), (partly.Deleted, partly.Kinds.HasFlag(WriteKinds.RowsRemaining)));
        WriteReply rest = machine.Write(Delete(WriteFlags.DeleteByFilterAllowPartial));
        Assert.Equal((1_000UL, false), (rest.Deleted, rest.Kinds.HasFlag(WriteKinds.RowsRemaining)));
        machine.Verify();
    }
}
