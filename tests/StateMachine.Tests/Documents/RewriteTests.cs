using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using Deterministic.Storage;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

/// <summary>What a query costs follows the documents that live, not how often they have been written. Counted in
/// blocks of tables that are asked for, windows, and bytes that are read.</summary>
public sealed class RewriteTests
{
    private const int Documents = 5000;
    private const int BatchSize = 100;
    private const int Rewrites = 20;
    private const int Dimensions = 16;

    private static Row Document(int id, int version)
    {
        float[] vector = new float[Dimensions];
        vector[id % Dimensions] = version + 1;
        return new Row { Id = Value.Of((ulong)id) }.With("n", Value.Of((long)(id % 10)))
            .With("vector", Value.Of(vector));
    }

    private static void Write(Machine machine, string name, IEnumerable<int> ids, int version)
    {
        foreach (int[] batch in ids.Chunk(BatchSize))
        {
            machine.Write(new WriteRequest
            {
                Namespace = name, Metric = DistanceMetric.CosineDistance,
                Upserts = [.. batch.Distinct().Select(id => Document(id, version))],
            });
        }
        machine.Checkpoint();
    }

    private static (long Blocks, SubqueryPlan Plan) Cost(Machine machine, string name)
    {
        float[] near = [.. Enumerable.Repeat(1f, Dimensions)];
        QueryRequest request = new()
        {
            Namespace = name,
            Queries =
            [
                new() { RankBy = RankBy.Ann("vector", near), Limit = 10,
                    Filter = Filter.Compare("n", FilterOperator.Lt, Value.Of(5L)) },
            ],
        };
        long before = machine.State.Trees.Forest.BlocksVisited;
        machine.All(request);
        long blocks = machine.State.Trees.Forest.BlocksVisited - before;
        WireReader reader = machine.Commit(Operation.Explain, request.Write, out ReplyStatus status);
        Assert.Equal("", status.Message);
        return (blocks, ExplainReply.Read(ref reader).Queries[0]);
    }

    private static Machine Rewritten(Configuration configuration, Func<int, IEnumerable<int>> idsOfRound)
    {
        Machine machine = new(configuration);
        machine.Guarded = false;
        for (int round = 0; round <= Rewrites; round++)
            Write(machine, "often", round == 0 ? Enumerable.Range(0, Documents) : idsOfRound(round), round);
        Write(machine, "once", Enumerable.Range(0, Documents), Rewrites);
        machine.Guarded = true;
        return machine;
    }

    [Fact]
    public void Documents_replaced_in_order_cost_a_query_what_they_cost_written_once()
    {
        using Machine machine = Rewritten(Configuration.Production, _ => Enumerable.Range(0, Documents));
        (long blocks, SubqueryPlan plan) = Cost(machine, "often");
        (long blocksOnce, SubqueryPlan once) = Cost(machine, "once");
        Assert.Equal(once.Candidates, plan.Candidates);
        Assert.InRange(plan.Windows, once.Windows, once.Windows + 1);
        Assert.InRange(plan.BytesRead, once.BytesRead / 2, once.BytesRead * 3 / 2);
        Assert.InRange(blocks, 1, 3 * blocksOnce);
        machine.Verify();
    }

    /// <summary>In production's sizes, for merges of small ones soon drop all tombstones.</summary>
    [Fact]
    public void A_query_passes_no_window_that_has_died()
    {
        using Machine machine = Rewritten(Configuration.Production, _ => Enumerable.Range(0, Documents));
        Forest forest = machine.State.Trees.Forest;
        byte[] prefix = new byte[8];
        new Keys(prefix).Namespace(Record(machine, "often").Number);
        long before = forest.TombstonesPassed;
        for (TreeCursor at = machine.State.Trees.Liveness.Seek(prefix, prefix.Length); at.Valid;) at.Next();
        Assert.True(forest.TombstonesPassed > before + Rewrites / 2);
        before = forest.TombstonesPassed;
        Cost(machine, "often");
        Assert.Equal(before, forest.TombstonesPassed);
    }

    /// <summary>Then there is hardly a window without a document that lives.</summary>
    [Fact]
    public void Documents_replaced_at_random_cost_at_most_twice_the_bytes_of_vectors()
    {
        Random random = new(5);
        using Machine machine = Rewritten(
            Configuration.Tiny, _ => Enumerable.Range(0, Documents).Select(_ => random.Next(Documents)));
        (_, SubqueryPlan plan) = Cost(machine, "often");
        (_, SubqueryPlan once) = Cost(machine, "once");
        Assert.Equal(once.Candidates, plan.Candidates);
        Assert.True(plan.Windows > 3 * once.Windows);
        Assert.InRange(plan.BytesRead, once.BytesRead / 2, 4 * once.BytesRead);
        AssertHalfAlive(machine, "often");
        machine.Verify();
    }

    private static void AssertHalfAlive(Machine machine, string name)
    {
        NamespaceRecord record = Record(machine, name);
        Trees trees = machine.State.Trees;
        SortedSet<uint> live = [];
        for (LiveDocuments at = new(trees.Liveness, record.Number, record.NextDocument); at.MoveNext();)
            live.Add(at.Document);
        byte[] prefix = new byte[8];
        new Keys(prefix).Namespace(record.Number);
        int chunks = 0;
        for (TreeCursor at = trees.Vectors.Seek(prefix, prefix.Length); at.Valid; at.Next(), chunks++)
        {
            VectorChunk chunk = new(at.Value, Keys.FirstOf(at.Key), Dimensions * sizeof(float), cosine: true);
            int alive = live.GetViewBetween(chunk.First, chunk.First + (uint)chunk.Count - 1).Count;
            Assert.InRange(chunk.PresentCount, alive, 2 * alive);
        }
        Assert.True(chunks > 0);
    }

    private static NamespaceRecord Record(Machine machine, string name)
    {
        Assert.True(machine.State.Trees.Namespaces.TryGet(System.Text.Encoding.UTF8.GetBytes(name), out var value));
        return MemoryMarshal.Read<NamespaceRecord>(value);
    }

    [Fact]
    public void Windows_are_walked_in_order_over_all_pages() => Prop.ForAll(
        Gen.Choose(0, (int)(uint.MaxValue / Limits.WindowDocuments)).Or(Gen.Choose(0, 200)).ArrayOf().ToArbitrary(),
        marks =>
        {
            using Machine machine = new(Configuration.Tiny);
            Tree tree = machine.State.Trees.Liveness;
            SortedSet<uint> model = [];
            foreach (uint window in marks.Select(mark => (uint)mark))
            {
                if (model.Remove(window)) LiveWindows.Unmark(tree, 7, window);
                else
                {
                    LiveWindows.Mark(tree, 7, window);
                    model.Add(window);
                }
            }
            List<uint> walked = [];
            for (LiveWindows at = new(tree, 7, uint.MaxValue); at.MoveNext();) walked.Add(at.Window);
            Assert.Equal(model, walked);
            Assert.Equal(model.Select(window => window / LiveWindows.PageWindows).Distinct().Count(), tree.Count);
        }).QuickCheckThrowOnFailure();
}
