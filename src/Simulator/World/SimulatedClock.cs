using Deterministic.Core.Randomness;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>A clock of the machine that may be set forth and back and does not run quite right, and one that only
/// counts.</summary>
/// <param name="jump">Chance per tick that it is set.</param>
/// <param name="driftPpm">Parts per million that it runs too fast, or, if negative, too slowly.</param>
/// <param name="tape">Where it is set to.</param>
internal sealed class SimulatedClock(Ratio jump, long driftPpm, TapeStream tape) : IClock
{
    private const ulong Start = 1_790_000_000_000_000_000;
    private const ulong JumpMax = 60_000_000_000;
    private ulong _offset = JumpMax;

    public ulong Now { get; set; }
    public ulong RealtimeNanoseconds => (ulong)((long)(Start + _offset + Now) + (long)(Now / 1_000_000) * driftPpm);

    /// <summary>From now on nobody sets it.</summary>
    public bool Healed { get; set; }
    public ulong MonotonicNanoseconds => Now;

    /// <summary>Sets the clock of the machine now and then.</summary>
    public void Tick()
    {
        if (!Healed && tape.Chance(jump)) _offset = tape.Below(2 * JumpMax);
    }
}
