using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Deterministic.Storage.Blocks;
using Xunit;

namespace Deterministic.StateMachine.Tests.Prefetch;

/// <summary>A client can ask for more at once than the cache holds. That operation has more memory for as long as it
/// runs; the answer is as with a large cache.</summary>
public sealed class SmallCacheTests
{
    private const int Dimensions = 256;
    private const int Rows = 10_000;
    private const int RowsPerWrite = 50;

    private static Configuration Sizes { get; } = new(
        messageSizeMax: 64 << 10, journalSlots: 32, pipelineMax: 4, sessionsMax: 7, barOps: 4,
        journalWritesMax: 2, journalReadsMax: 3, stateSizeMax: 64L << 20, blockSize: 16 << 10,
        memtableSize: 1 << 20);

    private static Machine Filled(long cacheSize)
    {
        Machine machine = new(Sizes, cacheSize);
        for (int first = 0; first < Rows; first += RowsPerWrite)
        {
            WriteRequest request = new()
            {
                Namespace = "n", Metric = DistanceMetric.EuclideanSquared,
                Schema = [new() { Name = "v", Type = AttributeType.VectorF32, Dimensions = Dimensions, Ann = true }],
            };
            for (int i = first; i < first + RowsPerWrite; i++)
                request.Upserts.Add(new Row { Id = Value.Of((ulong)i) }.With("v", Value.Of(Vector(i))));
            machine.Write(request);
        }
        return machine;
    }

    private static float[] Vector(int seed)
    {
        float[] vector = new float[Dimensions];
        for (int i = 0; i < Dimensions; i++) vector[i] = (seed * 7 + i * 13) % 101;
        return vector;
    }

    private static byte[] Nearest(Machine machine)
    {
        QueryRequest request = new()
        {
            Namespace = "n",
            Queries = [new() { RankBy = RankBy.Ann("v", Vector(4_321)), Limit = 20, Include = IncludeMode.All }],
        };
        Assert.Equal(ErrorCode.Ok, machine.CodeOf(Operation.Query, request.Write));
        return machine.Reply.ToArray();
    }

    [Fact]
    public void A_query_over_more_than_the_cache_is_answered_and_the_memory_given_back()
    {
        using Machine large = Filled(cacheSize: 64 << 20);
        using Machine small = Filled(cacheSize: 0);
        Grid grid = small.State.Trees.Forest.Grid;
        Assert.True(Rows * Dimensions * sizeof(float) > 1.5 * grid.CacheFrames * grid.BlockSize);
        Assert.Equal(Nearest(large), Nearest(small));
        Assert.True(grid.Lifts > 0);
        Assert.True(grid.CacheFramesResident <= grid.CacheFrames);
        Assert.Equal(0, large.State.Trees.Forest.Grid.Lifts);
    }
}
