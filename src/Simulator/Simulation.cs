using System;
using System.Collections.Generic;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.Workload;
using Deterministic.Simulator.World;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>One run: replicas, their disks and links, and their clients, from one tape. First clients work while faults
/// happen; then the faults end, in a core of the cluster at least, and every client must get its answer soon; then
/// everything is read, and read once more after a last crash.</summary>
internal sealed partial class Simulation : IDisposable
{
    public const ulong Cluster = 0xD37E_2411;
    private const ulong TickNanoseconds = 10_000_000;
    private const ulong ComparedMin = 60;
    private const ulong RowsComparedMin = 20;

    /// <summary>The choice is the machine's, not the run's.</summary>
    private static readonly ComputeBackend _compute = ComputeBackends.Select();

    private readonly SimulationParameters _parameters;
    private readonly StaticMemory _memory = new();
    private readonly SimulatedLinks _links;
    private readonly SimulatedNetwork _network;
    private readonly FaultAtlas _atlas;
    private readonly ReplicaWorld _world;
    private readonly SimulatedReplica[] _replicas;
    private readonly CheckpointAgreement _checkpoints;
    private readonly LogAgreement _log;
    private readonly Twin? _twin;
    private readonly ArchiveParameters? _archiveParameters;
    private readonly Archives _archives = new();
    private readonly List<SimulatedClient> _clients = [];
    private readonly List<SimulatedReader> _readers = [];
    private readonly NaiveDatabase _database;
    private readonly CommitHistory _history = new();
    private readonly ReadAgreement _reads;
    private readonly RequestGenerator _requests;
    private readonly Vocabulary _vocabulary;
    private readonly DataFileLayout _layout;
    private readonly TapeStream _order;
    private readonly TapeStream _crashes;
    private readonly TapeStream _calls;
    private readonly TapeStream _readCalls;
    private readonly TapeStream _standbys;
    private readonly Chronicle? _chronicle;
    private readonly Action<string> _report;
    private ulong _now;

    public Simulation(Tape tape, Plant plant, SimulationOptions options, Action<string> report)
    {
        _report = report;
        _standbys = tape.Stream(TapeConsumer.Standbys);
        _parameters = SimulationParameters.Draw(tape.Stream(TapeConsumer.Parameters), _standbys, options);
        _order = tape.Stream(TapeConsumer.Schedule);
        _crashes = tape.Stream(TapeConsumer.Crashes);
        _calls = tape.Stream(TapeConsumer.Clients);
        _readCalls = tape.Stream(TapeConsumer.Reads);
        Configuration configuration = _parameters.Configuration;
        int replicas = _parameters.Cluster.Replicas;
        int members = _parameters.Members;
        _layout = new DataFileLayout(configuration);
        _log = new LogAgreement(Cluster, replicas);
        _database = new NaiveDatabase(configuration, plant.OracleLimit, Marks);
        _reads = new ReadAgreement(_log, _database, _history);
        TapeStream network = tape.Stream(TapeConsumer.Network);
        _chronicle = options.Chronicle;
        _chronicle?.Begin(members, _parameters.Clients, _parameters.Readers);
        _links = new SimulatedLinks(members, _parameters.Cluster.Links, network, Coverage, _chronicle);
        _network = new SimulatedNetwork(_parameters.Network, _links, network, _chronicle);
        _replacements = tape.Stream(TapeConsumer.Replacements);
        _lostDisks = new LostDisks(replicas, options, _replacements);
        _releases = tape.Stream(TapeConsumer.Releases);
        _upgrade = new RollingUpgrade(replicas, members, options, _releases);
        _atlas = new FaultAtlas(_layout, replicas, _lostDisks.Loser, tape.Stream(TapeConsumer.Parameters));
        _checkpoints = new CheckpointAgreement(configuration.GridBlocks);
        _twin = _parameters.HasTwin ? new Twin(configuration, _compute, tape.Stream(TapeConsumer.Twin)) : null;
        _world = new ReplicaWorld
        {
            CacheSize = _parameters.CacheSize, Compute = _compute, History = _history, Log = _log, Coverage = Coverage,
            Plant = plant, Chronicle = _chronicle,
            Judge = machine => new OracleStateMachine(
                machine, plant.Replace(machine), _database, _history, _reads, _twin, _checkpoints,
                _parameters.PrefetchWaits, _order),
        };
        _archiveParameters = _parameters.Archive ??
            ArchiveParameters.DrawForCluster(replicas, options, tape.Stream(TapeConsumer.ObjectStore));
        _replicas = new SimulatedReplica[members];
        for (byte i = 0; i < members; i++) _replicas[i] = Create(i, tape, plant);
        TapeStream workload = tape.Stream(TapeConsumer.Workload);
        _vocabulary = new Vocabulary(workload, _parameters.Namespaces, _parameters.Ids, _parameters.Dimensions);
        _requests = new RequestGenerator(workload, _vocabulary, _parameters.Mix, _parameters.Bulk,
            configuration.MessageBodySizeMax,
            name => _database.Find(name) is not null);
        for (int i = 0; i < _parameters.Clients; i++)
        {
            _clients.Add(new SimulatedClient(
                (uint)i, Cluster, members, _parameters.ResendNanoseconds, _network, _calls));
        }
        for (int i = 0; i < _parameters.Readers; i++)
        {
            _readers.Add(new SimulatedReader(
                (uint)i, Cluster, replicas, members, _parameters.ResendNanoseconds, _network, _reads, _readCalls));
        }
        Coverage.Hit("replicas", replicas.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (members > replicas) Coverage.Hit("cluster", "with standbys");
    }

    private SimulatedReplica Create(byte index, Tape tape, Plant plant)
    {
        Configuration configuration = _parameters.Configuration;
        ReplicaOptions options = new()
        {
            Cluster = Cluster, ReplicaIndex = index, ReplicaCount = (byte)_parameters.Cluster.Replicas,
            StandbyCount = (byte)_parameters.Standbys, Configuration = configuration, Trace = Trace, Marks = Marks,
            Seed = _crashes.Below(ulong.MaxValue),
            Plant = plant.Protocol,
        };
        SimulatedDisk disk = new(
            _memory.Take(_layout.Size, Limits.SectorSize), _parameters.Disk, tape, Trace, plant, _atlas, index);
        if (_parameters.UsedDevice) disk.GarbleAll(tape.Stream(TapeConsumer.Workload).U64());
        SimulatedFile sink = new(disk);
        Check.That(DataFileFormat.Write(options, ref sink) == StopReason.None);
        TapeStream clocks = tape.Stream(TapeConsumer.Clock);
        long drift = clocks.Range(-_parameters.Cluster.DriftMax, _parameters.Cluster.DriftMax);
        SpokenWord spoken = new(disk, _layout);
        JournalWatch journal = new(disk, _layout, _log, index);
        disk.Written = (offset, written) => journal.Note(offset, written);
        return new SimulatedReplica(
            options, _world, disk, new SimulatedBus(index, _network, _links, spoken, _reads, Trace),
            new SimulatedClock(_parameters.ClockJumps, drift, clocks), spoken, journal,
            new CrashDamage(disk, _layout, _atlas, index, tape.Stream(TapeConsumer.DiskFaults)),
            CreateArchive(index, disk, tape, plant));
    }

    private SimulatedArchive? CreateArchive(byte index, SimulatedDisk disk, Tape tape, Plant plant)
    {
        if (_archiveParameters is not ArchiveParameters parameters || (parameters.Replicas >> index & 1) == 0)
            return null;
        Configuration configuration = _parameters.Configuration;
        SimulatedArchive archive = new(
            parameters, new SimulatedObjectStore(parameters.Store, tape, Trace, plant), disk,
            new GridShape(Cluster, configuration.BlockSize, configuration.GridBlocks), _layout.GridOffset,
            _parameters.Cluster.IsCluster ? "archive of a cluster" : "archive", Coverage, plant);
        _archives.Add(archive, new ArchiveChecker(archive, configuration, _compute, _history, Coverage));
        return archive;
    }

    public Trace Trace { get; } = new();
    public Marks Marks { get; } = new();
    public Coverage Coverage => _database.Coverage;
    public ulong Compared => _database.Compared;
    public ulong RowsCompared => _database.RowsCompared;
    public ulong Replayed => _history.Replayed;
    public ulong Ticks => _now / TickNanoseconds;
    public ulong Steps { get; private set; }

    /// <summary>A run that takes more steps fails. Nothing else depends on it.</summary>
    public ulong StepsMax { get; init; } = ulong.MaxValue;

    public ulong SectorsLost
    {
        get
        {
            ulong lost = 0;
            foreach (SimulatedReplica replica in _replicas) lost += replica.Disk.SectorsLost;
            return lost;
        }
    }

    public ulong ReadsFailed
    {
        get
        {
            ulong failed = 0;
            foreach (SimulatedReplica replica in _replicas) failed += replica.Disk.ReadsFailed;
            return failed;
        }
    }

    /// <summary>Why a replica that was damaged beyond repair refused to serve; None if the run went to its
    /// end.</summary>
    public StopReason Refused { get; private set; }

    public void Run()
    {
        bool archived = _parameters.Cluster.IsCluster && _archiveParameters is not null;
        string world = $"{_parameters}{_lostDisks}{_upgrade}{(archived ? $"; {_archiveParameters}" : "")}";
        _report($"world    {world}");
        _chronicle?.NoteRun(HappeningKind.Run, world);
        RunSafety();
        _report($"safety   {Progress()}");
        if (Refused == StopReason.None) RunLiveness();
        if (Refused == StopReason.None)
        {
            _report($"liveness {Progress()}");
            RunAudit();
            RunLastRestart();
            CheckNotVacuous();
            _report($"audit    {Progress()}");
        }
        else
        {
            _report($"refused  {Refused}: damaged beyond what one replica can repair, and it said so");
        }
        _archives.Restore(newestOnly: _parameters.Cluster.IsCluster);
        _report($"hash     {Trace.Hash:x32}");
    }

    private string Progress()
    {
        ulong evictions = 0;
        foreach (SimulatedClient client in _clients) evictions += client.Evictions;
        string replicas = "";
        ulong blocks = 0;
        foreach (SimulatedReplica replica in _replicas)
        {
            replicas += $"{(replicas.Length == 0 ? "" : "; ")}{replica}";
            blocks += replica.Damage.Blocks;
        }
        return $"tick {Ticks}, {_log.Op} committed ({replicas}), {_history.Count} operations, " +
            $"{_history.Replayed} run again, {_history.Restored} states restored, " +
            $"{_checkpoints.Compared} checkpoints compared, {blocks} blocks damaged, " +
            $"{Compared} replies and {RowsCompared} rows compared, " +
            $"{evictions} evictions, {_network.Lost} packets lost";
    }

    /// <summary>A run that compared little proves little.</summary>
    private void CheckNotVacuous()
    {
        // Clients of a log that a slow store or lost replicas hold back ask less in their time.
        bool slow = !_archives.IsEmpty || _parameters.Members > 1;
        Check.That(Compared >= (slow ? ComparedMin / 3 : ComparedMin), "too few replies were compared");
        Check.That(RowsCompared >= RowsComparedMin, "too few rows were compared");
        Check.That(_history.Count > 0 && _database.StatesFull <= Compared / 10, "most writes were refused");
    }

    public void Dispose()
    {
        foreach (SimulatedReplica? replica in _replicas) replica?.Dispose();
        _memory.Dispose();
        _checkpoints.Dispose();
        if (_parameters.Cluster.IsCluster)
        {
            Coverage.Add("cluster", "entries compared", _log.Compared);
            if (_log.Release == RollingUpgrade.Newer) Coverage.Hit("cluster", "release changed");
            Coverage.Add("cluster", "checkpoints compared", _checkpoints.Compared);
            Coverage.Add("cluster", "blocks compared", _checkpoints.BlocksCompared);
        }
        if (_twin is null) return;
        Coverage.Add("twin", "checkpoints compared", _twin.Compared);
        Coverage.Add("twin", "blocks compared", _twin.BlocksCompared);
        Coverage.Add("twin", "crashes", _twin.Crashes);
        _twin.Dispose();
    }
}
