using Deterministic.Core.Randomness;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>A clock of the machine that may be set forth and back, and one that only counts.</summary>
internal sealed class SimulatedClock(Ratio jump, TapeStream tape) : IClock
{
    private const ulong Start = 1_790_000_000_000_000_000;
    private const ulong JumpMax = 60_000_000_000;
    private ulong _offset = JumpMax;

    public ulong Now { get; set; }
    public ulong RealtimeNanoseconds => Start + _offset + Now;
    public ulong MonotonicNanoseconds => Now;

    /// <summary>Sets the clock of the machine now and then.</summary>
    public void Tick()
    {
        if (tape.Chance(jump)) _offset = tape.Below(2 * JumpMax);
    }
}
