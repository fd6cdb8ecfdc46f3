using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Fuzz;

/// <summary>Opens damaged data files. The input: which moment of a history the file is from, then damage of
/// <see cref="DamageSize"/> bytes each: kind, slot, other slot, offset u16, byte. A replica must open with a state
/// that the history had, or stop with a reason; what opened once must open again with the same state.</summary>
internal sealed class JournalTarget
{
    private const int DamageSize = 6;
    private const int Operations = 90;

    private enum Damage : byte
    {
        FlipHeader,
        FlipPrepare,
        ZeroHeader,
        ZeroPrepare,
        ZeroHeaderSector,
        CopyHeader,
        CopyPrepare,
        OldHeaderSector,
        OldPrepare,
        TornPrepare,
        FlipSuperblock,
        FlipReply,
        FlipArea,
        Count,
    }

    private static readonly DataFileLayout Layout = new(MemoryReplica.Small);
    private readonly List<byte[]> _files = [];
    private readonly List<UInt128> _states = [];

    public JournalTarget()
    {
        byte[] file = MemoryReplica.Format();
        _files.Add((byte[])file.Clone());
        using MemoryReplica replica = new(file);
        replica.Open();
        _states.Add(replica.Machine.Hash);
        ulong session = 0;
        replica.Call(Operation.Register, [], ref session);
        byte[] body = new byte[6000];
        for (int op = 0; op < Operations; op++)
        {
            body.AsSpan().Fill((byte)op);
            replica.Call(Operation.Write, body.AsSpan(0, op * 997 % body.Length), ref session);
            _states.Add(replica.Machine.Hash);
            _files.Add((byte[])file.Clone());
        }
    }

    public static byte[] Generate(TapeStream tape)
    {
        byte[] input = new byte[1 + DamageSize * tape.Below(4)];
        input[0] = (byte)tape.Below(Operations + 1);
        for (int at = 1; at < input.Length; at += DamageSize)
        {
            tape.Bytes(input.AsSpan(at, DamageSize));
            input[at] = (byte)tape.Below((int)Damage.Count);
        }
        return input;
    }

    public void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        if (input.IsEmpty) return;
        int moment = input[0] % _files.Count;
        byte[] file = (byte[])_files[moment].Clone();
        byte[] older = _files[moment * 3 / 4];
        bool damaged = input.Length > DamageSize;
        for (input = input[1..]; input.Length >= DamageSize; input = input[DamageSize..]) Apply(input, file, older);
        bool opened = TryOpen(file, out UInt128 state);
        tally.Count(opened);
        Check.That(opened || damaged, "an undamaged file does not open");
        if (!opened) return;
        Check.That(TryOpen(file, out UInt128 again), "what opened once does not open again");
        Check.That(again == state, "opening twice gives two states");
        Check.That(damaged || state == _states[moment], "an undamaged file opens with another state");
    }

    private bool TryOpen(byte[] file, out UInt128 state)
    {
        using MemoryReplica replica = new(file);
        replica.Open();
        state = replica.Machine.Hash;
        ReplicaStatus status = replica.Replica.Status;
        if (status == ReplicaStatus.Stopped)
        {
            Check.That(replica.Replica.StopReason != StopReason.None);
            Check.That(!replica.Replica.StopText().EndsWith("unknown", StringComparison.Ordinal));
            return false;
        }
        Check.That(status == ReplicaStatus.Normal, "opening does not end");
        ulong count = replica.Machine.Count;
        Check.That(count < (ulong)_states.Count && _states[(int)count] == state, "a state that never was");
        return true;
    }

    private static void Apply(ReadOnlySpan<byte> damage, byte[] file, byte[] older)
    {
        int slot = damage[1] % Layout.JournalSlots;
        int other = damage[2] % Layout.JournalSlots;
        int offset = BinaryPrimitives.ReadUInt16LittleEndian(damage[3..]);
        byte flip = damage[5];
        Span<byte> header = Header(file, slot);
        Span<byte> prepare = Prepare(file, slot);
        int sector = (int)Layout.HeaderSectorOffset(slot / DataFileLayout.HeadersPerSector);
        int torn = offset % 2 * Limits.SectorSize;
        switch ((Damage)(damage[0] % (int)Damage.Count))
        {
            case Damage.FlipHeader: header[offset % header.Length] ^= flip; break;
            case Damage.FlipPrepare: prepare[offset % prepare.Length] ^= flip; break;
            case Damage.ZeroHeader: header.Clear(); break;
            case Damage.ZeroPrepare: prepare.Clear(); break;
            case Damage.ZeroHeaderSector: file.AsSpan(sector, Limits.SectorSize).Clear(); break;
            case Damage.CopyHeader: Header(file, other).CopyTo(header); break;
            case Damage.CopyPrepare: Prepare(file, other).CopyTo(prepare); break;
            case Damage.OldHeaderSector:
                older.AsSpan(sector, Limits.SectorSize).CopyTo(file.AsSpan(sector));
                break;
            case Damage.OldPrepare: Prepare(older, slot).CopyTo(prepare); break;
            case Damage.TornPrepare:
                Prepare(older, slot).Slice(torn, Limits.SectorSize).CopyTo(prepare[torn..]);
                break;
            case Damage.FlipSuperblock:
                int copy = (int)DataFileLayout.SuperblockOffset(slot % Limits.SuperblockCopies);
                file[copy + offset % SuperblockCopy.Size] ^= flip;
                break;
            case Damage.FlipReply: file[Layout.RepliesOffset + offset % Layout.MessageSizeMax] ^= flip; break;
            default: file[Layout.GridOffset + offset % (8L * Layout.BlockSize)] ^= flip; break;
        }
    }

    private static Span<byte> Header(byte[] file, int slot) =>
        file.AsSpan((int)Layout.JournalHeadersOffset + slot * Limits.HeaderSize, Limits.HeaderSize);

    private static Span<byte> Prepare(byte[] file, int slot) =>
        file.AsSpan((int)Layout.PrepareOffset(slot), Layout.MessageSizeMax);
}
