using System;
using System.Buffers.Binary;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests;

/// <summary>Requests outside of the log: the same answers, and no trace in the state.</summary>
public sealed class ReadTests
{
    private const int Writes = 120;

    private static Configuration Sizes { get; } = new(
        messageSizeMax: 64 << 10, journalSlots: 32, pipelineMax: 4, sessionsMax: 7, barOps: 4,
        journalWritesMax: 2, journalReadsMax: 3, stateSizeMax: 16L << 20, blockSize: 16 << 10,
        memtableSize: 256 << 10);

    private static QueryRequest Search(string name) => new()
    {
        Namespace = name,
        Queries =
        [
            new()
            {
                RankBy = RankBy.OrderBy(("a", true)), Limit = 7, Include = IncludeMode.All,
                Filter = Filter.Compare("a", FilterOperator.Gte, Value.Of(3L)),
            },
        ],
    };

    private static void Write(Machine machine, int number)
    {
        WriteRequest request = new() { Namespace = number % 3 == 0 ? "n" : "m" };
        for (int i = 0; i < 12; i++)
        {
            request.Upserts.Add(new Row { Id = Value.Of((ulong)(number * 117 + i * 31) % 997) }
                .With("a", Value.Of((long)(number + i))).With("b", Value.Of(new string('x', 4000 + i))));
        }
        machine.Write(request);
    }

    private static void ReadAll(Machine machine)
    {
        machine.Read(Operation.Query, Search("n").Write);
        machine.Read(Operation.Query, Search("m").Write);
        machine.Read(Operation.Metadata, new NamespaceRequest { Namespace = "m" }.Write);
        machine.Read(Operation.Schema, new NamespaceRequest { Namespace = "no" }.Write);
        machine.Read(Operation.ListNamespaces, new ListNamespacesRequest { Prefix = "", PageSize = 9 }.Write);
    }

    /// <summary>Also while the remains of deleted namespaces go in steps, and with nothing in memory.</summary>
    [Fact]
    public void Two_machines_of_one_log_of_which_one_also_reads_write_the_same_checkpoints()
    {
        using Machine plain = new(Sizes, cacheSize: 0);
        using Machine reading = new(Sizes, cacheSize: 0);
        for (int i = 0; i < Writes; i++)
        {
            Write(plain, i);
            Write(reading, i);
            if (i % 40 == 20)
            {
                plain.CodeOf(Operation.DeleteNamespace, new NamespaceRequest { Namespace = "m" }.Write);
                reading.CodeOf(Operation.DeleteNamespace, new NamespaceRequest { Namespace = "m" }.Write);
            }
            ReadAll(reading);
            ReadAll(reading);
            if (i % 30 != 29) continue;
            BlockReference root = plain.Checkpoint();
            Assert.True(root.Is(reading.Checkpoint()), $"after {i} writes");
        }
        using Machine plainAgain = plain.Restart();
        using Machine readingAgain = reading.Restart();
        ReadAll(readingAgain);
        Assert.True(readingAgain.State.Trees.Forest.Grid.CacheMisses > 0);
        Write(plainAgain, Writes);
        Write(readingAgain, Writes);
        Assert.True(plainAgain.Checkpoint().Is(readingAgain.Checkpoint()));
    }

    [Fact]
    public void A_read_answers_with_the_bytes_that_the_next_entry_would_answer_with()
    {
        using Machine machine = new(Sizes, cacheSize: 0);
        for (int i = 0; i < 20; i++) Write(machine, i);
        byte[] read = machine.Read(Operation.Query, Search("n").Write);
        Assert.Equal((ushort)ErrorCode.Ok, BinaryPrimitives.ReadUInt16LittleEndian(read));
        machine.CodeOf(Operation.Query, Search("n").Write);
        Assert.Equal(machine.Reply.ToArray(), read);
        Write(machine, 21);
        Assert.NotEqual(read, machine.Read(Operation.Query, Search("n").Write));
    }

    [Fact]
    public void What_changes_something_is_not_a_read_alone_or_in_a_batch()
    {
        using Machine machine = new(Configuration.Tiny);
        Operation[] reads =
        [
            Operation.Query, Operation.ListNamespaces, Operation.Metadata, Operation.Schema, Operation.ListKeys,
            Operation.Explain,
        ];
        Operation[] writes =
        [
            Operation.Write, Operation.UpdateSchema, Operation.DeleteNamespace, Operation.CreateKey,
            Operation.RevokeKey, Operation.Branch,
        ];
        Assert.All(reads, read => Assert.True(machine.State.Reads(read, [])));
        Assert.All(writes, write => Assert.False(machine.State.Reads(write, [])));
        Assert.False(machine.State.Reads(Operation.Register, []));
        Assert.True(machine.State.Reads(Operation.Batch, Batch(reads)));
        foreach (Operation write in writes)
            Assert.False(machine.State.Reads(Operation.Batch, Batch([.. reads, write])));
    }

    private static byte[] Batch(Operation[] parts) =>
        [(byte)parts.Length, 0, .. parts.SelectMany(part => new byte[] { (byte)part, 0, 0, 0, 1, 0, 0, 0, 9 })];
}
