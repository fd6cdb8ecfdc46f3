using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Damaged slots that hold nothing of the log are emptied, one at a time, so that a restart has nothing to
/// doubt. As with every write the prepare comes before its header. And where an entry of the log lies whole in its slot
/// and its header alone was lost, the header is written again: nobody else is needed for it.</summary>
internal sealed partial class Journal<TDisk>
{
    private enum CleanStep : byte
    {
        Free,
        Prepare,

        /// <summary>The sector of headers is being written for others.</summary>
        Waiting,
        Header,
    }

    private CleanStep _cleanStep;
    private int _cleanSlot;

    /// <summary>There may be a slot for <see cref="TryProve"/>.</summary>
    private bool _mayProve;

    /// <summary>Recovery needs the buffer of the headers no more.</summary>
    private NativeBuffer CleanSector => _headersRing.Part(0, Limits.SectorSize);

    /// <summary>The first damaged slot from <paramref name="from"/> on, around the ring; -1: there is none.</summary>
    public int NextFaulty(int from)
    {
        Check.That(from >= 0 && from < _faulty.Length);
        int next = _faulty.AsSpan(from).IndexOf(true);
        return next >= 0 ? from + next : _faulty.AsSpan(0, from).IndexOf(true);
    }

    public bool CanClean(ulong op) => _cleanStep == CleanStep.Free && Recovered && !IsWriting(op) && !IsReading(op);

    /// <summary>Starts to empty the slot of <paramref name="op"/>, which is damaged and of no use to the
    /// log.</summary>
    public void Clean(ulong op)
    {
        Check.That(!_single && CanClean(op) && IsFaulty(op));
        _cleanSlot = _layout.SlotOf(op);
        _cleanStep = CleanStep.Prepare;
        _headers[_cleanSlot] = Header.ReservedSlot(_cluster, _cleanSlot);
        _found[_cleanSlot] = default;
        _dirty[_cleanSlot] = false;
        NativeBuffer sector = CleanSector;
        sector.Span.Clear();
        _headers[_cleanSlot].WriteTo(sector.Span);
        _disk.Write(Token.Of(TokenKind.JournalClean, 0), _layout.PrepareOffset(_cleanSlot), sector);
    }

    /// <summary>Starts to write the header of an entry that was found whole and that the log turned out to have. Until
    /// that is durable the slot counts as damaged, for a restart might not know.</summary>
    public bool TryProve()
    {
        if (!_mayProve || _cleanStep != CleanStep.Free || !Recovered) return false;
        for (int slot = 0; slot < _faulty.Length; slot++)
        {
            bool whole = _faulty[slot] && _found[slot].Checksum == _headers[slot].Checksum;
            if (!whole || _found[slot].Command != Command.Prepare) continue;
            SlotsProved++;
            _cleanSlot = slot;
            _cleanStep = CleanStep.Waiting;
            _redundant[slot] = _found[slot];
            StartCleanHeader();
            return true;
        }
        _mayProve = false;
        return false;
    }

    private bool IsCleaning(ulong op) => _cleanStep != CleanStep.Free && _layout.SlotOf(op) == _cleanSlot;

    public void OnCleanCompletion(IoResult result)
    {
        Check.That(_cleanStep is CleanStep.Prepare or CleanStep.Header);
        if (result != IoResult.Ok)
        {
            WriteFailed = true;
            return;
        }
        int sector = _cleanSlot / DataFileLayout.HeadersPerSector;
        if (_cleanStep == CleanStep.Prepare)
        {
            _redundant[_cleanSlot] = Header.ReservedSlot(_cluster, _cleanSlot);
            _cleanStep = CleanStep.Waiting;
            StartCleanHeader();
            return;
        }
        _cleanStep = CleanStep.Free;
        bool proved = _redundant[_cleanSlot].Command == Command.Prepare;
        if (!proved) _faulty[_cleanSlot] = false;
        else if (_redundant[_cleanSlot].Checksum == _headers[_cleanSlot].Checksum)
        {
            _faulty[_cleanSlot] = false;
            _dirty[_cleanSlot] = false;
        }
        _sectorBusy[sector] = false;
        StartWaiting(sector);
    }

    private void StartCleanHeader()
    {
        int sector = _cleanSlot / DataFileLayout.HeadersPerSector;
        if (_cleanStep != CleanStep.Waiting || _sectorBusy[sector]) return;
        _sectorBusy[sector] = true;
        _cleanStep = CleanStep.Header;
        WriteHeaderSector(Token.Of(TokenKind.JournalClean, 0), sector, CleanSector);
    }
}
