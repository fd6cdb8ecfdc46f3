using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.World;

/// <summary>How a run brings its checkpoints into an object store, and how bad that store is.</summary>
internal sealed class ArchiveParameters
{
    private const ulong Millisecond = 1_000_000;

    public required ObjectFaults Store { get; init; }

    /// <summary>Replicas that have one; bit i is replica i.</summary>
    public uint Replicas { get; init; } = 1;

    /// <summary>Checkpoints kept.</summary>
    public required int Keep { get; init; }

    /// <summary>Checkpoints that may lag before commits wait.</summary>
    public required int Lag { get; init; }
    public required int PackBlocks { get; init; }

    /// <summary>Checkpoints from one removal of what is not needed to the next.</summary>
    public required int GarbageInterval { get; init; }

    /// <summary>Of a cluster: null for none.</summary>
    public static ArchiveParameters? DrawForCluster(int replicas, SimulationOptions options, TapeStream tape)
    {
        if (replicas == 1 || options.Lite || options.Production || tape.Below(4) != 3) return null;
        return Draw(tape, 1 + (uint)tape.Below((1 << replicas) - 1));
    }

    public static ArchiveParameters Draw(TapeStream tape, uint replicas = 1) => new()
    {
        Replicas = replicas,
        Store = new ObjectFaults(
            latencyMin: tape.Below(20UL) * Millisecond,
            latencyMax: (20 + (tape.Below(200UL) << tape.Below(3))) * Millisecond)
        {
            Throttled = Sometimes(tape),
            Unknown = Sometimes(tape),
            LateMax = tape.Below(2000UL) * Millisecond,
            ListingLagMax = tape.Below(3) == 2 ? 5_000 * Millisecond : 0,
        },
        Keep = 1 + tape.Below(4),
        Lag = 1 + tape.Below(4),
        PackBlocks = 2 + tape.Below(15),
        GarbageInterval = 1 + tape.Below(3),
    };

    private static Ratio Sometimes(TapeStream tape) =>
        tape.Boolean() ? Ratio.Percent((uint)tape.Below(15)) : Ratio.Never;

    public override string ToString() =>
        $"store of replicas {Replicas:b}, {Store.LatencyMin / Millisecond}-{Store.LatencyMax / Millisecond} ms, " +
        $"busy {Store.Throttled}, " +
        $"in doubt {Store.Unknown} until {Store.LateMax / Millisecond} ms, listings lag " +
        $"{Store.ListingLagMax / Millisecond} ms, keeps {Keep}, lags {Lag}, packs of {PackBlocks} blocks, " +
        $"garbage each {GarbageInterval}";
}
