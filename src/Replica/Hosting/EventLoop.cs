using System;
using System.Diagnostics;
using System.Net;
using System.Threading;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Replica.Checkpoints;
using Deterministic.Replica.Hosting.Metrics;
using Deterministic.Replica.Io;
using Deterministic.Replica.Net;
using Deterministic.Replica.Objects;
using Deterministic.StateMachine;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting;

/// <summary>Why a loop does not go on.</summary>
internal enum LoopEnd : byte
{
    Stopped = 1,
    Failed = 2,

    /// <summary>The data file has a newer checkpoint than what is in memory: a new loop goes on with it.</summary>
    Outdated = 3,
}

/// <summary>The composition root: names the concrete disk, bus, clock and state machine, takes all memory, and runs the
/// one thread on which everything of the core happens: completions, messages, ticks, in that order, round after
/// round.</summary>
internal sealed class EventLoop : IMessageHandler, IDisposable
{
    private const int DiskThreads = 4;

    /// <summary>Connections beyond the sessions, so that a newcomer can come and evict the oldest session.</summary>
    private const int ConnectionsExtra = 16;

    /// <summary>Messages that have arrived and are neither in the pipeline nor reads that wait.</summary>
    private const int ArrivedMax = 4;

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(10);

    private readonly StaticMemory _memory = new();
    private readonly WakeSignal _wake;
    private readonly StartOptions _options;
    private readonly ILogger _logger;
    private readonly DataFile _file;
    private readonly ThreadedDisk _disk;
    private readonly TcpMessageBus _bus;
    private readonly StateMachine.StateMachine _machine;
    private readonly ReplicaOptions _identity;
    private readonly MemoryLimit? _limit;
    private readonly ResidentMemory _resident = new();
    private readonly ReplicaMetrics _metrics;
    private readonly ReplicaArchive? _archive;
    private readonly Replica<StateMachine.StateMachine, ThreadedDisk, TcpMessageBus, SystemClock> _replica;
    private readonly Standing _standing;
    private long _started;
    private bool _listening;
    private bool _serving;

    private EventLoop(
        StartOptions options, ReplicaMetrics metrics, ILoggerFactory loggers, DataFile file, ReplicaOptions replica,
        UInt128 history, ComputeBackend backend, ThreadedObjectStore? store, WakeSignal wake)
    {
        _metrics = metrics;
        _limit = options.MemorySize is long limit ? new MemoryLimit(limit) : null;
        _memory.PagesReturn = Libc.GiveBack;
        Configuration configuration = replica.Configuration;
        _options = options;
        _file = file;
        _wake = wake;
        _logger = loggers.CreateLogger("replica");
        _standing = new Standing(_logger, replica);
        ReplicaLog.Opening(
            _logger, file.Path, replica.Cluster, replica.ReplicaIndex, SizeText.Format(configuration.StateSizeMax),
            backend.Name, file.IsDirect ? "direct" : "through the page cache (the file system refused O_DIRECT)");
        _disk = new ThreadedDisk(file, _wake, DiskThreads);
        MessagePool arrived = new(_memory, ArrivedCount(replica), configuration.MessageSizeMax);
        HandshakeIdentity identity = new(
            replica.Cluster, replica.ReplicaIndex, replica.ReplicaCount, (byte)replica.MemberCount, options.Secret,
            DataFileFormat.ConfigurationId(replica));
        _bus = new TcpMessageBus(
            _memory, arrived, configuration.SessionsMax + ConnectionsExtra, configuration.MessageSizeMax, identity,
            options.Addresses, _wake, loggers.CreateLogger("bus"));
        _identity = replica;
        _machine = new StateMachine.StateMachine(_memory, configuration, backend, new StorageOptions
        {
            Disk = _disk,
            Cluster = replica.Cluster,
            GridOffset = new DataFileLayout(configuration).GridOffset,
            CacheSize = _limit?.CacheSizeMax ?? options.CacheSize,
            CacheSizeMax = MemoryLimit.OperationSizeMax,
        });
        if (store is not null)
        {
            _archive = new ReplicaArchive(
                _memory, options.Archive!, store, _disk, replica, history, _machine.Trees.Forest,
                loggers.CreateLogger("archive"));
        }
        _replica = new(replica, _memory, _machine, _disk, _bus, default, _archive?.Archive);
        _memory.Seal();
        Watch();
    }

    /// <summary>Messages from outside that may be in use at a time. With other replicas: entries that wait for their
    /// turn in the log are kept, and those that this replica sends on; there must be room beyond them, or nothing that
    /// would free them could arrive.</summary>
    private static int ArrivedCount(ReplicaOptions replica)
    {
        Configuration configuration = replica.Configuration;
        int waiting = ArrivedMax + Limits.ReadsMax;
        int kept = Replica<StateMachine.StateMachine, ThreadedDisk, TcpMessageBus, SystemClock>.MessagesKeptMax(
            configuration, replica.MemberCount);
        if (replica.MemberCount == 1) return kept + waiting;
        int leaving = (replica.MemberCount - 1) * Connection.ReplicaQueueMax;
        return kept + configuration.JournalWritesMax + leaving + waiting;
    }

    /// <summary>Opens the file far enough to know its sizes and takes all memory. Null and an error text if it cannot
    /// serve.</summary>
    public static EventLoop? TryCreate(
        StartOptions options, ReplicaMetrics metrics, ILoggerFactory loggers, out string error)
    {
        if (!Backends.TrySelect(options.Backend, out ComputeBackend? backend, out error)) return null;
        DataFile? file = DataFile.TryOpenExisting(options.File, writable: true, out error);
        if (file is null) return null;
        WakeSignal wake = new();
        ThreadedObjectStore? store = null;
        ReplicaOptions? replica = DataFileIdentity.TryRead(file, options, out UInt128 history, out error);
        if (replica is not null && ClusterOptions.Fit(options, replica, out error) &&
            Suffices(options, replica.Configuration, out error))
        {
            error = "";
            options = options with { Archive = options.Archive?.Of(replica) };
            store = options.Archive?.Address.TryOpen(wake, out error);
            if (error.Length == 0)
                return new EventLoop(options, metrics, loggers, file, replica, history, backend!, store, wake);
        }
        wake.Dispose();
        file.Dispose();
        return null;
    }

    /// <summary>Before the first round: this loop follows one that ended as <see cref="LoopEnd.Outdated"/>.</summary>
    public void GoOn() => _bus.CallSoon();

    /// <summary>Whether the memory given is enough for a data file of this configuration.</summary>
    private static bool Suffices(StartOptions options, Configuration configuration, out string error)
    {
        bool total = options.MemorySize is not null;
        long least = total ? MemoryLimit.Least(configuration) : MemoryLimit.CacheSizeLeast(configuration);
        long given = options.MemorySize ?? options.CacheSize;
        error = $"{(total ? "--memory" : "--cache")}: {SizeText.Format(given)} is too little for this data file, it " +
            $"needs at least {SizeText.Format(least)}";
        return given >= least;
    }

    /// <summary>Holds the memory at its limit, and publishes the figures.</summary>
    private void Watch()
    {
        long resident = _resident.Read();
        _limit?.Apply(_machine.Trees.Forest.Grid, resident);
        ReplicaFigures figures = new()
        {
            CommitOp = (long)_replica.CommitMin, CheckpointOp = (long)_replica.CheckpointOp,
            BytesAllocated = GC.GetAllocatedBytesForCurrentThread(),
            MemoryTaken = _memory.TakenBytes, MemoryResident = resident, MemoryLimit = _limit?.Limit ?? 0,
        };
        figures.Take(_machine.Trees.Forest);
        (figures.ObjectRequests, figures.ObjectFailures) = _archive?.Counts ?? default;
        _metrics.Publish(in figures);
    }

    /// <summary>Serves until told to stop. With an error text if the replica could not open or had to stop.</summary>
    public LoopEnd Run(CancellationToken stopping, out string error)
    {
        _started = Stopwatch.GetTimestamp();
        // With other replicas it is on the network from the start, although it heeds nobody before it is open.
        if (_identity.MemberCount > 1 && !TryListen(out error)) return LoopEnd.Failed;
        _replica.Open();
        long nextTick = _started;
        error = "";
        while (!stopping.IsCancellationRequested)
        {
            bool worked = PassCompletions();
            if (_replica.Status == ReplicaStatus.Stopped)
            {
                error = StopText();
                return LoopEnd.Failed;
            }
            if (_replica.Status == ReplicaStatus.Outdated)
            {
                ReplicaLog.Outdated(_logger, _replica.CheckpointOp);
                return LoopEnd.Outdated;
            }
            bool ready = _replica.Status == ReplicaStatus.Normal && _replica.IsStateOpen;
            if (!_serving && ready && !TryServe(out error)) return LoopEnd.Failed;
            if (_listening) worked |= _bus.Pump(this);
            TimeSpan untilTick = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), nextTick);
            if (untilTick <= TimeSpan.Zero)
            {
                Tick();
                nextTick = Stopwatch.GetTimestamp() + (long)(TickInterval.TotalSeconds * Stopwatch.Frequency);
            }
            // What comes now ends the wait at once; only what is here already must not be waited for. Even then it
            // looks which sockets are ready.
            bool goesOn = untilTick <= TimeSpan.Zero || (worked && _bus.HasWaiting);
            bool runs = !goesOn && _disk.MayRun;
            if (!runs) _disk.EndTurn(idle: false);
            _wake.Wait(goesOn || runs ? TimeSpan.Zero : untilTick);
            if (runs) _disk.EndTurn(idle: _wake.Ready.IsEmpty);
        }
        ReplicaLog.Stopped(_logger, _replica.Op);
        return LoopEnd.Stopped;
    }

    private void Tick()
    {
        Watch();
        _replica.Tick();
        _archive?.Tick(_replica.IsHeldBack);
        _bus.Tick();
        _bus.Flush();
        _standing.Note(_replica.Status, _replica.IsPrimary, _replica.View);
        _standing.NoteRelease(_replica.Release);
    }

    private bool TryListen(out string error)
    {
        IPEndPoint? own = ClusterOptions.TryResolve(_options.Addresses[_identity.ReplicaIndex], out error);
        _listening = own is not null && _bus.TryListen(own, out error);
        return _listening;
    }

    private bool TryServe(out string error)
    {
        error = "";
        if (!_listening && !TryListen(out error)) return false;
        _serving = true;
        ReplicaLog.Serving(_logger, _replica.Op, _replica.View, Stopwatch.GetElapsedTime(_started).TotalSeconds);
        Console.WriteLine($"{ChildReplica.ReadyPrefix}{_bus.Endpoint}");
        return true;
    }

    /// <summary>Of the disk and of the object store.</summary>
    private bool PassCompletions()
    {
        bool any = false;
        while (_disk.TryTakeCompletion(out uint token, out IoResult result))
        {
            if (_archive is not null && CheckpointArchive.OwnsDisk(token)) _archive.Archive.OnCompletion(token, result);
            else _replica.OnCompletion(token, result);
            any = true;
        }
        if (any) _bus.Flush();
        return (_archive?.Pump() ?? false) | any;
    }

    private string StopText()
    {
        string why = _disk.WriteError;
        if (_replica.StopReason == StopReason.BlockCorrupt) why = _archive?.RepairFailure ?? "";
        return $"{_file.Path}: {_replica.StopText()}{(why.Length > 0 ? $" ({why})" : "")}";
    }

    public bool TakesRequests => !_replica.IsFull;

    public void OnMessage(Message message)
    {
        if (message.Header.Command == Command.GetStatus) AnswerStatus(message);
        else _replica.OnMessage(message);
    }

    /// <summary>Tells how this replica stands, whatever it does at the moment and whichever cluster was meant. The
    /// question's buffer takes the answer.</summary>
    private void AnswerStatus(Message message)
    {
        StatusFields question = message.Header.Status;
        if (message.Header.Invalid(_identity.Configuration.MessageSizeMax) is not null) return;
        ref Header header = ref message.Header;
        header = Header.Create(Command.Status, _identity.Cluster, _replica.View, _identity.ReplicaIndex);
        header.Status = new StatusFields
        {
            Client = question.Client,
            Timestamp = question.Timestamp,
            Op = _replica.Op,
            CommitMin = _replica.CommitMin,
            CommitMax = _replica.CommitMax,
            CheckpointOp = _replica.CheckpointOp,
            SessionsCount = (uint)_replica.SessionsCount,
            Role = Standing.RoleOf(_replica.Status, _replica.IsPrimary, _identity.IsStandby),
            ReplicaCount = _identity.ReplicaCount,
            Connected = _bus.ConnectedReplicas,
            SyncOp = _replica.IncompleteOp,
            Release = _replica.Release,
        };
        header.Release = _identity.ReleaseMax;
        header.SetChecksumBody([]);
        header.SetChecksum();
        _bus.SendToClient(question.Client, message);
    }

    public void Dispose()
    {
        _bus.Dispose();
        _archive?.Dispose();
        _disk.Dispose();
        _file.Dispose();
        _resident.Dispose();
        _wake.Dispose();
        _memory.Dispose();
    }
}
