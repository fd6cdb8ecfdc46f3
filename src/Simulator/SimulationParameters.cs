using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Workload;
using Deterministic.Simulator.World;

namespace Deterministic.Simulator;

/// <summary>The kind of world that one run lives in, drawn before it starts: every run switches other faults on. Zero
/// draws give the calmest world, so that a shrunk tape is easy to read.</summary>
internal sealed class SimulationParameters
{
    private const ulong Millisecond = 1_000_000;

    /// <summary>With the sizes of production: what six data files leave room for.</summary>
    private const long LargeStateSizeMax = 128 << 20;

    public required ClusterParameters Cluster { get; init; }

    /// <summary>Beside the replicas.</summary>
    public int Standbys { get; private init; }
    public int Members => Cluster.Replicas + Standbys;

    /// <summary>Of the crashes of a standby: those that cost it its disk.</summary>
    public Ratio DiskLoss { get; private init; } = Ratio.Never;
    public required Configuration Configuration { get; init; }

    /// <summary>Bytes of the block cache.</summary>
    public required long CacheSize { get; init; }
    public required int Clients { get; init; }

    /// <summary>After so many ticks the faults end, whatever has been answered.</summary>
    public required int SafetyTicksMax { get; init; }
    public required int Requests { get; init; }

    /// <summary>Chance per tick that an idle client asks something.</summary>
    public required Ratio RequestRate { get; init; }

    /// <summary>Clients that read outside of the log, and the chance per tick that an idle one does.</summary>
    public required int Readers { get; init; }
    public required Ratio ReadRate { get; init; }
    public required ulong ResendNanoseconds { get; init; }
    public required int Namespaces { get; init; }
    public required int Ids { get; init; }
    public required int Dimensions { get; init; }
    public required WorkloadMix Mix { get; init; }
    public required NetworkFaults Network { get; init; }
    public required DiskFaults Disk { get; init; }
    public required Ratio ClockJumps { get; init; }
    public required Ratio PrefetchWaits { get; init; }

    /// <summary>Steps between two crashes at most; 0: no crashes.</summary>
    public required int CrashInterval { get; init; }
    public required int DownTicksMax { get; init; }

    /// <summary>Chance that a crash also damages what the replica can put right alone.</summary>
    public required Ratio Damage { get; init; }

    /// <summary>Damage may go beyond what one replica can put right: then it must serve correctly or refuse
    /// to.</summary>
    public required bool Merciless { get; init; }

    /// <summary>The device held other bytes before it was formatted.</summary>
    public required bool UsedDevice { get; init; }

    /// <summary>Writes fill their messages, so that the state outgrows the cache and the levels their
    /// targets.</summary>
    public required bool Bulk { get; init; }

    /// <summary>Null: checkpoints stay on the disk alone.</summary>
    public required ArchiveParameters? Archive { get; init; }

    /// <summary>A second machine runs the same log, and is compared at each checkpoint.</summary>
    public required bool HasTwin { get; init; }

    /// <param name="tape">Of the world.</param>
    /// <param name="standbys">Of the standbys in it.</param>
    /// <param name="options">Of the caller.</param>
    public static SimulationParameters Draw(TapeStream tape, TapeStream standbys, SimulationOptions options)
    {
        ClusterParameters cluster = ClusterParameters.Draw(tape, options);
        int crashes = tape.Below(6);
        bool lite = options.Lite;
        bool large = options.Production;
        bool bulk = tape.Below(16) == 15 && !cluster.IsCluster && !large;
        Configuration configuration = large ? Large() : Small(tape, bulk);
        int clients = large ? 8 + tape.Below(56) : 1 + tape.Below(configuration.SessionsMax + 2);
        // Entries of a cluster take more steps, and a replica that is away for long has much to catch up with.
        int crashScale = (cluster.IsCluster ? cluster.Replicas : 1) * (large ? 8 : 1);
        int downScale = cluster.IsCluster ? 1 << tape.Below(5) : 1;
        int drawn = int.Max(0, standbys.Below(8) - 5);
        // Worlds of bulk are slow enough, and those of production need the memory of many.
        int count = bulk || large ? 0 : options.Standbys ?? drawn;
        return new SimulationParameters
        {
            Standbys = count,
            DiskLoss = count > 0 && !lite && standbys.Boolean() ? Ratio.Percent(20) : Ratio.Never,
            Cluster = cluster,
            Configuration = configuration,
            SafetyTicksMax = large ? 40_000 : 8_000,
            CacheSize = bulk ? 0 : (1L << 20) << tape.Below(6),
            Clients = clients,
            Requests = large ? 1100 + 200 * tape.Below(8) : 60 + 20 * tape.Below(8),
            RequestRate = Ratio.Percent(50 - (uint)tape.Below(46)),
            ResendNanoseconds = (50 + 50 * tape.Below(8UL)) * Millisecond,
            Namespaces = 1 + tape.Below(6),
            Ids = bulk ? 500 + tape.Below(1500) : 4 + tape.Below(60),
            Dimensions = 1 + tape.Below(40),
            Mix = WorkloadMix.Draw(tape, bulk),
            Bulk = bulk,
            Network = Links(tape, lite),
            Disk = new DiskFaults(
                latencyMin: tape.Below(2UL) * Millisecond, latencyMax: (2 + tape.Below(30UL)) * Millisecond,
                writeFailure: tape.Below(4) == 3 && !lite ? Ratio.OneIn(400) : Ratio.Never,
                readFailure: tape.Below(4) == 3 && !lite ? Ratio.OneIn(40u << tape.Below(4)) : Ratio.Never),
            ClockJumps = tape.Below(3) == 2 && !lite ? Ratio.Percent(2) : Ratio.Never,
            PrefetchWaits = tape.Below(3) == 2 && !lite ? Ratio.Percent(20) : Ratio.Never,
            CrashInterval = crashes == 0 && !lite ? 0 : crashScale * (6400 >> int.Max(0, crashes - 1)),
            DownTicksMax = 1 + tape.Below(50) * downScale,
            Damage = tape.Boolean() && !lite ? Ratio.Percent(cluster.IsCluster ? 80u : 50u) : Ratio.Never,
            Merciless = crashes > 0 && tape.Below(6) == 5 && !cluster.IsCluster && !lite,
            UsedDevice = tape.Below(4) == 3 && !large,
            Archive = tape.Below(3) == 2 && !cluster.IsCluster && !lite && !large
                ? ArchiveParameters.Draw(tape) : null,
            HasTwin = tape.Below(6) == 5 && !cluster.IsCluster && !large && count == 0,
            Readers = tape.Below(4),
            ReadRate = Ratio.Percent(1 + (uint)tape.Below(20)),
        };
    }

    /// <summary>Sizes that make everything happen often.</summary>
    private static Configuration Small(TapeStream tape, bool bulk)
    {
        long stateSizeMax = tape.Below(8) switch { 6 => 512 << 10, 7 => 1 << 20, _ => 8 << 20 };
        return new Configuration(
            messageSizeMax: 16 << 10, journalSlots: 32, pipelineMax: 4 - tape.Below(4),
            sessionsMax: 7 - tape.Below(5), barOps: 4, journalWritesMax: 2, journalReadsMax: 3,
            stateSizeMax: bulk ? 32 << 20 : stateSizeMax, blockSize: Limits.BlockSizeMin,
            memtableSize: (16L << 10) << tape.Below(bulk ? 2 : 6));
    }

    private static Configuration Large()
    {
        Configuration production = Configuration.Production;
        return new Configuration(
            production.MessageSizeMax, production.JournalSlots, production.PipelineMax, production.SessionsMax,
            production.BarOps, production.JournalWritesMax, production.JournalReadsMax, LargeStateSizeMax,
            production.BlockSize, production.MemtableSize);
    }

    private static NetworkFaults Links(TapeStream tape, bool lite) => new(
        loss: lite ? Ratio.Never : Sometimes(tape, 25), duplication: lite ? Ratio.Never : Sometimes(tape, 30),
        corruption: lite ? Ratio.Never : Sometimes(tape, 5),
        delayMin: tape.Below(5UL) * Millisecond, delayMax: (5 + tape.Below(100UL)) * Millisecond,
        capacity: 64 - tape.Below(50));

    private static Ratio Sometimes(TapeStream tape, int percentMax) =>
        tape.Boolean() ? Ratio.Percent((uint)tape.Below(percentMax + 1)) : Ratio.Never;

    public override string ToString() =>
        $"{Cluster}; {(Standbys == 0 ? "" : $"{Standbys} standbys, of whose crashes {DiskLoss} lose the disk; ")}" +
        $"{(Bulk ? "bulk, " : "")}{Clients} clients for {Configuration.SessionsMax} sessions, " +
        $"{Requests} requests at {RequestRate} a tick, {Readers} readers at {ReadRate}, " +
        $"pipeline {Configuration.PipelineMax}, memtable {Configuration.MemtableSize >> 10} KiB, " +
        $"cache {CacheSize >> 20} MiB, resend {ResendNanoseconds / Millisecond} ms; " +
        $"{Namespaces} namespaces, {Ids} ids, {Dimensions} dimensions, mix {Mix}; network loss {Network.Loss} " +
        $"twice {Network.Duplication} damaged {Network.Corruption} " +
        $"delay {Network.DelayMin / Millisecond}-{Network.DelayMax / Millisecond} ms, " +
        $"{Network.Capacity} packets; disk {Disk.LatencyMin / Millisecond}-{Disk.LatencyMax / Millisecond} ms, " +
        $"failing writes {Disk.WriteFailure}, reads {Disk.ReadFailure}; " +
        $"crash within {CrashInterval} steps, down {DownTicksMax} ticks, " +
        $"damage {Damage}{(Merciless ? ", merciless" : "")}{(UsedDevice ? ", used device" : "")}; " +
        $"clock jumps {ClockJumps}, waits {PrefetchWaits}; " +
        $"state up to {Configuration.StateSizeMax >> 10} KiB{(HasTwin ? ", twin" : "")}" +
        (Archive is null ? "" : $"; {Archive}");
}
