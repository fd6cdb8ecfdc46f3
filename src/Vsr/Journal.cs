using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>The write-ahead log on disk: a ring of whole prepares and a ring of their headers. A write puts down the
/// prepare, then, when that is durable, the sector of headers that it is in; only then is the entry written. A single
/// replica has one write in flight, for it must not have a hole in its log after a crash; others can mend
/// holes.</summary>
internal sealed partial class Journal<TDisk> where TDisk : IDisk
{
    private enum WriteStep : byte
    {
        Free,
        Prepare,

        /// <summary>The prepare is durable; its sector of headers is being written with older content.</summary>
        Waiting,
        Header,
    }

    private struct Write
    {
        public Message? Prepare;
        public WriteStep Step;

        /// <summary>The write whose sector of headers holds this one's header too.</summary>
        public int Leader;
        public NativeBuffer Sector;
    }

    private struct Read
    {
        public Message? Into;
        public Header Expected;
        public byte Destination;
        public bool Done;
    }

    private readonly DataFileLayout _layout;
    private readonly UInt128 _cluster;

    /// <summary>What the log has, whether durable or not.</summary>
    private readonly Header[] _headers;

    /// <summary>What the ring of headers says or is about to say; all zero where it is unreadable. Of a damaged slot
    /// it stays as it was found, so that a restart decides over it as before.</summary>
    private readonly Header[] _redundant;

    /// <summary>Not durable (yet): never acknowledged.</summary>
    private readonly bool[] _dirty;

    /// <summary>Unreadable, though it may once have been acknowledged.</summary>
    private readonly bool[] _faulty;
    private readonly Write[] _writes;
    private readonly Read[] _reads;
    private readonly bool[] _sectorBusy;
    private readonly bool _single;
    private TDisk _disk;

    public Journal(
        StaticMemory memory, TDisk disk, DataFileLayout layout, UInt128 cluster, Configuration configuration,
        bool single)
    {
        int readsMax = configuration.JournalReadsMax;
        Check.That(readsMax > 0);
        _disk = disk;
        _layout = layout;
        _cluster = cluster;
        _single = single;
        _headers = new Header[layout.JournalSlots];
        _redundant = new Header[layout.JournalSlots];
        _dirty = new bool[layout.JournalSlots];
        _faulty = new bool[layout.JournalSlots];
        _writesMax = configuration.JournalWritesMax;
        _writes = new Write[_single ? 1 : _writesMax];
        for (int i = 0; i < _writes.Length; i++) _writes[i].Sector = memory.Take(Limits.SectorSize, Limits.SectorSize);
        _reads = new Read[readsMax];
        _sectorBusy = new bool[layout.JournalHeaderSectors];
        _found = new Header[layout.JournalSlots];
        _torn = new bool[layout.JournalSlots];
        _rewrite = new bool[layout.JournalHeaderSectors];
        _headersRing = memory.Take(layout.JournalHeadersSize, Limits.SectorSize);
        _readers = new Reader[readsMax];
        for (int i = 0; i < readsMax; i++)
        {
            _readers[i].Buffer = memory.Take(layout.MessageSizeMax, Limits.SectorSize);
            _readers[i].Slot = -1;
        }
    }

    public bool WriteFailed { get; private set; }

    /// <summary>Prepares whose writes have not ended.</summary>
    public int Writing { get; private set; }

    /// <summary>Whether a write of this op may start: one is free, and nothing is under way in its slot.</summary>
    public bool CanWrite(ulong op) =>
        Writing < _writes.Length && !IsWriting(op) && !IsReading(op) && !IsCleaning(op);

    /// <summary>The header of <paramref name="op"/> if the journal has that entry durably.</summary>
    public bool TryHeader(ulong op, out Header header)
    {
        int slot = _layout.SlotOf(op);
        return TryKnown(op, out header) && !_dirty[slot] && !_faulty[slot];
    }

    /// <summary>The header of <paramref name="op"/> if it is known, whether the entry is durable or not.</summary>
    public bool TryKnown(ulong op, out Header header)
    {
        header = _headers[_layout.SlotOf(op)];
        return header.Command == Command.Prepare && header.Prepare.Op == op;
    }

    /// <summary>Whether the slot of <paramref name="op"/> holds damage that may once have been that entry.</summary>
    public bool IsFaulty(ulong op) => _faulty[_layout.SlotOf(op)];

    /// <summary>Whether a write in the slot of <paramref name="op"/> has not ended.</summary>
    public bool IsWriting(ulong op)
    {
        int slot = _layout.SlotOf(op);
        for (int i = 0; i < _writes.Length; i++)
            if (_writes[i].Prepare is Message prepare && _layout.SlotOf(prepare.Header.Prepare.Op) == slot) return true;
        return false;
    }

    private bool IsReading(ulong op)
    {
        int slot = _layout.SlotOf(op);
        for (int i = 0; i < _reads.Length; i++)
            if (_reads[i].Into is not null && _layout.SlotOf(_reads[i].Expected.Prepare.Op) == slot) return true;
        return false;
    }

    /// <summary>The log has this entry, though it is not here yet. What the slot held before is no part of the log any
    /// more, or never was.</summary>
    public void Accept(in Header header)
    {
        Check.That(header.Command == Command.Prepare && header.Cluster == _cluster);
        int slot = _layout.SlotOf(header.Prepare.Op);
        if (_headers[slot].Checksum == header.Checksum) return;
        // A slot that is damaged stays so until the right entry is written: it may be the very one.
        _headers[slot] = header;
        _mayProve |= _faulty[slot] && _found[slot].Checksum == header.Checksum;
        _dirty[slot] = true;
    }

    /// <summary>The header of an entry of this checksum that lay whole in the ring of prepares when the replica opened,
    /// and of which the ring of headers did not tell that it is in the log.</summary>
    public bool TryFound(ulong op, UInt128 checksum, out Header header)
    {
        header = _found[_layout.SlotOf(op)];
        return IsFaulty(op) && header.Command == Command.Prepare && header.Prepare.Op == op &&
            header.Checksum == checksum;
    }

    /// <summary>Forgets all entries after <paramref name="op"/>: the log of the view ends there. What is on disk of
    /// them is told apart after a crash by the headers in the superblock.</summary>
    public void RemoveAfter(ulong op)
    {
        Check.That(!_single);
        for (int slot = 0; slot < _headers.Length; slot++)
        {
            if (_headers[slot].Command != Command.Prepare || _headers[slot].Prepare.Op <= op) continue;
            _headers[slot] = Header.ReservedSlot(_cluster, slot);
            _dirty[slot] = false;
            _faulty[slot] = false;
        }
    }

    /// <summary>Starts to write an entry; the journal keeps its own reference. It is written once
    /// <see cref="TryHeader"/> gives its header.</summary>
    public void WritePrepare(Message prepare)
    {
        Check.That(prepare.Header.Command == Command.Prepare);
        ulong op = prepare.Header.Prepare.Op;
        Check.That(CanWrite(op));
        int slot = _layout.SlotOf(op);
        Check.That(_headers[slot].Command == Command.Reserved || _headers[slot].Prepare.Op <= op);
        Accept(in prepare.Header);
        _found[slot] = default;
        int index = 0;
        while (_writes[index].Step != WriteStep.Free) index++;
        _writes[index].Prepare = prepare.Reference();
        _writes[index].Step = WriteStep.Prepare;
        Writing++;
        _dirty[slot] = true;
        int padded = DataFileLayout.SectorCeiling((int)prepare.Header.Size);
        Span<byte> tail = prepare.Buffer.Slice(prepare.Bytes.Length, padded - prepare.Bytes.Length);
        Check.That(!tail.ContainsAnyExcept((byte)0));
        _disk.Write(
            Token.Of(TokenKind.JournalWrite, index), _layout.PrepareOffset(slot), prepare.Buffer.Part(0, padded));
    }

    public void OnWriteCompletion(int index, IoResult result)
    {
        ref Write write = ref _writes[index];
        if (result != IoResult.Ok)
        {
            WriteFailed = true;
            return;
        }
        if (write.Step == WriteStep.Prepare)
        {
            OnPrepareWritten(index);
            return;
        }
        Check.That(write.Step == WriteStep.Header && write.Leader == index);
        int sector = SectorOf(in write);
        _sectorBusy[sector] = false;
        for (int i = 0; i < _writes.Length; i++)
            if (_writes[i].Step == WriteStep.Header && _writes[i].Leader == index) Finish(ref _writes[i]);
        StartWaiting(sector);
    }

    /// <summary>A sector of headers has been written: it is the turn of those that waited for it.</summary>
    private void StartWaiting(int sector)
    {
        for (int i = 0; i < _writes.Length; i++)
        {
            if (_writes[i].Step != WriteStep.Waiting || SectorOf(in _writes[i]) != sector) continue;
            StartHeaders(i, sector);
            return;
        }
        StartCleanHeader();
    }

    private void OnPrepareWritten(int index)
    {
        ref Write write = ref _writes[index];
        Header header = write.Prepare!.Header;
        int slot = _layout.SlotOf(header.Prepare.Op);
        if (_headers[slot].Checksum != header.Checksum)
        {
            // The view has changed meanwhile and the log has another entry here, or none.
            Release(ref write);
            return;
        }
        _redundant[slot] = header;
        int sector = SectorOf(in write);
        write.Step = WriteStep.Waiting;
        if (!_sectorBusy[sector]) StartHeaders(index, sector);
    }

    /// <summary>Writes a sector of headers for all whose prepares are durable by now.</summary>
    private void StartHeaders(int leader, int sector)
    {
        Check.That(!_sectorBusy[sector]);
        _sectorBusy[sector] = true;
        for (int i = 0; i < _writes.Length; i++)
        {
            if (_writes[i].Step != WriteStep.Waiting || SectorOf(in _writes[i]) != sector) continue;
            _writes[i].Step = WriteStep.Header;
            _writes[i].Leader = leader;
        }
        WriteHeaderSector(Token.Of(TokenKind.JournalWrite, leader), sector, _writes[leader].Sector);
    }

    private int SectorOf(in Write write) =>
        _layout.SlotOf(write.Prepare!.Header.Prepare.Op) / DataFileLayout.HeadersPerSector;

    private void Finish(ref Write write)
    {
        int slot = _layout.SlotOf(write.Prepare!.Header.Prepare.Op);
        if (_headers[slot].Checksum == write.Prepare.Header.Checksum)
        {
            _dirty[slot] = false;
            _faulty[slot] = false;
        }
        Release(ref write);
    }

    private void Release(ref Write write)
    {
        write.Prepare!.Release();
        write.Prepare = null;
        write.Step = WriteStep.Free;
        Writing--;
    }

    /// <summary>A read is free; the first is kept for what the replica itself has to run.</summary>
    public bool CanRead(bool own)
    {
        for (int i = own ? 0 : 1; i < _reads.Length; i++)
            if (_reads[i].Into is null) return true;
        return false;
    }

    /// <summary>Starts to read an entry that the journal has into <paramref name="into"/>; see <see
    /// cref="TryTakeRead"/>.</summary>
    /// <param name="op">Of an entry that is durable here.</param>
    /// <param name="into">Passes to whoever takes the read.</param>
    /// <param name="destination">Who asked: a replica, or <see cref="OwnRead"/>.</param>
    public void ReadPrepare(ulong op, Message into, byte destination)
    {
        Check.That(CanRead(destination == OwnRead));
        Check.That(TryHeader(op, out Header header));
        int index = destination == OwnRead ? 0 : 1;
        while (_reads[index].Into is not null) index++;
        _reads[index] = new Read { Into = into, Expected = header, Destination = destination };
        int slot = _layout.SlotOf(op);
        int padded = DataFileLayout.SectorCeiling((int)header.Size);
        _disk.Read(Token.Of(TokenKind.JournalRead, index), _layout.PrepareOffset(slot), into.Buffer.Part(0, padded));
    }

    /// <summary>The replica reads for itself.</summary>
    public const byte OwnRead = byte.MaxValue;

    public void OnReadCompletion(int index, IoResult result)
    {
        ref Read read = ref _reads[index];
        Check.That(read.Into is not null && !read.Done);
        if (result != IoResult.Ok) read.Into.Buffer.Slice(0, Limits.HeaderSize).Clear();
        read.Done = true;
    }

    /// <summary>True once a read has ended; <paramref name="sound"/> false if the bytes are not the entry any more,
    /// which is then faulty, if there is anybody to get it from, unless the slot has got another one
    /// meanwhile.</summary>
    public bool TryTakeRead(out Message message, out Header expected, out byte destination, out bool sound)
    {
        for (int i = 0; i < _reads.Length; i++)
        {
            ref Read read = ref _reads[i];
            if (read.Into is null || !read.Done) continue;
            message = read.Into;
            expected = read.Expected;
            destination = read.Destination;
            read = default;
            int padded = DataFileLayout.SectorCeiling((int)expected.Size);
            sound = message.Header.Checksum == expected.Checksum && message.Header.ValidChecksum() &&
                JournalSlot.ValidBody(in expected, message.Buffer.Slice(0, padded));
            // A single replica has nobody to get it from. Read again for the next one who asks, it may be there.
            if (!sound && !_single) MarkFaulty(in expected);
            return true;
        }
        message = null!;
        expected = default;
        destination = 0;
        sound = false;
        return false;
    }

    private void MarkFaulty(in Header expected)
    {
        int slot = _layout.SlotOf(expected.Prepare.Op);
        if (_headers[slot].Checksum != expected.Checksum || IsWriting(expected.Prepare.Op)) return;
        _faulty[slot] = true;
        _dirty[slot] = true;
        _found[slot] = default;
    }

    /// <summary>Writes one sector of the headers ring: the neighbours' headers come from memory.</summary>
    private void WriteHeaderSector(uint token, int sector, NativeBuffer buffer)
    {
        int first = sector * DataFileLayout.HeadersPerSector;
        for (int i = 0; i < DataFileLayout.HeadersPerSector; i++)
            _redundant[first + i].WriteTo(buffer.Slice((long)i * Limits.HeaderSize, Limits.HeaderSize));
        _disk.Write(token, _layout.HeaderSectorOffset(sector), buffer);
    }
}
