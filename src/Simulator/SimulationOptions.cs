using Deterministic.Simulator.Timeline;

namespace Deterministic.Simulator;

/// <summary>What a caller wants of the worlds that are drawn. A tape replays only under the options that it was
/// recorded with.</summary>
internal sealed class SimulationOptions
{
    public static SimulationOptions Default { get; } = new();

    /// <summary>0: drawn for each run.</summary>
    public int Replicas { get; init; }

    /// <summary>Standbys beside the replicas; null: drawn for each run.</summary>
    public int? Standbys { get; init; }

    /// <summary>Clusters of which replicas crash and links are cut, and nothing else goes wrong.</summary>
    public bool Lite { get; init; }

    /// <summary>The sizes of production; a smaller state, for the memory of one machine has to hold all
    /// replicas.</summary>
    public bool Production { get; init; }

    /// <summary>Where to tell what happens; null: nowhere.</summary>
    public Chronicle? Chronicle { get; init; }
}
