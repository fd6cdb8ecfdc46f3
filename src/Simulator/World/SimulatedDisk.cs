using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>Rates of a simulated disk; times in nanoseconds.</summary>
internal readonly struct DiskFaults(ulong latencyMin, ulong latencyMax, Ratio writeFailure, Ratio readFailure)
{
    public ulong LatencyMin { get; } = latencyMin;
    public ulong LatencyMax { get; } = latencyMax;

    /// <summary>Chance that a write ends with an error, leaving behind what a crash would.</summary>
    public Ratio WriteFailure { get; } = writeFailure;

    /// <summary>Chance that a read ends with an error and gives nothing of use; the next one may succeed.</summary>
    public Ratio ReadFailure { get; } = readFailure;
}

/// <summary>A disk that forgets. Reads and writes take drawn times and complete in any order; a write counts only once
/// it has completed. At a crash every sector of every write still under way is drawn on its own: old, new, or
/// damaged.</summary>
internal sealed class SimulatedDisk(
    NativeBuffer image, DiskFaults faults, Tape tape, Trace trace, Plant plant, FaultAtlas atlas, byte replica) : IDisk
{
    /// <summary>A used or another device gets its bytes in pieces of this size, when somebody first looks.</summary>
    private const int PieceSize = 64 << 10;

    private readonly List<Operation> _pending = [];
    private readonly TapeStream _times = tape.Stream(TapeConsumer.Disk);
    private readonly TapeStream _faults = tape.Stream(TapeConsumer.DiskFaults);
    private readonly TapeStream _order = tape.Stream(TapeConsumer.Schedule);

    private readonly bool[] _pieces = new bool[(image.Length + PieceSize - 1) / PieceSize];
    private bool _isOther;
    private ulong _oldBytes;

    /// <summary>Offsets of sectors that were damaged and have not been written since.</summary>
    private readonly SortedSet<long> _damaged = [];

    public ulong Now { get; set; }
    public long Length => image.Length;

    /// <summary>Hears of each write that has ended well: its place and its bytes.</summary>
    public Action<long, byte[]>? Written { get; set; }

    /// <summary>While set, nothing fails; times stay.</summary>
    public bool Healed { get; set; }

    /// <summary>Nothing is under way.</summary>
    public bool Idle => _pending.Count == 0;
    public ulong Writes { get; private set; }
    public ulong ReadsFailed { get; private set; }

    /// <summary>Sectors of writes under way that a crash left old or damaged.</summary>
    public ulong SectorsLost { get; private set; }

    /// <summary>When the next operation completes; the greatest number if none is under way.</summary>
    public ulong NextDue
    {
        get
        {
            ulong next = ulong.MaxValue;
            foreach (Operation operation in _pending) next = ulong.Min(next, operation.Due);
            return next;
        }
    }

    public void Read(uint token, long offset, NativeBuffer buffer)
    {
        CheckRange(offset, buffer);
        _pending.Add(new Operation(token, offset, buffer, null, Due()));
    }

    /// <summary>The bytes are taken now: a buffer that is changed while its write is under way shows as a difference
    /// between what the replica wrote and what it believes.</summary>
    public void Write(uint token, long offset, NativeBuffer buffer)
    {
        CheckRange(offset, buffer);
        Check.That(!IsWriting(offset, buffer.Length), "two writes to one place at once");
        _pending.Add(new Operation(token, offset, buffer, buffer.Span.ToArray(), Due()));
    }

    public bool IsWriting(long offset, long size)
    {
        foreach (Operation operation in _pending)
        {
            bool apart = operation.Offset >= offset + size || offset >= operation.Offset + operation.Buffer.Length;
            if (operation.Written is not null && !apart) return true;
        }
        return false;
    }

    /// <summary>Whether any sector of a place is damaged.</summary>
    public bool IsDamaged(long offset, long size) => _damaged.GetViewBetween(offset, offset + size - 1).Count > 0;

    private ulong Due() => Now + faults.LatencyMin + _times.Below(faults.LatencyMax - faults.LatencyMin + 1);

    /// <summary>Finishes one operation that is due, the drawn one among several; false if none is.</summary>
    public bool TryComplete(out uint token, out IoResult result)
    {
        token = 0;
        result = IoResult.Ok;
        int due = 0;
        foreach (Operation operation in _pending) due += operation.Due <= Now ? 1 : 0;
        if (due == 0) return false;
        int chosen = _order.Below(due);
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
        Span<byte> place = At(operation.Offset, (int)operation.Buffer.Length);
        bool mayFail = !Healed && atlas.MayFail(replica, operation.Offset, operation.Buffer.Length);
        if (operation.Written is null && mayFail && _faults.Chance(faults.ReadFailure))
        {
            ReadsFailed++;
            trace.Add(TraceCode.DiskFault, replica, (ulong)operation.Offset, 1);
            Garble(operation.Buffer.Span, 0x5EED);
            return IoResult.ReadFailed;
        }
        if (operation.Written is null)
        {
            place.CopyTo(operation.Buffer.Span);
            return IoResult.Ok;
        }
        Writes++;
        trace.Add(TraceCode.DiskWritten, replica, (ulong)operation.Offset, Low(Checksum.Of(operation.Written)));
        if (!Healed && _faults.Chance(faults.WriteFailure))
        {
            Tear(operation);
            return IoResult.WriteFailed;
        }
        if (plant.LosesWrite(Writes, operation.Offset)) return IoResult.Ok;
        operation.Written.CopyTo(place);
        Written?.Invoke(operation.Offset, operation.Written);
        if (_damaged.Count == 0) return IoResult.Ok;
        for (int at = 0; at < operation.Buffer.Length; at += Limits.SectorSize)
            _damaged.Remove(operation.Offset + at);
        return IoResult.Ok;
    }

    /// <summary>The machine stops: what had not completed may be there, or not, or be damaged, sector by
    /// sector.</summary>
    public void Crash()
    {
        foreach (Operation operation in _pending)
        {
            if (operation.Written is not null) Tear(operation);
        }
        _pending.Clear();
    }

    private void Tear(Operation operation)
    {
        bool mayFail = atlas.MayFail(replica, operation.Offset, operation.Buffer.Length);
        for (int at = 0; at < operation.Buffer.Length; at += Limits.SectorSize)
        {
            Span<byte> sector = At(operation.Offset + at, Limits.SectorSize);
            int fate = _faults.Below(8);
            if (fate < 4)
            {
                operation.Written.AsSpan(at, Limits.SectorSize).CopyTo(sector);
                _damaged.Remove(operation.Offset + at);
                continue;
            }
            SectorsLost++;
            if (fate == 7 && mayFail) Damage(operation.Offset + at);
        }
    }

    /// <summary>Damages one sector: a single bit, or all of it.</summary>
    public void Damage(long offset)
    {
        Span<byte> sector = At(offset, Limits.SectorSize);
        _damaged.Add(offset);
        trace.Add(TraceCode.DiskFault, replica, (ulong)offset, 0);
        if (_faults.Boolean())
        {
            int bit = _faults.Below(Limits.SectorSize * 8);
            sector[bit / 8] ^= (byte)(1 << bit % 8);
            return;
        }
        Garble(sector, _faults.U64() | 1);
    }

    /// <summary>Before anything else: the disk has bytes that mean nothing, as a used device before it is
    /// formatted.</summary>
    public void GarbleAll(ulong pattern) => Exchange(pattern | 1);

    /// <summary>In the place of this disk there is another one, with zeroes everywhere or with bytes that mean
    /// nothing. Nothing may be under way.</summary>
    /// <param name="pattern">0: zeroes.</param>
    public void Exchange(ulong pattern)
    {
        Check.That(Idle);
        _isOther = true;
        _oldBytes = pattern;
        Array.Clear(_pieces);
        _damaged.Clear();
    }

    /// <summary>In the place of this disk there is one with all that another has. Nothing may be under way on
    /// either.</summary>
    public void Copy(SimulatedDisk other)
    {
        Check.That(other.Idle && other.Length == Length);
        Exchange(other._oldBytes);
        for (int piece = 0; piece < _pieces.Length; piece++)
        {
            // What nobody has looked at there, nobody needs to look at here.
            if (other._isOther && !other._pieces[piece]) continue;
            long at = (long)piece * PieceSize;
            int size = (int)long.Min(PieceSize, Length - at);
            other.At(at, size).CopyTo(image.Slice(at, size));
            _pieces[piece] = true;
        }
        _damaged.UnionWith(other._damaged);
    }

    /// <summary>What is on the disk, to look at and to change.</summary>
    public Span<byte> At(long offset, int size)
    {
        for (long piece = offset / PieceSize; _isOther && piece * PieceSize < offset + size; piece++)
        {
            if (!_pieces[piece]) FillPiece(piece);
            _pieces[piece] = true;
        }
        return image.Slice(offset, size);
    }

    private void FillPiece(long piece)
    {
        long end = long.Min((piece + 1) * PieceSize, image.Length);
        for (long at = piece * PieceSize; at < end; at += Limits.SectorSize)
        {
            Span<byte> sector = image.Slice(at, Limits.SectorSize);
            if (_oldBytes == 0) sector.Clear();
            else Garble(sector, unchecked(_oldBytes + (ulong)at) | 1);
        }
    }

    private static void Garble(Span<byte> sector, ulong pattern)
    {
        Span<ulong> words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(sector);
        for (int i = 0; i < words.Length; i++) words[i] = unchecked(pattern * ((ulong)i * 2 + 0x9E37_79B9_7F4A_7C15));
    }

    private void CheckRange(long offset, NativeBuffer buffer)
    {
        Check.That(offset % Limits.SectorSize == 0);
        Check.That(buffer.Length > 0 && buffer.Length % Limits.SectorSize == 0);
        Check.That(offset >= 0 && offset + buffer.Length <= image.Length);
    }

    private static ulong Low(UInt128 checksum) => unchecked((ulong)checksum);

    /// <param name="written">The bytes of a write; null for a read.</param>
    private readonly struct Operation(uint token, long offset, NativeBuffer buffer, byte[]? written, ulong due)
    {
        public uint Token { get; } = token;
        public long Offset { get; } = offset;
        public NativeBuffer Buffer { get; } = buffer;
        public byte[]? Written { get; } = written;
        public ulong Due { get; } = due;
    }
}
