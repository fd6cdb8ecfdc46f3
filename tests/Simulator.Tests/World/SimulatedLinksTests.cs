using Deterministic.Core.Randomness;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.World;
using Xunit;

namespace Deterministic.Simulator.Tests.World;

public sealed class SimulatedLinksTests
{
    /// <summary>Then the core has to go on, also while a replica outside of it, which may be the primary, goes on
    /// sending and hears nothing.</summary>
    [Fact]
    public void In_the_end_the_core_hears_itself_and_the_others_speak_or_hear_or_neither()
    {
        const uint core = 0b10110;
        const byte clients = 5;
        Coverage coverage = new();
        LinkFaults none = new(0, 0, 0, 0);
        for (ulong seed = 1; seed <= 20; seed++)
        {
            SimulatedLinks links = new(5, none, Tape.Seeded(seed).Stream(TapeConsumer.Network), coverage, null);
            links.Heal(core);
            for (byte replica = 0; replica < 5; replica++)
            {
                bool inside = (core >> replica & 1) != 0;
                bool hears = !links.IsCut(1, replica);
                bool speaks = !links.IsCut(replica, 1);
                Assert.Equal(inside, hears && speaks);
                Assert.Equal(hears, !links.IsCut(clients, replica));
                Assert.Equal(speaks, !links.IsCut(replica, clients));
            }
        }
        foreach (string name in (string[])["outsider mute", "outsider deaf", "outsider cut off"])
            Assert.True(coverage.Count("cluster", name) > 0, name);
    }
}
