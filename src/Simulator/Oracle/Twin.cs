using System;
using System.Collections.Generic;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.StateMachine;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Oracle;

/// <summary>A second state machine that runs the same log with another cache, on another disk that completes in
/// another order, and crashes elsewhere. At each checkpoint both must have the same blocks at the same
/// addresses.</summary>
internal sealed class Twin : IDisposable
{
    /// <summary>From one checkpoint to the next: each has everything since run again.</summary>
    private const int CrashesMax = 3;

    private readonly Configuration _configuration;
    private readonly ComputeBackend _compute;
    private readonly DataFileLayout _layout;
    private readonly TapeStream _tape;
    private readonly long _cacheSize;
    private readonly Ratio _crashes;
    private readonly StaticMemory _lasting = new();
    private readonly TwinDisk _disk;
    private readonly LiveBlocks _blocks;
    private readonly LiveBlocks _blocksOther;
    private readonly byte[] _reply;

    /// <summary>What ran since the last checkpoint.</summary>
    private readonly List<Entry> _log = [];
    private StaticMemory? _memory;
    private StateMachine.StateMachine _machine = null!;
    private BlockReference _root;
    private ulong _committed;
    private ulong _maintained;
    private ulong _checkpointOp;
    private int _crashesLeft = CrashesMax;

    public Twin(Configuration configuration, ComputeBackend compute, TapeStream tape)
    {
        _configuration = configuration;
        _compute = compute;
        _layout = new DataFileLayout(configuration);
        _tape = tape;
        _cacheSize = (1L << 20) << tape.Below(6);
        _crashes = tape.Below(3) == 0 ? Ratio.Never : Ratio.Percent(1 + (uint)tape.Below(8));
        _disk = new TwinDisk(_lasting.Take(_layout.Size, Limits.SectorSize), tape);
        _blocks = new LiveBlocks(_lasting, configuration.GridBlocks);
        _blocksOther = new LiveBlocks(_lasting, configuration.GridBlocks);
        _reply = new byte[configuration.MessageBodySizeMax];
        Open();
    }

    /// <summary>Checkpoints and blocks that agreed.</summary>
    public ulong Compared { get; private set; }
    public ulong BlocksCompared { get; private set; }
    public ulong Crashes { get; private set; }

    /// <summary>The first time that the machine under test ran an entry.</summary>
    public void Commit(in OperationContext context, ReadOnlySpan<byte> body, ReadOnlySpan<byte> reply)
    {
        if (context.Op <= _committed) return;
        MayCrash();
        Entry entry = new(context, body.ToArray());
        _log.Add(entry);
        _committed = context.Op;
        int size = Run(entry);
        Check.That(_reply.AsSpan(0, size).SequenceEqual(reply), "two machines answered differently");
    }

    public void Maintain(ulong op)
    {
        if (op <= _maintained) return;
        MayCrash();
        _log.Add(new Entry(new OperationContext(op, 0, Operation.Reserved), []));
        _maintained = op;
        RunMaintenance(op);
    }

    public void Checkpoint(ulong op, ReadOnlySpan<byte> sessions)
    {
        if (op <= _checkpointOp) return;
        _machine.CheckpointStart(op, sessions);
        BlockReference root;
        while (!_machine.CheckpointAdvance(out root))
        {
            if (MayCrash()) _machine.CheckpointStart(op, sessions);
            else _disk.CompleteOne(_machine);
        }
        _machine.Trees.Forest.CopyLiveBlocks(_blocks);
        _machine.CheckpointDurable();
        _root = root;
        _checkpointOp = op;
        _log.Clear();
        _crashesLeft = CrashesMax;
    }

    /// <summary>The machine under test has written its checkpoint.</summary>
    /// <param name="root">Of the checkpoint.</param>
    /// <param name="machine">Which wrote it.</param>
    public void Compare(in BlockReference root, StateMachine.StateMachine machine)
    {
        Check.That(root.Is(in _root), "the same log led to another root");
        machine.Trees.Forest.CopyLiveBlocks(_blocksOther);
        FreeSet free = machine.Trees.Forest.Grid.Free;
        for (int address = 1; address <= _blocks.Blocks; address++)
        {
            ulong mark = _blocks.Mark(address);
            Check.That(mark == _blocksOther.Mark(address), "the same log led to another block");
            bool used = free.IsAcquired((ulong)address) && !free.IsReleased((ulong)address);
            Check.That(used == (mark != 0), "a block is neither free nor of the checkpoint");
            Check.That(
                _machine.Trees.Forest.Grid.Free.IsAcquired((ulong)address) == used, "the same log left others free");
            BlocksCompared += mark == 0 ? 0u : 1;
        }
        Compared++;
    }

    public void Dispose()
    {
        _memory?.Dispose();
        _lasting.Dispose();
    }

    private int Run(Entry entry)
    {
        while (!_machine.Prefetch(entry.Context, entry.Body)) _disk.CompleteOne(_machine);
        return _machine.Commit(entry.Context, entry.Body, _reply);
    }

    private void RunMaintenance(ulong op)
    {
        while (!_machine.Maintain(op)) _disk.CompleteOne(_machine);
        for (int i = _tape.Below(3); i > 0 && !_disk.Idle; i--) _disk.CompleteOne(_machine);
    }

    private bool MayCrash()
    {
        if (_crashesLeft == 0 || !_tape.Chance(_crashes)) return false;
        _crashesLeft--;
        Crash();
        return true;
    }

    private void Crash()
    {
        Crashes++;
        _disk.Crash();
        Open();
        foreach (Entry entry in _log)
        {
            if (entry.Context.Operation == Operation.Reserved) RunMaintenance(entry.Context.Op);
            else Run(entry);
        }
    }

    private void Open()
    {
        _memory?.Dispose();
        _memory = new StaticMemory();
        _machine = new StateMachine.StateMachine(_memory, _configuration, _compute, new StorageOptions
        {
            Disk = _disk, Cluster = Simulation.Cluster, GridOffset = _layout.GridOffset, CacheSize = _cacheSize,
        });
        _machine.OpenStart(in _root);
        while (_machine.OpenAdvance() != OpenResult.Opened) _disk.CompleteOne(_machine);
        _machine.CheckpointDurable();
    }

    /// <summary>An entry of the log, or the maintenance after one.</summary>
    private sealed class Entry(OperationContext context, byte[] body)
    {
        public OperationContext Context { get; } = context;
        public byte[] Body { get; } = body;
    }

    /// <summary>Completes in any order; a crash loses what has not completed.</summary>
    private sealed class TwinDisk(NativeBuffer image, TapeStream tape) : IDisk
    {
        private readonly List<(uint Token, long Offset, NativeBuffer Buffer, byte[]? Written)> _pending = [];

        public bool Idle => _pending.Count == 0;

        public void Read(uint token, long offset, NativeBuffer buffer) => _pending.Add((token, offset, buffer, null));

        public void Write(uint token, long offset, NativeBuffer buffer) =>
            _pending.Add((token, offset, buffer, buffer.Span.ToArray()));

        public void CompleteOne(StateMachine.StateMachine machine)
        {
            Check.That(!Idle, "a machine waits for nothing");
            int chosen = tape.Below(_pending.Count);
            (uint token, long offset, NativeBuffer buffer, byte[]? written) = _pending[chosen];
            _pending.RemoveAt(chosen);
            Span<byte> place = image.Slice(offset, (int)buffer.Length);
            if (written is null) place.CopyTo(buffer.Span);
            else written.CopyTo(place);
            machine.OnCompletion(token, IoResult.Ok);
            Check.That(machine.Problem == StateProblem.None, "the second machine cannot go on");
        }

        public void Crash()
        {
            foreach ((_, long offset, NativeBuffer buffer, byte[]? written) in _pending)
            {
                if (written is not null && tape.Boolean()) written.CopyTo(image.Slice(offset, (int)buffer.Length));
            }
            _pending.Clear();
        }
    }
}
