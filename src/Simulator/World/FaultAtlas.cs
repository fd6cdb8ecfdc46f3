using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>Where the disks of a cluster may be damaged, drawn once for a run, so that what was committed survives
/// every possible course of it. The invariant: whatever replicas hold an entry of the log, fewer than a replication
/// quorum of all may have its slot damaged, so a good copy remains; and those whose headers may be damaged, or the slot
/// of the newest entry, which leaves a replica in doubt about the end of its own log, are so few that the others can
/// change the view without them. Likewise blocks of one address and replies of one session are damaged on fewer than a
/// replication quorum: a checkpoint before which others have been overwritten is on a whole one. Of the superblock at
/// most two copies of a replica are damaged at a time. A replica that may lose its disk counts as one whose copies may
/// all be damaged, but no others lose their superblock. What a standby has counts for nothing, so all of it may be
/// damaged. A single replica has nobody to ask; what may happen to it is for <see cref="CrashDamage"/> to
/// say.</summary>
internal sealed class FaultAtlas
{
    private readonly DataFileLayout _layout;
    private readonly bool _alone;
    private readonly int _replicas;

    /// <summary>Replicas whose whole journal may be damaged; bit i is replica i.</summary>
    private readonly uint _frail;

    /// <summary>By slot: replicas whose prepare there may be damaged if it is not the newest.</summary>
    private readonly uint[] _slots;

    /// <summary>By address or session, and round again: replicas whose copy may be damaged.</summary>
    private readonly uint[] _copies = new uint[CopiesCount];
    private const int CopiesCount = 32;

    /// <param name="layout">Of the disks.</param>
    /// <param name="replicas">How many there are.</param>
    /// <param name="loser">The replica that may lose its disk; negative if none may.</param>
    /// <param name="tape">What else may be damaged.</param>
    public FaultAtlas(DataFileLayout layout, int replicas, int loser, TapeStream tape)
    {
        _layout = layout;
        _alone = replicas == 1;
        _replicas = replicas;
        _slots = new uint[layout.JournalSlots];
        if (_alone) return;
        Quorums quorums = new(replicas);
        int damagedMax = quorums.Replication - 1;
        int frailMax = int.Min(damagedMax, replicas - quorums.ViewChange);
        _frail = tape.Subset(replicas, int.Min(frailMax, tape.Below(2 * frailMax + 1)));
        for (int slot = 0; slot < _slots.Length; slot++)
        {
            _slots[slot] = _frail;
            while (BitOperations.PopCount(_slots[slot]) < damagedMax && tape.Below(4) != 0)
                _slots[slot] |= 1u << tape.Below(replicas);
            Check.That(BitOperations.PopCount(_slots[slot]) <= damagedMax);
        }
        for (int i = 0; i < CopiesCount; i++) _copies[i] = tape.Subset(replicas, tape.Below(damagedMax + 1));
        if (loser < 0) return;
        uint lost = 1u << loser;
        _frail = Filled(lost, _frail, frailMax);
        for (int slot = 0; slot < _slots.Length; slot++) _slots[slot] = Filled(_frail, _slots[slot], damagedMax);
        for (int i = 0; i < CopiesCount; i++) _copies[i] = Filled(lost, _copies[i], damagedMax);
    }

    /// <summary>A set, and as many others as it has room for.</summary>
    private static uint Filled(uint set, uint others, int max)
    {
        Check.That(BitOperations.PopCount(set) <= max);
        for (others &= ~set; others != 0 && BitOperations.PopCount(set) < max; others &= others - 1)
            set |= others & ~(others - 1);
        return set;
    }

    private bool IsFree(byte replica) => _alone || replica >= _replicas;

    /// <summary>Whether anything may happen to this replica's journal.</summary>
    public bool IsFrail(byte replica) => IsFree(replica) || (_frail >> replica & 1) != 0;

    /// <summary>Whether the prepare in a slot may be damaged, if the log goes on well beyond it.</summary>
    public bool MayDamagePrepare(byte replica, int slot) => IsFree(replica) || (_slots[slot] >> replica & 1) != 0;

    public bool MayDamageBlock(byte replica, ulong address) =>
        IsFree(replica) || (_copies[(int)(address % CopiesCount)] >> replica & 1) != 0;

    public bool MayDamageReply(byte replica, int session) =>
        IsFree(replica) || (_copies[session % CopiesCount] >> replica & 1) != 0;

    /// <summary>Whether these bytes may be unreadable for once, or garbage because a write of them was cut
    /// short.</summary>
    public bool MayFail(byte replica, long offset, long size)
    {
        if (offset >= _layout.GridOffset)
            return MayDamageBlock(replica, 1 + (ulong)((offset - _layout.GridOffset) / _layout.BlockSize));
        if (offset >= _layout.RepliesOffset)
            return MayDamageReply(replica, (int)((offset - _layout.RepliesOffset) / _layout.MessageSizeMax));
        return offset + size <= _layout.JournalHeadersOffset || IsFrail(replica);
    }
}
