using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What a replica of a cluster makes of its journal: what is damaged it will get from others, and what it may
/// once have acknowledged it does not deny.</summary>
internal sealed partial class Journal<TDisk>
{
    private void DecideAmongMany()
    {
        for (int slot = 0; slot < _found.Length; slot++) DecideSlotAmongMany(slot);
        Head = _start;
        foreach (ref readonly Header header in _headers.AsSpan())
            if (header.Command == Command.Prepare && header.Prepare.Op > Head) Head = header.Prepare.Op;
        for (int i = 0; i < _viewHeadersCount; i++) TakeViewHeader(in _viewHeaders[i]);
        HeadUncertain = Head < _commitMax;
        for (int slot = 0; slot < _found.Length; slot++) HeadUncertain |= _faulty[slot] && MayBeAfterHead(slot);
    }

    private void DecideSlotAmongMany(int slot)
    {
        switch (JournalRecovery.Decide(Facts(slot)).Many)
        {
            case SlotDecision.Empty:
                _headers[slot] = _found[slot];
                break;
            case SlotDecision.Keep when Belongs(in _found[slot]):
                _headers[slot] = _found[slot];
                break;
            case SlotDecision.Fix when Belongs(in _found[slot]):
                Fix(slot);
                break;
            case SlotDecision.Keep or SlotDecision.Fix:
                _headers[slot] = Header.ReservedSlot(_cluster, slot);
                break;
            case SlotDecision.Cut:
                Cut(slot);
                break;
            default:
                RepairLater(slot);
                break;
        }
    }

    /// <summary>Whether an entry is of the log that the superblock's log view left: later entries are of that view
    /// itself, and the end of the log that it began with is in the superblock. Older ones are told by the
    /// chain.</summary>
    private bool Belongs(in Header entry)
    {
        if (_viewHeadersCount == 0) return true;
        ulong head = _viewHeaders[0].Prepare.Op;
        if (entry.Prepare.Op > head) return entry.View == _logView;
        ulong depth = head - entry.Prepare.Op;
        return depth >= (ulong)_viewHeadersCount || _viewHeaders[(int)depth].Checksum == entry.Checksum;
    }

    /// <summary>The slot is damaged, or its two halves tell of different entries. A write whose header had not followed
    /// was never acknowledged, nor is what the log has given up of any interest; anything else may have been
    /// acknowledged.</summary>
    private void RepairLater(int slot)
    {
        if (IsTornAmongMany(slot))
        {
            Cut(slot);
            return;
        }
        ref readonly Header found = ref _found[slot];
        ref readonly Header redundant = ref _redundant[slot];
        bool foundCounts = Counts(in found);
        bool redundantCounts = Counts(in redundant);
        bool redundantGivenUp = redundant.Command == Command.Prepare && !redundantCounts;
        if (foundCounts && redundantGivenUp && found.Prepare.Op >= redundant.Prepare.Op)
        {
            Fix(slot);
            return;
        }
        _headers[slot] = Header.ReservedSlot(_cluster, slot);
        if (redundantGivenUp && !foundCounts) return;
        _dirty[slot] = true;
        _faulty[slot] = true;
        if (redundantCounts && (!foundCounts || found.Prepare.Op <= redundant.Prepare.Op)) _headers[slot] = redundant;
    }

    private bool Counts(in Header header) =>
        header.Command == Command.Prepare && header.Prepare.Op <= _limit && Belongs(in header);

    /// <summary>As many writes as may be under way at once can be torn around the head, for they end in any order, each
    /// with a readable header of an earlier turn of the ring, for that is written only after the prepare.</summary>
    private bool IsTornAmongMany(int slot)
    {
        if (_found[slot].Size != 0 || _redundant[slot].Size == 0) return false;
        ulong slots = (ulong)_headers.Length;
        ulong writes = (ulong)_writesMax;
        Check.That(writes < slots / 2);
        ulong op = Head + 1 + ((ulong)slot + slots - (Head + 1) % slots) % slots;
        if (op > slots && op - slots + writes > Head) op -= slots;
        if (op > Head + writes || op > _limit || op <= _start) return false;
        return _redundant[slot].Command == Command.Reserved || _redundant[slot].Prepare.Op < op;
    }

    private void TakeViewHeader(in Header header)
    {
        // The view began with a longer log than this replica could hold.
        if (header.Prepare.Op > _limit) return;
        if (header.Prepare.Op > Head) Head = header.Prepare.Op;
        if (header.Prepare.Op > _checkpoint.Op) Accept(in header);
    }

    /// <summary>Whether what cannot be read in a slot may have been an acknowledged entry after the head. Its header,
    /// written before any acknowledgement, tells if it can be read.</summary>
    private bool MayBeAfterHead(int slot)
    {
        ref readonly Header redundant = ref _redundant[slot];
        ulong told = redundant.Prepare.Op;
        if (redundant.Size != 0) return redundant.Command == Command.Prepare && told > Head && told <= _limit;
        ulong slots = (ulong)_headers.Length;
        ulong next = Head + 1 + ((ulong)slot + slots - (Head + 1) % slots) % slots;
        return next <= _limit;
    }
}
