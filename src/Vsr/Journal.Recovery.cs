using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Opening: read both rings, decide over every slot by the table, put right what can be, check the
/// chain.</summary>
internal sealed partial class Journal<TDisk>
{
    private enum RecoveryStep : byte
    {
        None,
        Headers,

        /// <summary>The ring of headers could not be read as one: it is read sector by sector, to lose no more than
        /// must be.</summary>
        HeaderSectors,
        Prepares,
        RepairTorn,
        RepairHeaders,
        Done,
    }

    private struct Reader
    {
        public NativeBuffer Buffer;
        public int Slot;

        /// <summary>The first sector told the size; the rest is on its way.</summary>
        public bool Whole;
    }

    /// <summary>What lay whole in the ring of prepares at opening; all zero once the slot is written.</summary>
    private readonly Header[] _found;
    private readonly bool[] _torn;
    private readonly bool[] _rewrite;
    private readonly NativeBuffer _headersRing;
    private readonly Reader[] _readers;
    private readonly int _writesMax;
    private readonly Header[] _viewHeaders = new Header[SuperblockCopy.ViewHeadersMax];
    private int _viewHeadersCount;
    private uint _logView;
    private RecoveryStep _step;
    private int _nextSector;
    private int _nextSlot;
    private int _slotsRead;
    private int _repairing;
    private ulong _limit;
    private CheckpointState _checkpoint;
    private ulong _commitMax;
    private ulong _start;

    public bool Recovered => _step == RecoveryStep.Done;
    public StopReason Problem { get; private set; }
    public int ProblemSlot { get; private set; } = -1;
    public ulong ProblemOp { get; private set; }

    /// <summary>The last entry of the log.</summary>
    public ulong Head { get; private set; }

    /// <summary>There may have been acknowledged entries after <see cref="Head"/> that cannot be read: a replica of a
    /// cluster must not speak about its log before another one has told it what it is.</summary>
    public bool HeadUncertain { get; private set; }
    public int TornSlots { get; private set; }
    public int FixedSlots { get; private set; }

    /// <summary>Entries whose headers were damaged, until the log itself proved them.</summary>
    public int SlotsProved { get; private set; }

    /// <param name="superblock">Entries up to its checkpoint are not needed any more; what it knows to be committed was
    /// durable.</param>
    /// <param name="viewHeaders">Of the superblock: how the log of its log view began, the head of then
    /// first.</param>
    /// <param name="limit">No entry can be beyond it.</param>
    public void Recover(in SuperblockCopy superblock, ReadOnlySpan<Header> viewHeaders, ulong limit)
    {
        Check.That(_step == RecoveryStep.None);
        Check.That(superblock.JournalStart <= superblock.Checkpoint.Op);
        Check.That(superblock.Checkpoint.Op <= superblock.CommitMax && superblock.CommitMax <= limit);
        Check.That(!_single || viewHeaders.IsEmpty);
        viewHeaders.CopyTo(_viewHeaders);
        _viewHeadersCount = viewHeaders.Length;
        _logView = superblock.LogView;
        _start = superblock.JournalStart;
        _checkpoint = superblock.Checkpoint;
        _commitMax = superblock.CommitMax;
        _limit = limit;
        _step = RecoveryStep.Headers;
        _disk.Read(Token.Of(TokenKind.JournalRecoveryHeaders, 0), _layout.JournalHeadersOffset, _headersRing);
    }

    public void OnRecoveryHeaders(IoResult result)
    {
        Check.That(_step is RecoveryStep.Headers or RecoveryStep.HeaderSectors);
        if (_step == RecoveryStep.Headers && result != IoResult.Ok)
        {
            _step = RecoveryStep.HeaderSectors;
            _nextSector = 0;
            ReadHeaderSector();
            return;
        }
        if (_step == RecoveryStep.HeaderSectors)
        {
            if (result != IoResult.Ok) HeaderSector(_nextSector).Span.Clear();
            if (++_nextSector < _layout.JournalHeaderSectors)
            {
                ReadHeaderSector();
                return;
            }
        }
        TakeHeadersRing();
        _step = RecoveryStep.Prepares;
        for (int i = 0; i < _readers.Length; i++) ReadNextSlot(i);
    }

    private NativeBuffer HeaderSector(int sector) =>
        _headersRing.Part(sector * Limits.SectorSize, Limits.SectorSize);

    private void ReadHeaderSector() => _disk.Read(
        Token.Of(TokenKind.JournalRecoveryHeaders, 0), _layout.HeaderSectorOffset(_nextSector),
        HeaderSector(_nextSector));

    private void TakeHeadersRing()
    {
        for (int slot = 0; slot < _headers.Length; slot++)
        {
            _redundant[slot] = Header.Read(_headersRing.Slice((long)slot * Limits.HeaderSize, Limits.HeaderSize));
            if (Examine(in _redundant[slot], slot) == SlotContent.Bad) _redundant[slot] = default;
        }
    }

    public void OnRecoveryPrepare(int reader, IoResult result)
    {
        Check.That(_step == RecoveryStep.Prepares);
        ref Reader at = ref _readers[reader];
        Header header = Header.Read(at.Buffer.Slice(0, Limits.HeaderSize));
        SlotContent content = result == IoResult.Ok ? Examine(in header, at.Slot) : SlotContent.Bad;
        if (content != SlotContent.Bad && !at.Whole && header.Size > Limits.SectorSize)
        {
            at.Whole = true;
            int padded = DataFileLayout.SectorCeiling((int)header.Size);
            _disk.Read(
                Token.Of(TokenKind.JournalRecoveryPrepare, reader), _layout.PrepareOffset(at.Slot),
                at.Buffer.Part(0, padded));
            return;
        }
        if (content != SlotContent.Bad)
        {
            int padded = DataFileLayout.SectorCeiling((int)header.Size);
            if (!JournalSlot.ValidBody(in header, at.Buffer.Slice(0, padded))) content = SlotContent.Bad;
        }
        _found[at.Slot] = content == SlotContent.Bad ? default : header;
        _slotsRead++;
        ReadNextSlot(reader);
        if (_slotsRead == _headers.Length) Decide();
    }

    public void OnRepairCompletion(IoResult result)
    {
        Check.That(_step is RecoveryStep.RepairTorn or RecoveryStep.RepairHeaders);
        if (result != IoResult.Ok)
        {
            WriteFailed = true;
            return;
        }
        _repairing++;
        if (_step == RecoveryStep.RepairTorn) RepairTorn();
        else RepairHeaders();
    }

    private SlotContent Examine(in Header header, int slot) =>
        JournalSlot.Examine(in header, _cluster, slot, _headers.Length, _layout.MessageSizeMax);

    private void ReadNextSlot(int reader)
    {
        ref Reader at = ref _readers[reader];
        at.Whole = false;
        at.Slot = -1;
        if (_nextSlot == _headers.Length) return;
        at.Slot = _nextSlot++;
        _disk.Read(
            Token.Of(TokenKind.JournalRecoveryPrepare, reader), _layout.PrepareOffset(at.Slot),
            at.Buffer.Part(0, Limits.SectorSize));
    }

    private void Decide()
    {
        bool any = false;
        Head = _start;
        for (int slot = 0; slot < _found.Length; slot++)
        {
            // A journal that begins behind a checkpoint has no entry at first; every other has its root at least.
            any |= _start > 0 && _found[slot].Size != 0;
            if (_found[slot].Command != Command.Prepare) continue;
            any = true;
            ref readonly Header found = ref _found[slot];
            if (found.Prepare.Op <= _limit && found.Prepare.Op > Head && Belongs(in found)) Head = found.Prepare.Op;
        }
        if (_single) DecideAlone(any);
        else DecideAmongMany();
        if (Problem != StopReason.None) return;
        _step = RecoveryStep.RepairTorn;
        _repairing = 0;
        RepairTorn();
    }

    private void DecideAlone(bool any)
    {
        if (!any)
        {
            Stop(StopReason.JournalEmpty, -1, 0);
            return;
        }
        for (int slot = 0; slot < _found.Length && Problem == StopReason.None; slot++) DecideSlotAlone(slot);
        if (Problem == StopReason.None) CheckChain();
    }

    private void DecideSlotAlone(int slot)
    {
        switch (JournalRecovery.Decide(Facts(slot)).One)
        {
            case SlotDecision.Empty:
            case SlotDecision.Keep:
                _headers[slot] = _found[slot];
                break;
            case SlotDecision.Fix:
                Fix(slot);
                break;
            case SlotDecision.AbortUnlessTorn when IsTorn(slot):
                Cut(slot);
                break;
            default:
                _faulty[slot] = true;
                Stop(StopReason.JournalSlotUnreadable, slot, ExpectedOp(slot));
                break;
        }
    }

    /// <summary>The prepare is right, its header is to be written again.</summary>
    private void Fix(int slot)
    {
        _headers[slot] = _found[slot];
        _redundant[slot] = _found[slot];
        _rewrite[slot / DataFileLayout.HeadersPerSector] = true;
        FixedSlots++;
    }

    /// <summary>What is in the slot never was a part of the log.</summary>
    private void Cut(int slot)
    {
        _headers[slot] = Header.ReservedSlot(_cluster, slot);
        _redundant[slot] = _headers[slot];
        _torn[slot] = true;
        _rewrite[slot / DataFileLayout.HeadersPerSector] = true;
        TornSlots++;
    }

    /// <summary>Writes are in sequence and a header is written after its prepare, so an unreadable prepare just
    /// beyond the head whose header is still of an earlier turn was never acknowledged.</summary>
    private bool IsTorn(int slot)
    {
        ulong op = Head + 1;
        if (_layout.SlotOf(op) != slot) return false;
        return _redundant[slot].Command == Command.Reserved || _redundant[slot].Prepare.Op < op;
    }

    private ulong ExpectedOp(int slot)
    {
        if (_redundant[slot].Command == Command.Prepare) return _redundant[slot].Prepare.Op;
        ulong first = _checkpoint.Op;
        ulong slots = (ulong)_headers.Length;
        return first + ((ulong)slot + slots - first % slots) % slots;
    }

    private SlotFacts Facts(int slot)
    {
        ref readonly Header header = ref _redundant[slot];
        ref readonly Header prepare = ref _found[slot];
        SlotFacts facts = SlotFacts.None;
        bool headerOk = header.Size != 0;
        bool prepareOk = prepare.Size != 0;
        if (headerOk) facts |= SlotFacts.HeaderOk;
        if (headerOk && header.Command == Command.Reserved) facts |= SlotFacts.HeaderReserved;
        if (prepareOk) facts |= SlotFacts.PrepareOk;
        if (prepareOk && prepare.Command == Command.Reserved) facts |= SlotFacts.PrepareReserved;
        if (prepareOk && prepare.Prepare.Op == Head) facts |= SlotFacts.PrepareIsHead;
        if (prepareOk && prepare.Prepare.Op > _limit) facts |= SlotFacts.PrepareAboveLimit;
        if (headerOk && header.Prepare.Op > _limit) facts |= SlotFacts.HeaderAboveLimit;
        if (header.Checksum == prepare.Checksum) facts |= SlotFacts.ChecksumsEqual;
        if (header.Prepare.Op == prepare.Prepare.Op) facts |= SlotFacts.OpsEqual;
        if (header.Prepare.Op < prepare.Prepare.Op) facts |= SlotFacts.HeaderOlder;
        if (header.View == prepare.View) facts |= SlotFacts.ViewsEqual;
        return facts;
    }

    /// <summary>From the checkpoint to the head every entry must be there and name its predecessor.</summary>
    private void CheckChain()
    {
        if (Head < _commitMax)
        {
            Stop(StopReason.JournalTooShort, _layout.SlotOf(_commitMax), _commitMax);
            return;
        }
        UInt128 parent = _checkpoint.Prepare.Checksum;
        for (ulong op = _checkpoint.Op + 1; op <= Head; op++)
        {
            int slot = _layout.SlotOf(op);
            ref readonly Header header = ref _headers[slot];
            if (header.Command != Command.Prepare || header.Prepare.Op != op || header.Prepare.Parent != parent)
            {
                Stop(StopReason.JournalBroken, slot, op);
                return;
            }
            parent = header.Checksum;
        }
    }

    /// <summary>Torn prepares are overwritten before any sector of headers: torn too, that would leave a slot with
    /// nothing to tell that it was never acknowledged.</summary>
    private void RepairTorn()
    {
        while (_repairing < _torn.Length && !_torn[_repairing]) _repairing++;
        if (_repairing == _torn.Length)
        {
            _step = RecoveryStep.RepairHeaders;
            _repairing = 0;
            RepairHeaders();
            return;
        }
        NativeBuffer sector = _writes[0].Sector;
        sector.Span.Clear();
        _headers[_repairing].WriteTo(sector.Span);
        _disk.Write(Token.Of(TokenKind.JournalRepair, _repairing), _layout.PrepareOffset(_repairing), sector);
    }

    private void RepairHeaders()
    {
        while (_repairing < _rewrite.Length && !_rewrite[_repairing]) _repairing++;
        if (_repairing == _rewrite.Length)
        {
            _step = RecoveryStep.Done;
            return;
        }
        WriteHeaderSector(Token.Of(TokenKind.JournalRepair, _repairing), _repairing, _writes[0].Sector);
    }

    private void Stop(StopReason reason, int slot, ulong op)
    {
        Check.That(reason != StopReason.None);
        Problem = reason;
        ProblemSlot = slot;
        ProblemOp = op;
    }
}
