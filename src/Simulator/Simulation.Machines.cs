using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;

namespace Deterministic.Simulator;

internal sealed partial class Simulation
{
    private readonly LostDisks _lostDisks;
    private readonly TapeStream _replacements;

    /// <summary>Now and then a machine is lost for good, and another one takes its place.</summary>
    private void LoseDiskSometimes()
    {
        if (!_lostDisks.Tick()) return;
        SimulatedReplica replica = _replicas[_lostDisks.Loser];
        // A used disk or one full of zeroes.
        replica.LoseDisk(_replacements.Boolean() ? _replacements.U64() | 1 : 0);
        replica.TicksDown = 1 + _replacements.Below(_lostDisks.DownTicksMax);
    }
}
