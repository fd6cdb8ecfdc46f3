using System;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

public sealed class WriteFilterTests : IDisposable
{
    private readonly Machine _machine = new();

    public WriteFilterTests()
    {
        WriteRequest request = new() { Namespace = "n", Metric = DistanceMetric.CosineDistance };
        for (int i = 1; i <= 10; i++) request.Upserts.Add(Row((ulong)i, i).With("vector", Value.Of(i, 1f)));
        _machine.Write(request);
    }

    public void Dispose() => _machine.Dispose();

    private static Row Row(ulong id, long version) =>
        new Row { Id = Value.Of(id) }.With("v", Value.Of(version));

    private static Filter Older => new() { Attribute = "v", Operator = FilterOperator.Lt, NewRowAttribute = "v" };

    [Fact]
    public void Deletes_by_filter_come_before_patches_by_filter()
    {
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "n", Flags = WriteFlags.ReturnAffectedIds,
            DeleteByFilter = Filter.Compare("v", FilterOperator.Lte, Value.Of(3L)),
            PatchByFilter = Filter.Compare("v", FilterOperator.Lte, Value.Of(5L)),
            PatchByFilterValues = [new("v", Value.Of(50L))],
        });
        Assert.Equal(3UL, reply.Deleted);
        Assert.Equal([Value.Of(4UL), Value.Of(5UL)], reply.PatchedIds);
        Assert.Equal(7UL, _machine.Metadata("n").Rows);
        WriteReply again = _machine.Write(new WriteRequest
        {
            Namespace = "n", DeleteByFilter = Filter.Compare("v", FilterOperator.Eq, Value.Of(50L)),
        });
        Assert.Equal(2UL, again.Deleted);
        _machine.State.Trees.Forest.Verify();
    }

    [Fact]
    public void An_upsert_condition_compares_the_old_row_with_the_new_one()
    {
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "n", UpsertCondition = Older, Flags = WriteFlags.ReturnAffectedIds,
            Upserts = [Row(1, 0), Row(2, 9), Row(77, 0)],
        });
        Assert.Equal([Value.Of(2UL), Value.Of(77UL)], reply.UpsertedIds);
    }

    [Fact]
    public void Patch_and_delete_conditions_skip_what_is_absent()
    {
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "n", PatchCondition = Older, Flags = WriteFlags.ReturnAffectedIds,
            DeleteCondition = Filter.Compare("v", FilterOperator.Gt, Value.Of(4L)),
            Patches = [Row(1, 2), Row(2, 2), Row(99, 2)], Deletes = [Value.Of(4UL), Value.Of(5UL), Value.Of(98UL)],
        });
        Assert.Equal([Value.Of(1UL)], reply.PatchedIds);
        Assert.Equal([Value.Of(5UL)], reply.DeletedIds);
    }

    [Fact]
    public void A_condition_on_an_attribute_that_the_first_write_creates_is_fine()
    {
        WriteReply reply = _machine.Write(new WriteRequest
        {
            Namespace = "fresh", UpsertCondition = Older, Upserts = [Row(1, 1)],
        });
        Assert.Equal(1UL, reply.Upserted);
    }
}
