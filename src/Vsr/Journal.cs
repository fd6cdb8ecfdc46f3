using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>The write-ahead log on disk: a ring of whole prepares and a ring of their headers. A write puts down the
/// prepare, then, when that is durable, the sector of headers that it is in; only then is the entry written. One
/// write at a time: a single replica must not have a hole in its log after a crash.</summary>
internal sealed partial class Journal<TDisk> where TDisk : IDisk
{
    private readonly DataFileLayout _layout;
    private readonly UInt128 _cluster;
    private readonly Header[] _headers;

    /// <summary>Not durable (yet): never acknowledged.</summary>
    private readonly bool[] _dirty;

    /// <summary>Unreadable, though it may once have been acknowledged.</summary>
    private readonly bool[] _faulty;
    private readonly NativeBuffer _headerSector;
    private TDisk _disk;
    private Message? _writing;
    private bool _writingHeader;
    private Message? _reading;
    private ulong _readingOp;
    private bool _readDone;

    public Journal(StaticMemory memory, TDisk disk, DataFileLayout layout, UInt128 cluster, int readsMax)
    {
        Check.That(readsMax > 0);
        _disk = disk;
        _layout = layout;
        _cluster = cluster;
        _headers = new Header[layout.JournalSlots];
        _dirty = new bool[layout.JournalSlots];
        _faulty = new bool[layout.JournalSlots];
        _headerSector = memory.Take(Limits.SectorSize, Limits.SectorSize);
        _redundant = new Header[layout.JournalSlots];
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
    public bool Writing => _writing is not null;

    /// <summary>The header of <paramref name="op"/> if the journal has that entry durably.</summary>
    public bool TryHeader(ulong op, out Header header)
    {
        int slot = _layout.SlotOf(op);
        header = _headers[slot];
        return header.Command == Command.Prepare && header.Prepare.Op == op && !_dirty[slot] && !_faulty[slot];
    }

    /// <summary>Starts to write; the journal keeps its own reference. <see cref="Writing"/> falls when it is
    /// durable.</summary>
    public void Write(Message prepare)
    {
        Check.That(!Writing);
        Check.That(prepare.Header.Command == Command.Prepare);
        Check.That(prepare.Header.Cluster == _cluster);
        int slot = _layout.SlotOf(prepare.Header.Prepare.Op);
        Check.That(_headers[slot].Command == Command.Reserved ||
            _headers[slot].Prepare.Op < prepare.Header.Prepare.Op);
        _writing = prepare.Reference();
        _writingHeader = false;
        _dirty[slot] = true;
        int padded = DataFileLayout.SectorCeiling((int)prepare.Header.Size);
        Span<byte> tail = prepare.Buffer.Slice(prepare.Bytes.Length, padded - prepare.Bytes.Length);
        Check.That(!tail.ContainsAnyExcept((byte)0));
        _disk.Write(
            Token.Of(TokenKind.JournalWrite, slot), _layout.PrepareOffset(slot), prepare.Buffer.Part(0, padded));
    }

    public void OnWriteCompletion(IoResult result)
    {
        Message prepare = _writing!;
        int slot = _layout.SlotOf(prepare.Header.Prepare.Op);
        if (result != IoResult.Ok)
        {
            WriteFailed = true;
            return;
        }
        if (!_writingHeader)
        {
            _writingHeader = true;
            _headers[slot] = prepare.Header;
            WriteHeaderSector(TokenKind.JournalWrite, slot / DataFileLayout.HeadersPerSector);
            return;
        }
        _dirty[slot] = false;
        _faulty[slot] = false;
        _writing = null;
        prepare.Release();
    }

    /// <summary>Starts to read an entry that the journal has into <paramref name="into"/>; see <see
    /// cref="TryTakeRead"/>.</summary>
    public void Read(ulong op, Message into)
    {
        Check.That(_reading is null);
        Check.That(TryHeader(op, out Header header));
        _reading = into;
        _readingOp = op;
        _readDone = false;
        int slot = _layout.SlotOf(op);
        int padded = DataFileLayout.SectorCeiling((int)header.Size);
        _disk.Read(Token.Of(TokenKind.JournalRead, slot), _layout.PrepareOffset(slot), into.Buffer.Part(0, padded));
    }

    public void OnReadCompletion(IoResult result)
    {
        Check.That(_reading is not null && !_readDone);
        if (result != IoResult.Ok) _reading.Buffer.Slice(0, Limits.HeaderSize).Clear();
        _readDone = true;
    }

    /// <summary>True once the read has ended; <paramref name="sound"/> false if the bytes are not the entry any
    /// more.</summary>
    public bool TryTakeRead(out bool sound)
    {
        sound = false;
        if (_reading is null || !_readDone) return false;
        Message message = _reading;
        _reading = null;
        int slot = _layout.SlotOf(_readingOp);
        Header expected = _headers[slot];
        int padded = DataFileLayout.SectorCeiling((int)expected.Size);
        sound = message.Header.Checksum == expected.Checksum && message.Header.ValidChecksum() &&
            JournalSlot.ValidBody(in expected, message.Buffer.Slice(0, padded));
        if (!sound) _faulty[slot] = true;
        return true;
    }

    /// <summary>Writes one sector of the headers ring: the neighbours' headers come from memory.</summary>
    private void WriteHeaderSector(TokenKind kind, int sector)
    {
        int first = sector * DataFileLayout.HeadersPerSector;
        for (int i = 0; i < DataFileLayout.HeadersPerSector; i++)
        {
            _headers[first + i].WriteTo(_headerSector.Slice((long)i * Limits.HeaderSize, Limits.HeaderSize));
        }
        _disk.Write(Token.Of(kind, sector), _layout.HeaderSectorOffset(sector), _headerSector);
    }
}
