using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

public sealed class DataFileTests
{
    internal sealed class Source(MemoryFile file) : IInspectionSource
    {
        public bool TryRead(long offset, Span<byte> into)
        {
            file.Bytes.AsSpan((int)offset, into.Length).CopyTo(into);
            return true;
        }
    }

    [Fact]
    public void Format_cut_short_never_yields_a_file_that_opens_halfway()
    {
        // 4 erased superblocks, 32 slots, the ring of headers, then the copies; 2 of those make a file.
        const int untilSecondCopy = 4 + 32 + 1 + 2;
        for (int writes = 0; writes <= untilSecondCopy + 2; writes++)
        {
            MemoryFile file = new(new DataFileLayout(Bench.Small)) { SinkWritesLeft = writes };
            DataFileFormat.Write(Bench.Options(Bench.Small), ref file);
            file.SinkWritesLeft = -1;
            using Bench bench = new(file: file);
            bench.Open();
            bool whole = writes >= untilSecondCopy;
            Assert.Equal(whole ? ReplicaStatus.Normal : ReplicaStatus.Stopped, bench.Replica.Status);
        }
    }

    [Fact]
    public void Format_refuses_impossible_numbers_of_replicas()
    {
        MemoryFile file = new(new DataFileLayout(Bench.Small));
        foreach (byte count in (byte[])[0, Limits.ReplicasMax + 1])
        {
            ReplicaOptions options = new() { Cluster = 1, ReplicaCount = count, Configuration = Bench.Small };
            Assert.Equal(StopReason.ReplicaCountUnsupported, DataFileFormat.Write(options, ref file));
        }
        Assert.False(file.Bytes.AsSpan().ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Zones_follow_each_other_without_overlap()
    {
        foreach (Configuration configuration in (Configuration[])[Configuration.Production, Configuration.Tiny])
        {
            DataFileLayout layout = new(configuration);
            Assert.True(DataFileLayout.SuperblockOffset(3) + SuperblockCopy.Size <= layout.JournalHeadersOffset);
            Assert.Equal(layout.JournalHeadersOffset + layout.JournalHeadersSize, layout.JournalPreparesOffset);
            Assert.Equal(
                layout.PrepareOffset(configuration.JournalSlots - 1) + configuration.MessageSizeMax,
                layout.ReplyOffset(0));
            Assert.Equal(
                layout.ReplyOffset(configuration.SessionsMax - 1) + configuration.MessageSizeMax,
                layout.BlockOffset(1));
            Assert.Equal(layout.BlockOffset((ulong)layout.GridBlocks) + layout.BlockSize, layout.Size);
            Assert.True(layout.GridBlocks * layout.BlockSize > 2 * configuration.StateSizeMax);
        }
    }

    [Fact]
    public void Inspection_tells_what_is_in_the_file_and_what_is_damaged()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        for (int i = 0; i < 30; i++) bench.Call(client, "inspected"u8);
        Source source = new(bench.File);
        SuperblockReport superblock = DataFileInspection.Superblock(source);
        Assert.Equal(StopReason.None, superblock.Problem);
        Assert.Equal(bench.Replica.CheckpointOp, superblock.Working.Checkpoint.Op);
        Assert.Equal(Bench.Cluster, superblock.Options().Cluster);
        Assert.Equal(Bench.Small.StateSizeMax, superblock.Options().Configuration.StateSizeMax);
        JournalReport journal = DataFileInspection.Journal(source, superblock);
        Assert.Equal(31ul, journal.Head);
        Assert.Equal(0, journal.BadSlots);

        bench.File.Corrupt(bench.Layout.PrepareOffset(9) + 260);
        bench.File.Corrupt(DataFileLayout.SuperblockOffset(2) + 100);
        Assert.Equal(1, DataFileInspection.Journal(source, superblock).BadSlots);
        Assert.Equal(SuperblockCopyState.Corrupt, DataFileInspection.Superblock(source).Copies[2]);
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(2, 2, 2, 1, 2)]
    [InlineData(3, 2, 2, 2, 2)]
    [InlineData(4, 2, 3, 3, 3)]
    [InlineData(5, 3, 3, 3, 3)]
    [InlineData(6, 3, 4, 4, 4)]
    public void Quorums_of_every_cluster_size(int replicas, int replication, int viewChange, int nack, int majority)
    {
        Quorums quorums = new(replicas);
        Assert.Equal(replication, quorums.Replication);
        Assert.Equal(viewChange, quorums.ViewChange);
        Assert.Equal(nack, quorums.Nack);
        Assert.Equal(majority, quorums.Majority);
    }

    [Fact]
    public void Checkpoints_of_production_fall_every_960_operations()
    {
        CheckpointSchedule schedule = new(Configuration.Production);
        Assert.Equal(959ul, schedule.Next(0));
        Assert.Equal(1919ul, schedule.Next(959));
        Assert.Equal(991ul, schedule.TriggerOfNext(0));
        Assert.Equal(991ul + 16, schedule.PrepareMax(0));
        Assert.False(schedule.IsDurable(959, 999, 3));
        Assert.True(schedule.IsDurable(959, 1000, 3));
        for (ulong checkpoint = 0, i = 0; i < 100; i++)
        {
            Assert.True(schedule.PrepareMax(checkpoint) <= checkpoint + 1024);
            checkpoint = schedule.Next(checkpoint);
        }
    }
}
