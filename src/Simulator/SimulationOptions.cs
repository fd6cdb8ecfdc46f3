namespace Deterministic.Simulator;

/// <summary>What a caller wants of the worlds that are drawn. A tape replays only under the options that it was
/// recorded with.</summary>
internal sealed class SimulationOptions
{
    public static SimulationOptions Default { get; } = new();

    /// <summary>0: drawn for each run.</summary>
    public int Replicas { get; init; }
}
