using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Simulator.Tests.World;

public sealed class FaultAtlasTests
{
    private static readonly DataFileLayout _layout = new(new Configuration(
        messageSizeMax: 16 << 10, journalSlots: 32, pipelineMax: 4, sessionsMax: 4, barOps: 4, journalWritesMax: 2,
        journalReadsMax: 3, stateSizeMax: 1 << 20, blockSize: Limits.BlockSizeMin, memtableSize: 16 << 10));

    /// <summary>A replica that loses its disk loses all copies on it; with everything that may be damaged elsewhere
    /// there is still one of each.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void A_good_copy_remains_beside_a_lost_disk(int replicas)
    {
        Quorums quorums = new(replicas);
        int most = quorums.Replication - 1;
        for (ulong seed = 1; seed <= 50; seed++)
        {
            byte loser = (byte)(seed % (ulong)replicas);
            FaultAtlas atlas = new(_layout, replicas, loser, Tape.Seeded(seed).Stream(TapeConsumer.Parameters));
            byte[] all = [.. Enumerable.Range(0, replicas).Select(i => (byte)i)];
            Assert.True(atlas.IsFrail(loser));
            int frail = all.Count(atlas.IsFrail);
            Assert.True(replicas - frail >= quorums.ViewChange);
            for (int i = 0; i < 64; i++)
            {
                int slot = i % _layout.JournalSlots;
                Assert.All(all.Where(atlas.IsFrail), replica => Assert.True(atlas.MayDamagePrepare(replica, slot)));
                Assert.InRange(all.Count(replica => atlas.MayDamagePrepare(replica, slot)), 1, most);
                ulong address = (ulong)i + 1;
                Assert.True(atlas.MayDamageBlock(loser, address) && atlas.MayDamageReply(loser, i));
                Assert.InRange(all.Count(replica => atlas.MayDamageBlock(replica, address)), 1, most);
                Assert.InRange(all.Count(replica => atlas.MayDamageReply(replica, i)), 1, most);
            }
        }
    }
}
