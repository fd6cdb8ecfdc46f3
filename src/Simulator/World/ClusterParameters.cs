using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.World;

/// <summary>How many replicas a run has, and what happens to them and to the links between them; times in
/// ticks.</summary>
internal sealed class ClusterParameters
{
    /// <summary>Of 1 to 6 replicas.</summary>
    private static readonly int[] _weights = [40, 8, 30, 7, 8, 7];
    private static readonly int[] _weightsOfMany = [0, 8, 30, 7, 8, 7];

    public required int Replicas { get; init; }
    public required LinkFaults Links { get; init; }

    /// <summary>From one pause of a replica to the next at most; 0: none.</summary>
    public required int PauseInterval { get; init; }
    public required int PauseTicksMax { get; init; }

    /// <summary>Of the crashes: those in which all replicas lose power.</summary>
    public required Ratio PowerLoss { get; init; }

    /// <summary>By how many parts per million clocks run wrong at most.</summary>
    public required int DriftMax { get; init; }

    public bool IsCluster => Replicas > 1;

    public static ClusterParameters Draw(TapeStream tape, SimulationOptions options)
    {
        int drawn = 1 + tape.Weighted(options.Lite || options.Production ? _weightsOfMany : _weights);
        int replicas = options.Replicas == 0 ? drawn : options.Replicas;
        if (options.Lite) return Lite(tape, replicas);
        return new ClusterParameters
        {
            Replicas = replicas,
            Links = new LinkFaults(
                cutInterval: Sometimes(tape, 60, 2000), cutTicksMax: 20 + (tape.Below(100) << tape.Below(5)),
                clogInterval: Sometimes(tape, 20, 500), clogTicksMax: 5 + tape.Below(200)),
            PauseInterval = Sometimes(tape, 100, 3000),
            PauseTicksMax = 10 + (tape.Below(100) << tape.Below(5)),
            PowerLoss = tape.Boolean() ? Ratio.Percent((uint)tape.Below(40)) : Ratio.Never,
            DriftMax = tape.Boolean() ? tape.Below(200) : 0,
        };
    }

    private static ClusterParameters Lite(TapeStream tape, int replicas) => new()
    {
        Replicas = replicas,
        Links = new LinkFaults(
            cutInterval: 60 + tape.Below(1000), cutTicksMax: 20 + tape.Below(500), clogInterval: 0, clogTicksMax: 0),
        PauseInterval = 0,
        PauseTicksMax = 0,
        PowerLoss = Ratio.Percent((uint)tape.Below(20)),
        DriftMax = 0,
    };

    private static int Sometimes(TapeStream tape, int min, int range) =>
        tape.Boolean() ? min + tape.Below(range) : 0;

    public override string ToString() => Replicas == 1 ? "1 replica" :
        $"{Replicas} replicas; cut within {Links.CutInterval} ticks for {Links.CutTicksMax}, clogged within " +
        $"{Links.ClogInterval} for {Links.ClogTicksMax}, paused within {PauseInterval} for {PauseTicksMax}, " +
        $"power lost in {PowerLoss} of the crashes, clocks wrong by {DriftMax} ppm";
}
