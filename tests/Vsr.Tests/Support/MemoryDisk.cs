using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Vsr;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>The bytes of a data file that outlive a crash.</summary>
internal sealed class MemoryFile(DataFileLayout layout) : IFormatSink, IInspectionSource
{
    public long GridOffset { get; } = layout.GridOffset;

    public byte[] Bytes { get; } = new byte[layout.Size];

    /// <summary>Sink writes still allowed; less than 0: all.</summary>
    public int SinkWritesLeft { get; set; } = -1;

    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        if (SinkWritesLeft == 0) return;
        if (SinkWritesLeft > 0) SinkWritesLeft--;
        bytes.CopyTo(Bytes.AsSpan((int)offset));
    }

    public void Flush()
    {
    }

    public bool TryRead(long offset, Span<byte> into)
    {
        Bytes.AsSpan((int)offset, into.Length).CopyTo(into);
        return true;
    }

    /// <summary>A place that the device cannot read; less than 0: there is none.</summary>
    public long UnreadableAt { get; set; } = -1;

    public void Corrupt(long offset) => Bytes[offset] ^= 0x5a;
}

/// <summary>A queue of operations over a <see cref="MemoryFile"/>; the test decides when each completes. At a crash a
/// write in flight leaves any mix of old and new sectors.</summary>
internal sealed class MemoryDisk(MemoryFile file) : IDisk
{
    private readonly struct Operation(uint token, long offset, NativeBuffer buffer, bool write)
    {
        public uint Token { get; } = token;
        public long Offset { get; } = offset;
        public NativeBuffer Buffer { get; } = buffer;
        public bool Write { get; } = write;
    }

    private readonly Operation[] _queue = new Operation[256];
    private int _head;
    private int _count;

    public int Pending => _count;
    public int WritesCompleted { get; private set; }
    public int FailWriteAfter { get; set; } = -1;

    public void Read(uint token, long offset, NativeBuffer buffer) => Add(new Operation(token, offset, buffer, false));

    public void Write(uint token, long offset, NativeBuffer buffer) => Add(new Operation(token, offset, buffer, true));

    private void Add(Operation operation)
    {
        Check.That(_count < _queue.Length);
        Check.That(operation.Offset % Limits.SectorSize == 0 && operation.Buffer.Length % Limits.SectorSize == 0);
        Check.That(operation.Offset >= 0 && operation.Offset + operation.Buffer.Length <= file.Bytes.Length);
        for (int i = 0; i < _count; i++)
        {
            Operation other = _queue[(_head + i) % _queue.Length];
            bool apart = other.Offset + other.Buffer.Length <= operation.Offset ||
                operation.Offset + operation.Buffer.Length <= other.Offset;
            // Blocks are read for other replicas whatever the own state does with their places.
            bool grid = operation.Offset >= file.GridOffset && other.Write != operation.Write;
            Check.That(apart || grid || (!other.Write && !operation.Write));
        }
        _queue[(_head + _count++) % _queue.Length] = operation;
    }

    /// <summary>Carries out the oldest operation; false if there is none.</summary>
    public bool TryComplete(out uint token, out IoResult result)
    {
        token = 0;
        result = IoResult.Ok;
        if (_count == 0) return false;
        Operation operation = _queue[_head];
        _head = (_head + 1) % _queue.Length;
        _count--;
        token = operation.Token;
        Span<byte> at = file.Bytes.AsSpan((int)operation.Offset, (int)operation.Buffer.Length);
        if (!operation.Write)
        {
            long end = operation.Offset + operation.Buffer.Length;
            if (file.UnreadableAt >= operation.Offset && file.UnreadableAt < end)
            {
                result = IoResult.ReadFailed;
                return true;
            }
            at.CopyTo(operation.Buffer.Span);
            return true;
        }
        if (FailWriteAfter >= 0 && WritesCompleted >= FailWriteAfter)
        {
            result = IoResult.WriteFailed;
            return true;
        }
        operation.Buffer.Span.CopyTo(at);
        WritesCompleted++;
        return true;
    }

    /// <summary>What a power cut leaves of the writes in flight: each sector old, new or, on a poor disk,
    /// garbage.</summary>
    public void Crash(Random random, bool garbage = true)
    {
        for (int i = 0; i < _count; i++)
        {
            Operation operation = _queue[(_head + i) % _queue.Length];
            if (!operation.Write) continue;
            for (int at = 0; at < operation.Buffer.Length; at += Limits.SectorSize)
            {
                Span<byte> sector = file.Bytes.AsSpan((int)operation.Offset + at, Limits.SectorSize);
                int fate = random.Next(5);
                if (fate < 2) operation.Buffer.Slice(at, Limits.SectorSize).CopyTo(sector);
                else if (fate == 2 && garbage) random.NextBytes(sector);
            }
        }
        _count = 0;
    }
}
