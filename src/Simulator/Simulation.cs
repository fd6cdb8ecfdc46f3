using System;
using System.Collections.Generic;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.Workload;
using Deterministic.Simulator.World;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>One run: a replica, its disk and its clients, from one tape. First clients work while faults happen; then
/// the faults end and every client must get its answer soon; then everything is read, and read once more after a last
/// crash.</summary>
internal sealed partial class Simulation : IDisposable
{
    public const ulong Cluster = 0xD37E_2411;
    private const ulong TickNanoseconds = 10_000_000;
    private const int SafetyTicksMax = 8_000;
    private const ulong ComparedMin = 60;
    private const ulong RowsComparedMin = 20;
    private const int LivenessTicksMax = 4_000;

    /// <summary>The choice is the machine's, not the run's.</summary>
    private static readonly ComputeBackend _compute = ComputeBackends.Select();

    private readonly SimulationParameters _parameters;
    private readonly StaticMemory _memory = new();
    private readonly SimulatedDisk _disk;
    private readonly SimulatedNetwork _network;
    private readonly SimulatedClock _clock;
    private readonly SimulatedReplica _replica;
    private readonly Twin? _twin;
    private readonly SimulatedArchive? _archive;
    private readonly ArchiveChecker? _archiveChecker;
    private readonly CrashDamage _damage;
    private readonly List<SimulatedClient> _clients = [];
    private readonly NaiveDatabase _database;
    private readonly CommitHistory _history = new();
    private readonly RequestGenerator _requests;
    private readonly Vocabulary _vocabulary;
    private readonly DataFileLayout _layout;
    private readonly TapeStream _order;
    private readonly TapeStream _crashes;
    private readonly TapeStream _calls;
    private readonly Action<string> _report;
    private ulong _now;

    public Simulation(Tape tape, Plant plant, Action<string> report)
    {
        _report = report;
        _parameters = SimulationParameters.Draw(tape.Stream(TapeConsumer.Parameters));
        _order = tape.Stream(TapeConsumer.Schedule);
        _crashes = tape.Stream(TapeConsumer.Crashes);
        _calls = tape.Stream(TapeConsumer.Clients);
        Configuration configuration = _parameters.Configuration;
        _layout = new DataFileLayout(configuration);
        _disk = new SimulatedDisk(_memory.Take(_layout.Size, Limits.SectorSize), _parameters.Disk, tape, Trace, plant);
        _network = new SimulatedNetwork(_parameters.Network, tape.Stream(TapeConsumer.Network));
        _clock = new SimulatedClock(_parameters.ClockJumps, tape.Stream(TapeConsumer.Clock));
        _damage = new CrashDamage(_disk, _layout, tape.Stream(TapeConsumer.DiskFaults));
        _database = new NaiveDatabase(configuration, plant.OracleLimit, Marks);
        ReplicaOptions options = new()
        {
            Cluster = Cluster, Configuration = configuration, Trace = Trace, Marks = Marks,
        };
        _twin = _parameters.HasTwin ? new Twin(configuration, _compute, tape.Stream(TapeConsumer.Twin)) : null;
        if (_parameters.Archive is ArchiveParameters archive)
        {
            _archive = new SimulatedArchive(
                archive, new SimulatedObjectStore(archive.Store, tape, Trace, plant), _disk,
                new GridShape(Cluster, configuration.BlockSize, configuration.GridBlocks), _layout.GridOffset,
                Coverage, plant);
            _archiveChecker = new ArchiveChecker(_archive, configuration, _compute, _history, Coverage);
        }
        _replica = new SimulatedReplica(
            options, _parameters.CacheSize, _disk, new SimulatedBus(_network, Trace), _clock, _compute,
            machine => new OracleStateMachine(
                machine, plant.Replace(machine), _database, _history, _twin, _parameters.PrefetchWaits, _order),
            _history, _archive, Coverage, plant.Storage);
        TapeStream workload = tape.Stream(TapeConsumer.Workload);
        _vocabulary = new Vocabulary(workload, _parameters.Namespaces, _parameters.Ids, _parameters.Dimensions);
        _requests = new RequestGenerator(workload, _vocabulary, _parameters.Mix, _parameters.Bulk,
            configuration.MessageBodySizeMax,
            name => _database.Find(name) is not null);
        for (int i = 0; i < _parameters.Clients; i++)
            _clients.Add(new SimulatedClient((uint)i, Cluster, _parameters.ResendNanoseconds, _network, _calls));
        if (_parameters.UsedDevice) _disk.GarbleAll(workload.U64());
        FormatSink sink = new(_disk);
        Check.That(DataFileFormat.Write(options, ref sink) == StopReason.None);
    }

    public Trace Trace { get; } = new();
    public Marks Marks { get; } = new();
    public Coverage Coverage => _database.Coverage;
    public ulong Compared => _database.Compared;
    public ulong RowsCompared => _database.RowsCompared;
    public ulong SectorsLost => _disk.SectorsLost;
    public ulong ReadsFailed => _disk.ReadsFailed;
    public ulong Replayed => _history.Replayed;
    public ulong Ticks => _now / TickNanoseconds;

    /// <summary>Why a replica that was damaged beyond repair refused to serve; None if the run went to its
    /// end.</summary>
    public StopReason Refused { get; private set; }

    public void Run()
    {
        _report($"world    {_parameters}");
        RunSafety();
        _report($"safety   {Progress()}");
        if (Refused == StopReason.None) RunLiveness();
        if (Refused == StopReason.None)
        {
            _report($"liveness {Progress()}");
            RunAudit();
            RunLastRestart();
            _archiveChecker?.Check(newestOnly: false);
            CheckNotVacuous();
            _report($"audit    {Progress()}");
        }
        else
        {
            _report($"refused  {Refused}: damaged beyond what one replica can repair, and it said so");
        }
        _report($"hash     {Trace.Hash:x32}");
    }

    private string Progress()
    {
        ulong evictions = 0;
        foreach (SimulatedClient client in _clients) evictions += client.Evictions;
        return $"tick {Ticks}, op {_replica.CommitMin}, checkpoint {_replica.CheckpointOp}, " +
            $"{_replica.Starts} starts, {_history.Count} operations, {_history.Replayed} replayed, " +
            $"{_history.Restored} states restored, {_history.RootsCompared} roots written again, " +
            $"{_damage.Blocks} blocks damaged, {Compared} replies and {RowsCompared} rows compared, " +
            $"{evictions} evictions, {_network.Lost} packets lost";
    }

    /// <summary>A run that compared little proves little.</summary>
    private void CheckNotVacuous()
    {
        // Clients of a log that a slow store holds back ask less in their time.
        ulong comparedMin = _archive is null ? ComparedMin : ComparedMin / 3;
        Check.That(Compared >= comparedMin, "too few replies were compared");
        Check.That(RowsCompared >= RowsComparedMin, "too few rows were compared");
        Check.That(_history.Count > 0 && _database.StatesFull <= Compared / 10, "most writes were refused");
    }

    public void Dispose()
    {
        _replica.Dispose();
        _memory.Dispose();
        if (_twin is null) return;
        Coverage.Add("twin", "checkpoints compared", _twin.Compared);
        Coverage.Add("twin", "blocks compared", _twin.BlocksCompared);
        Coverage.Add("twin", "crashes", _twin.Crashes);
        _twin.Dispose();
    }

    private struct FormatSink(SimulatedDisk disk) : IFormatSink
    {
        public readonly void Write(long offset, ReadOnlySpan<byte> bytes) =>
            bytes.CopyTo(disk.At(offset, bytes.Length));

        public readonly void Flush()
        {
        }
    }
}
