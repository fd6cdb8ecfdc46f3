using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>What the state machine ran and said the first time, by position in the log. Anything said later about the
/// same position must be the same: by a replay after a crash, by a restored checkpoint, by an answer that a client
/// holds.</summary>
internal sealed class CommitHistory
{
    private readonly List<Entry> _entries = [];

    /// <summary>By the operation after which a checkpoint was made.</summary>
    private readonly SortedDictionary<ulong, UInt128> _states = [];

    public int Count => _entries.Count;

    /// <summary>Entries that ran again and agreed.</summary>
    public ulong Replayed { get; private set; }

    /// <summary>Restored states that agreed.</summary>
    public ulong Restored { get; private set; }

    /// <summary>Checkpoints that were written again, after a crash, and had the same root.</summary>
    public ulong RootsCompared { get; private set; }
    public ulong LastOp => _entries.Count == 0 ? 0 : _entries[^1].Op;

    public bool Contains(ulong op) => Find(op) is Entry entry && entry.Op == op;

    public void Add(in OperationContext context, uint release, ReadOnlySpan<byte> request, ReadOnlySpan<byte> reply)
    {
        Check.That(context.Op > LastOp);
        Check.That(_entries.Count == 0 || context.Timestamp > _entries[^1].Timestamp, "time went back in the log");
        _entries.Add(new Entry
        {
            Op = context.Op, Timestamp = context.Timestamp, Operation = context.Operation, Release = release,
            Request = Checksum.Of(request), Reply = Checksum.Of(reply),
            Parts = context.Operation == Operation.Batch ? PartsOf(request, reply) : [],
        });
    }

    /// <summary>Of a batch that was run, as a group is: the operation and the checksum of the answer of each
    /// part.</summary>
    private static (Operation Operation, UInt128 Reply)[] PartsOf(ReadOnlySpan<byte> request, ReadOnlySpan<byte> reply)
    {
        WireReader parts = new(request);
        WireReader answers = new(reply);
        ushort count = parts.U16();
        bool run = answers.U16() == 0 && answers.U16() == count;
        (Operation Operation, UInt128 Reply)[] found = new (Operation Operation, UInt128 Reply)[run ? count : 0];
        for (int i = 0; i < found.Length; i++)
        {
            Operation operation = (Operation)parts.U8();
            parts.Bytes(3);
            parts.Bytes(parts.U32());
            found[i] = (operation, Checksum.Of(answers.Bytes(answers.U32())));
        }
        return found;
    }

    public void CheckReplay(
        in OperationContext context, uint release, ReadOnlySpan<byte> request, ReadOnlySpan<byte> reply)
    {
        Entry? entry = Find(context.Op);
        Check.That(entry is not null && entry.Op == context.Op, "replay of an entry that was not in the log");
        Check.That(entry.Operation == context.Operation, "replayed another operation");
        Check.That(entry.Timestamp == context.Timestamp, "replayed with another time");
        Check.That(entry.Release == release, "replayed with another release");
        Check.That(entry.Request == Checksum.Of(request), "replayed another request");
        Check.That(entry.Reply == Checksum.Of(reply), "replay gave another reply");
        Replayed++;
    }

    /// <summary>An answer that a client got.</summary>
    /// <param name="op">The entry that it names.</param>
    /// <param name="part">Which part of a group the request is, or -1.</param>
    /// <param name="operation">What was asked for.</param>
    /// <param name="replyChecksum">Of the answer's body.</param>
    public void CheckAnswer(ulong op, int part, Operation operation, UInt128 replyChecksum)
    {
        Entry? entry = Find(op);
        bool logged = entry is not null && entry.Op == op;
        if (operation < Operation.Write)
        {
            Check.That(!logged, "a client was told that another's entry is its own");
            return;
        }
        Check.That(logged, "a client was answered before the entry was committed");
        Check.That(part < entry!.Parts.Length, "a client was answered from a group that was not run");
        Operation run = part < 0 ? entry.Operation : entry.Parts[part].Operation;
        Check.That(run == operation, "a client was answered from another operation");
        UInt128 committed = part < 0 ? entry.Reply : entry.Parts[part].Reply;
        Check.That(committed == replyChecksum, "a client was given another reply than was committed");
    }

    /// <summary>The root of the checkpoint after everything up to <paramref name="op"/>, noted or compared. It has the
    /// sessions too, so entries of the log that no state machine sees make it another.</summary>
    public void CheckState(ulong op, UInt128 checksum)
    {
        bool known = _states.TryGetValue(op, out UInt128 state);
        Check.That(!known || state == checksum, "the same log led to another state");
        if (known) RootsCompared++;
        _states[op] = checksum;
    }

    public void CheckRestored(ulong op, UInt128 checksum)
    {
        bool known = _states.TryGetValue(op, out UInt128 state);
        Check.That(known, "restored a checkpoint that was never taken");
        Check.That(state == checksum, "restored another state than was written");
        Restored++;
    }

    /// <summary>The entry at the position or, if the log's own operation is there, the last one before it.</summary>
    private Entry? Find(ulong op)
    {
        int low = 0;
        int high = _entries.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_entries[middle].Op <= op) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? null : _entries[low - 1];
    }

    private sealed class Entry
    {
        public required ulong Op { get; init; }
        public required ulong Timestamp { get; init; }
        public required Operation Operation { get; init; }

        /// <summary>Of the state machine that ran it.</summary>
        public required uint Release { get; init; }
        public required UInt128 Request { get; init; }
        public required UInt128 Reply { get; init; }

        /// <summary>Of a batch.</summary>
        public required (Operation Operation, UInt128 Reply)[] Parts { get; init; }
    }
}
