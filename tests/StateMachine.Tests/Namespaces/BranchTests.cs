using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Namespaces;

/// <summary>A branch is what its source is at one entry of the log, and nothing of either is seen in the other
/// afterwards.</summary>
public sealed class BranchTests
{
    private static ReplyStatus Try(Machine machine, string name, string source)
    {
        machine.Commit(
            Operation.Branch, new BranchRequest { Namespace = name, Source = source }.Write, out ReplyStatus status);
        return status;
    }

    private static BranchReply Branch(Machine machine, string name, string source)
    {
        BranchRequest request = new() { Namespace = name, Source = source };
        WireReader reader = machine.Commit(Operation.Branch, request.Write, out ReplyStatus status);
        Assert.Equal("", status.Message);
        BranchReply reply = BranchReply.Read(ref reader);
        Assert.True(reader.AtEnd);
        return reply;
    }

    private static byte[] Answer(Machine machine, string name, Core.Model.Query query) =>
        machine.Read(Operation.Query, new QueryRequest { Namespace = name, Queries = [query] }.Write);

    private static byte[] Schema(Machine machine, string name) =>
        machine.Read(Operation.Schema, new NamespaceRequest { Namespace = name }.Write);

    private static Core.Model.Query Everything { get; } =
        new() { RankBy = Ask.ById, Limit = 10_000, Include = IncludeMode.AllExcept, IncludeNames = ["v", "h"] };

    [Fact]
    public void It_has_the_rows_the_schema_and_the_time_of_the_last_write()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 300);
        Machine machine = corpus.Machine;
        MetadataReply source = machine.Metadata("n");
        BranchReply reply = Branch(machine, "m", "n");
        MetadataReply branch = machine.Metadata("m");
        Assert.Equal(((ulong)corpus.Documents.Count, source.LogicalBytes), (reply.Rows, reply.LogicalBytes));
        Assert.Equal((source.Rows, source.LogicalBytes, source.LastWriteAt),
            (branch.Rows, branch.LogicalBytes, branch.LastWriteAt));
        Assert.True(branch.CreatedAt > source.UpdatedAt && branch.CreatedAt == branch.UpdatedAt);
        Assert.Equal(Schema(machine, "n"), Schema(machine, "m"));
        Assert.Equal(Answer(machine, "n", Everything), Answer(machine, "m", Everything));
        machine.Verify();
    }

    /// <summary>Filters and rankings of all kinds, byte by byte, before and after a restart.</summary>
    [Fact]
    public void Whatever_is_asked_both_answer_the_same()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 2000);
        Branch(corpus.Machine, "m", "n");
        Compare(corpus.Machine, seed: 5);
        using Machine restarted = corpus.Machine.Restart();
        Compare(restarted, seed: 6);
    }

    private static void Compare(Machine machine, int seed)
    {
        Random random = new(seed);
        for (int i = 0; i < 80; i++)
        {
            RankBy rank = (i % 4) switch
            {
                0 => RankBy.OrderBy((random.GetItems(Corpus.ScalarNames, 1)[0], true)),
                1 => RankBy.Ann("v", Corpus.Vector(random)),
                2 => RankBy.Saturate(RankBy.OfAttribute("u"), 2),
                _ => RankBy.Ann("h", Corpus.Vector(random)),
            };
            Core.Model.Query query = new()
            {
                RankBy = rank, Filter = FilterProperties.Tree(random, 3), Limit = 50, Include = IncludeMode.All,
            };
            Assert.Equal(Answer(machine, "n", query), Answer(machine, "m", query));
        }
    }

    [Fact]
    public void What_becomes_of_one_is_not_seen_in_the_other()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 600);
        Machine machine = corpus.Machine;
        Branch(machine, "m", "n");
        byte[] before = Answer(machine, "n", Everything);
        Change(machine, "n", corpus, seed: 1);
        byte[] changed = Answer(machine, "n", Everything);
        Assert.NotEqual(before, changed);
        Assert.Equal(before, Answer(machine, "m", Everything));
        Change(machine, "m", corpus, seed: 2);
        Assert.NotEqual(before, Answer(machine, "m", Everything));
        Assert.Equal(changed, Answer(machine, "n", Everything));
        machine.Verify();
    }

    private static void Change(Machine machine, string name, Corpus corpus, int seed)
    {
        Random random = new(seed);
        ulong[] ids = [.. corpus.Documents.Keys];
        WriteRequest request = new() { Namespace = name };
        foreach (ulong id in random.GetItems(ids, 60).Distinct())
        {
            int kind = random.Next(3);
            if (kind == 0) request.Deletes.Add(Value.Of(id));
            else if (kind == 1) request.Patches.Add(Ask.Row(id, ("s", Value.Of($"changed {seed}"))));
            else request.Upserts.Add(Ask.Row(id, ("i", Value.Of((long)id))));
        }
        machine.Write(request);
    }

    [Fact]
    public void It_outlives_its_source_and_all_that_was_left_of_it()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 600);
        Machine machine = corpus.Machine;
        byte[] before = Answer(machine, "n", Everything);
        Branch(machine, "m", "n");
        NamespaceRequest source = new() { Namespace = "n" };
        Assert.Equal(ErrorCode.Ok, machine.CodeOf(Operation.DeleteNamespace, source.Write));
        while (machine.State.Trees.Garbage.Count > 0)
            machine.Write(new WriteRequest { Namespace = "other", Upserts = [Ask.Row(1)] });
        Assert.Equal(before, Answer(machine, "m", Everything));
        Branch(machine, "n", "m");
        Assert.Equal(before, Answer(machine, "n", Everything));
        machine.Verify();
    }

    [Fact]
    public void What_cannot_be_branched_is_named()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest { Namespace = "n", Upserts = [Ask.Row(1)] });
        UInt128 before = machine.StateChecksum();
        Assert.Equal("namespace `x` was not found", Try(machine, "m", "x").Message);
        Assert.Equal("namespace `n` exists; a branch makes a new one", Try(machine, "n", "n").Message);
        Assert.Equal(ErrorCode.NamespaceNameInvalid, Try(machine, "no name", "n").Code);
        Assert.Equal(ErrorCode.NamespaceNameInvalid, Try(machine, "m", "").Code);
        Assert.Equal(before, machine.StateChecksum());
    }

    [Fact]
    public void What_is_too_large_is_not_branched()
    {
        using Machine machine = new();
        const int perWrite = 10_000;
        for (ulong first = 0; first <= Limits.BranchRowsMax; first += perWrite)
        {
            WriteRequest request = new() { Namespace = "n" };
            for (ulong id = first; id < first + perWrite; id++) request.Upserts.Add(Ask.Row(id));
            if (first == Limits.BranchRowsMax)
            {
                Assert.Equal((ulong)Limits.BranchRowsMax, Branch(machine, "m", "n").Rows);
                request.Upserts.RemoveRange(1, perWrite - 1);
            }
            machine.Write(request);
        }
        Assert.Equal("namespace `n` has 50001 documents, limit of a branch is 50000; copy it instead",
            Try(machine, "k", "n").Message);
    }

    [Fact]
    public void So_is_what_takes_too_many_bytes()
    {
        using Machine machine = new(Configuration.Tiny);
        long limit = (long)BranchOperation.SizeMaxInMessages * Configuration.Tiny.MessageBodySizeMax;
        int size = Configuration.Tiny.MessageBodySizeMax / 2;
        AttributeSchema text = new() { Name = "t", Type = AttributeType.String, Filterable = false };
        ulong rows = (ulong)(limit / size);
        for (ulong id = 0; id < rows; id++)
        {
            Value value = Value.Of(new string('x', size));
            machine.Write(new WriteRequest { Namespace = "n", Schema = [text], Upserts = [Ask.Row(id, ("t", value))] });
        }
        ReplyStatus status = Try(machine, "m", "n");
        Assert.Equal((ErrorCode.LimitExceeded, $"namespace `n` takes more than {limit} bytes with its indexes, the " +
            "limit of a branch; copy it instead"), (status.Code, status.Message));
        machine.Write(new WriteRequest
        {
            Namespace = "n", Deletes = [.. Enumerable.Range(0, 10).Select(id => Value.Of((ulong)id))],
        });
        Assert.Equal(rows - 10, Branch(machine, "m", "n").Rows);
    }

    [Fact]
    public void So_is_what_the_state_has_no_room_for()
    {
        using Machine machine = new(Configuration.Tiny);
        Storage.Forest forest = machine.State.Trees.Forest;
        AttributeSchema text = new() { Name = "t", Type = AttributeType.String, Filterable = false };
        for (ulong id = 0; id < 40; id++)
        {
            Value value = Value.Of(new string('x', Configuration.Tiny.MessageBodySizeMax / 2));
            machine.Write(new WriteRequest { Namespace = "n", Schema = [text], Upserts = [Ask.Row(id, ("t", value))] });
        }
        int made = 0;
        while (Try(machine, $"m{made}", "n").Code == ErrorCode.Ok) made++;
        Assert.InRange(made, 1, 1000);
        UInt128 before = machine.StateChecksum();
        Assert.Equal(ErrorCode.StateFull, Try(machine, "refused", "n").Code);
        Assert.Equal(before, machine.StateChecksum());
        Assert.True(forest.SizeBytes <= forest.SizeBytesMax);
        machine.Verify();
    }

    [Fact]
    public void In_a_batch_it_is_alone()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest { Namespace = "n", Upserts = [Ask.Row(1)] });
        Assert.Equal(ErrorCode.InvalidArgument, Batch(machine, 2));
        Assert.Equal(ErrorCode.Ok, Batch(machine, 1));
        Assert.Equal(1UL, machine.Metadata("m").Rows);
    }

    private static ErrorCode Batch(Machine machine, int parts) =>
        machine.CodeOf(Operation.Batch, (ref WireWriter writer) =>
        {
            WireWriter body = new(new byte[64]);
            new BranchRequest { Namespace = "m", Source = "n" }.Write(ref body);
            writer.U16(parts);
            for (int i = 0; i < parts; i++)
            {
                writer.U32((uint)Operation.Branch);
                writer.U32((uint)body.Position);
                writer.Bytes(body.Written);
            }
        });
}
