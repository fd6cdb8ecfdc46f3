using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.TestSupport;

/// <summary>A small forest over a grid in memory: makes checkpoints, and tries what can be done with one that may be
/// forged.</summary>
public sealed class CheckpointProbe : IDisposable
{
    public const int BlockSize = Limits.BlockSizeMin;
    public const int Blocks = 1024;
    public const int TreeCount = 2;
    private const int KeySize = 12;
    private const int CacheFrames = 700;

    private readonly StaticMemory _memory = new();
    private readonly QueueDisk _disk;
    private readonly Forest _forest;
    private ulong _op = 1;

    private CheckpointProbe(byte[] grid)
    {
        _disk = new QueueDisk(grid);
        _forest = new Forest(_memory, new ForestOptions
        {
            TreeCount = TreeCount, StateSizeMax = 1 << 30, MemtableSize = 64 << 10, OvershootSizeMax = 2 << 20,
            SessionsSizeMax = 64, ScrubTicks = 1, Grid = new GridOptions
            {
                Disk = _disk, Cluster = 77, Offset = 0, BlockSize = BlockSize, Blocks = Blocks,
                CacheFrames = CacheFrames,
            },
        });
        _memory.Seal();
    }

    /// <summary>Checkpoints of one history, most of them amid a merge.</summary>
    public static List<(byte[] Grid, BlockReference Root)> MakeCheckpoints()
    {
        List<(byte[] Grid, BlockReference Root)> checkpoints = [];
        byte[] grid = new byte[Blocks * BlockSize];
        using CheckpointProbe probe = new(grid);
        probe._forest.OpenStart(default);
        Check.That(probe._forest.OpenAdvance() == OpenResult.Opened);
        for (uint op = 0; op < 30; op++)
        {
            bool written = probe.TryOperate(op % 15 < 5 ? op * 997 : op, op % 15 < 5 ? 90 : 1);
            bool durable = probe.TryCheckpoint(out BlockReference root);
            Check.That(written && durable);
            if (op % 15 is 5 or 7 or 9) checkpoints.Add((probe._disk.Copy(), root));
        }
        return checkpoints;
    }

    /// <summary>Opens a checkpoint and, if that goes, reads every entry, writes on, and writes the next checkpoint.
    /// Nothing may be thrown; waiting is returned only for a block that cannot be read as what it should be.</summary>
    /// <param name="grid">The grid; it stays as it is.</param>
    /// <param name="root">The checkpoint.</param>
    /// <param name="used">Everything was done to the end.</param>
    public static OpenResult Try(byte[] grid, in BlockReference root, out bool used)
    {
        using CheckpointProbe probe = new(grid);
        used = false;
        probe._forest.OpenStart(in root);
        OpenResult result = OpenResult.Waiting;
        bool ended = probe.Wait(() => (result = probe._forest.OpenAdvance()) != OpenResult.Waiting);
        if (!ended || result != OpenResult.Opened) return result;
        probe._forest.CheckpointDurable();
        used = probe.TryUse();
        return result;
    }

    public void Dispose() => _memory.Dispose();

    private bool TryUse()
    {
        for (int tree = 0; tree < TreeCount; tree++) if (!TryReadAll(tree)) return false;
        for (uint op = 0; op < 12; op++) if (!TryOperate(uint.MaxValue - 1000 * op, 30)) return false;
        return TryCheckpoint(out _);
    }

    private bool TryReadAll(int tree)
    {
        Tree entries = _forest[tree];
        byte[] key = new byte[KeySize];
        if (!TryTouch(() => entries.TouchPrefix([]))) return false;
        long bytes = 0;
        for (TreeCursor cursor = entries.SeekFirst(); cursor.Valid; cursor.Next())
        {
            bytes += cursor.Key.Length + cursor.Value.Length;
            if (cursor.Key.Length == KeySize) cursor.Key.CopyTo(key);
        }
        for (TreeCursor cursor = entries.SeekLast(); cursor.Valid; cursor.Previous()) bytes -= cursor.Key.Length;
        Check.That(bytes >= 0);
        if (!TryTouch(() => entries.Touch(key) & entries.TouchFloor(key, 0))) return false;
        entries.TryFloor(key, 0, out _, out _);
        entries.TryGet(key, out _);
        return true;
    }

    /// <summary>Writes and removes entries, of which some have large values, and has the forest maintained.</summary>
    private bool TryOperate(uint first, int entries)
    {
        Tree tree = _forest[(int)(first % TreeCount)];
        bool touched = TryTouch(() =>
        {
            bool all = true;
            for (uint i = 0; i < entries; i++) all &= tree.Touch(KeyOf(unchecked(first + i * 7919)));
            return all;
        });
        if (!touched) return false;
        for (uint i = 0; i < entries; i++)
        {
            byte[] key = KeyOf(unchecked(first + i * 7919));
            byte[] value = new byte[i % 40 == 39 ? 40_000 : i % 11 == 0 ? 5000 : 700];
            value.AsSpan().Fill((byte)i);
            if (i % 5 != 4 || !tree.Remove(key)) tree.Put(key, value);
        }
        _forest.Tick();
        return Wait(() => _forest.TryCompact(_op));
    }

    private bool TryTouch(Func<bool> touch)
    {
        _op++;
        return Wait(() =>
        {
            _forest.PrefetchStart(_op);
            touch();
            return _forest.PrefetchEnd();
        });
    }

    private bool TryCheckpoint(out BlockReference root)
    {
        BlockReference written = default;
        _forest.CheckpointStart(_op, [1, 2, 3]);
        bool done = Wait(() => _forest.TryCheckpoint(out written));
        if (done) _forest.CheckpointDurable();
        root = written;
        return done;
    }

    /// <summary>Completes disk operations until a step is done; false: the forest has a problem.</summary>
    private bool Wait(Func<bool> step)
    {
        while (!step())
        {
            bool completed = _disk.TryComplete(out uint token);
            if (completed) _forest.OnCompletion(token, IoResult.Ok);
            if (completed) continue;
            Check.That(_forest.Problem != StateProblem.None, "waits for nothing");
            return false;
        }
        return true;
    }

    private static byte[] KeyOf(uint number)
    {
        byte[] key = new byte[KeySize];
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(2), number);
        return key;
    }
}
