using Deterministic.Core.Objects;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.World;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>A simulated store whose clock jumps from one end of a request to the next.</summary>
internal sealed class SimulatedObjectWorld(ulong seed, ObjectFaults faults, Plant plant) : ObjectWorld
{
    public SimulatedObjectStore Simulated { get; } = new(faults, Tape.Seeded(seed), new Trace(), plant);

    public override IObjectStore Store => Simulated;

    public override uint Next(out ObjectResult result)
    {
        Assert.NotEqual(ulong.MaxValue, Simulated.NextDue);
        Simulated.Now = ulong.Max(Simulated.Now, Simulated.NextDue);
        Assert.True(Simulated.TryComplete(out uint token, out result));
        return token;
    }

    public override void Dispose()
    {
    }
}
