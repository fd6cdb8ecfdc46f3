using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What is looked after slowly beside all else: damaged slots of the journal, and the replies on disk. A
/// replica whose file was made anew has nothing but damaged slots and no reply at all; it must not wait until the ring
/// has come round before it can be relied on as any other.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private const int ReplyScrubTicks = 50;

    private Timeout _replyScrubTimeout = new(ReplyScrubTicks);
    private int _cleanFrom;
    private int _replyScrubbed;

    private void TickCleaning()
    {
        if (Status != ReplicaStatus.Normal || !ViewIsDurable) return;
        CleanJournal();
        if (_replyScrubTimeout.Fires()) ScrubReply();
    }

    /// <summary>Damage beyond the head may hide an entry that this replica has acknowledged. Once the log of the view
    /// is known here as far as it had got when it was told, and durable with its view, that entry is in it, or was
    /// given up.</summary>
    private bool KnowsWhereLogEnds => _anchorOp == 0 &&
        (_superblock.ViewHeaders.IsEmpty || Op >= _superblock.ViewHeaders[0].Prepare.Op);

    private void CleanJournal()
    {
        int slot = _journal.NextFaulty(_cleanFrom);
        if (slot < 0 || !KnowsWhereLogEnds) return;
        _cleanFrom = (slot + 1) % _configuration.JournalSlots;
        ulong slots = (ulong)_configuration.JournalSlots;
        ulong next = Op + 1 + ((ulong)slot + slots - (Op + 1) % slots) % slots;
        Check.That(_layout.SlotOf(next) == slot && next > Op);
        ulong held = next > slots ? next - slots : 0;
        if (held > CheckpointOp)
        {
            // What is not run yet is repaired in its turn.
            if (held <= CommitMin && !_journal.IsWriting(held) && !IsAskedFor(held)) GetPrepare(held);
        }
        else if (_journal.CanClean(next))
        {
            _options.Marks.Hit(Mark.JournalSlotCleaned);
            _journal.Clean(next);
        }
    }

    /// <summary>An entry that was run, and that a restart would need, had rotted in the journal.</summary>
    private void RestoreEntry(Message message)
    {
        ulong op = message.Header.Prepare.Op;
        if (op <= CheckpointOp || !_journal.IsFaulty(op) || !_journal.CanWrite(op)) return;
        ClearTail(message);
        OnRepaired(op);
        _journal.WritePrepare(message);
    }

    /// <summary>Reads the next session's last reply; one that is damaged or missing is asked for.</summary>
    private void ScrubReply()
    {
        if (_isSingle || !IsStateOpen || !_replies.CanRead) return;
        for (int tries = 0; tries < _sessions.Capacity; tries++)
        {
            _replyScrubbed = (_replyScrubbed + 1) % _sessions.Capacity;
            ref readonly ClientSession session = ref _sessions.At(_replyScrubbed);
            bool stored = !session.Free && session.Reply.Size > Limits.HeaderSize;
            if (!stored || _replies.IsInMemory(_replyScrubbed)) continue;
            if (_messages.TryTake() is not Message message) return;
            _replyAsker = Scrubber;
            _replyWanted = session.Reply.Checksum;
            _replies.Read(_replyScrubbed, session.Reply.Size, message);
            return;
        }
    }
}
