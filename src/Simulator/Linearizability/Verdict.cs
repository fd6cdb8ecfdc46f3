namespace Deterministic.Simulator.Linearizability;

internal enum Verdict : byte
{
    Linearizable,
    NotLinearizable,

    /// <summary>The search reached its limit before it knew.</summary>
    Undecided,
}
