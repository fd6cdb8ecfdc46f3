using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Randomness;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>A disk that forgets. Reads and writes take drawn times and complete in any order; a write counts only once it has
/// completed. At a crash every sector of every write still under way is drawn on its own: old, new, or damaged.</summary>
internal sealed class SimulatedDisk(NativeBuffer image, DiskFaults faults)
{
    private readonly List<Operation> _pending = [];
    private readonly byte[] _captured = new byte[image.Length];
    private long _capturedSize;

    public NativeBuffer Image { get; } = image;
    public ulong Now { get; set; }
    public int Pending => _pending.Count;
    public ulong Writes { get; private set; }
    public ulong Reads { get; private set; }

    /// <summary>Once set, every write fails, as on a full or broken device.</summary>
    public bool WritesFail { get; set; }

    public void Read(TapeStream tape, uint token, long offset, NativeBuffer buffer)
    {
        CheckRange(offset, buffer);
        Reads++;
        _pending.Add(new Operation(token, offset, buffer, -1, Now + faults.LatencyMin + tape.Below(faults.LatencyMax - faults.LatencyMin + 1)));
    }

    public void Write(TapeStream tape, uint token, long offset, NativeBuffer buffer)
    {
        CheckRange(offset, buffer);
        foreach (Operation other in _pending)
            Check.That(other.Captured < 0 || !Overlap(other, offset, buffer.Length));
        Writes++;
        // The bytes are taken now: a buffer changed while its write is under way would be a bug of the replica that a
        // real disk shows as a mixture; here it shows as a difference between what it wrote and what it believes.
        if (_pending.Count == 0) _capturedSize = 0;
        Check.That(_capturedSize + buffer.Length <= _captured.Length);
        buffer.Span.CopyTo(_captured.AsSpan((int)_capturedSize));
        ulong due = Now + faults.LatencyMin + tape.Below(faults.LatencyMax - faults.LatencyMin + 1);
        _pending.Add(new Operation(token, offset, buffer, _capturedSize, due));
        _capturedSize += buffer.Length;
    }

    /// <summary>Finishes one operation that is due, the drawn one among several; false if none is.</summary>
    public bool TryComplete(TapeStream tape, out uint token, out IoResult result)
    {
        token = 0;
        result = IoResult.Ok;
        int due = 0;
        foreach (Operation operation in _pending)
        {
            if (operation.Due <= Now) due++;
        }
        if (due == 0) return false;
        int chosen = tape.Below(due);
        for (int i = 0; i < _pending.Count; i++)
        {
            if (_pending[i].Due > Now || chosen-- > 0) continue;
            Operation operation = _pending[i];
            _pending.RemoveAt(i);
            token = operation.Token;
            result = Finish(operation);
            return true;
        }
        Check.Unreachable();
        return false;
    }

    private IoResult Finish(Operation operation)
    {
        if (operation.Captured < 0)
        {
            Image.Slice(operation.Offset, (int)operation.Buffer.Length).CopyTo(operation.Buffer.Span);
            return IoResult.Ok;
        }
        if (WritesFail) return IoResult.WriteFailed;
        Bytes(operation).CopyTo(Image.Slice(operation.Offset, (int)operation.Buffer.Length));
        return IoResult.Ok;
    }

    /// <summary>The machine stops: what had not completed may be there, or not, or be damaged, sector by sector.</summary>
    public void Crash(TapeStream tape)
    {
        foreach (Operation operation in _pending)
        {
            if (operation.Captured < 0) continue;
            for (int at = 0; at < operation.Buffer.Length; at += Limits.SectorSize)
            {
                Span<byte> sector = Image.Slice(operation.Offset + at, Limits.SectorSize);
                ulong fate = tape.Below(8);
                if (fate < 4) Bytes(operation).Slice(at, Limits.SectorSize).CopyTo(sector);
                else if (fate == 7) Damage(tape, sector);
            }
        }
        _pending.Clear();
    }

    /// <summary>Damages one sector: single bits, or all of it.</summary>
    public static void Damage(TapeStream tape, Span<byte> sector)
    {
        if (tape.Below(2) == 0)
        {
            ulong bit = tape.Below((ulong)sector.Length * 8);
            sector[(int)(bit / 8)] ^= (byte)(1 << (int)(bit % 8));
            return;
        }
        byte pattern = (byte)tape.Below(256);
        for (int i = 0; i < sector.Length; i++) sector[i] = unchecked((byte)(pattern * (i | 1) ^ i >> 4));
    }

    private ReadOnlySpan<byte> Bytes(Operation operation) =>
        _captured.AsSpan((int)operation.Captured, (int)operation.Buffer.Length);

    private void CheckRange(long offset, NativeBuffer buffer)
    {
        Check.That(offset % Limits.SectorSize == 0);
        Check.That(buffer.Length > 0 && buffer.Length % Limits.SectorSize == 0);
        Check.That(offset >= 0 && offset + buffer.Length <= Image.Length);
    }

    private static bool Overlap(Operation operation, long offset, long size) =>
        operation.Offset < offset + size && offset < operation.Offset + operation.Buffer.Length;

    /// <param name="captured">Where a write's bytes are kept; -1 for a read.</param>
    private readonly struct Operation(uint token, long offset, NativeBuffer buffer, long captured, ulong due)
    {
        public uint Token { get; } = token;
        public long Offset { get; } = offset;
        public NativeBuffer Buffer { get; } = buffer;
        public long Captured { get; } = captured;
        public ulong Due { get; } = due;
    }
}

/// <summary>Rates of a simulated disk; times in nanoseconds.</summary>
internal readonly struct DiskFaults(ulong latencyMin, ulong latencyMax)
{
    public ulong LatencyMin { get; } = latencyMin;
    public ulong LatencyMax { get; } = latencyMax;
}
