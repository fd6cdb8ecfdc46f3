using System;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Packs;

/// <summary>The packs that are known to be in the object store, or on their way to it, and which of their blocks is the
/// one at each address of the grid.</summary>
internal sealed class PackTable
{
    private readonly Slot[] _slots;
    private readonly NativeBuffer _marks;
    private readonly NativeBuffer _packs;
    private readonly NativeBuffer _entries;
    private readonly NativeBuffer _sizes;

    public PackTable(StaticMemory memory, long blocks, int packsMax)
    {
        _slots = new Slot[packsMax];
        _marks = memory.Take(blocks * sizeof(ulong));
        _packs = memory.Take(blocks * sizeof(int));
        _entries = memory.Take(blocks * sizeof(ushort));
        _sizes = memory.Take(blocks * sizeof(int));
    }

    /// <summary>Slots from here on are all free.</summary>
    public int SlotsUsed { get; private set; }

    public ref Slot this[int slot] => ref _slots[slot];

    public void Clear()
    {
        _slots.AsSpan().Clear();
        _marks.As<ulong>().Clear();
        SlotsUsed = 0;
    }

    /// <summary>-1 if there is no room.</summary>
    public int Add(in PackIdentity pack)
    {
        for (int slot = 0; slot < _slots.Length; slot++)
        {
            if (_slots[slot].InUse) continue;
            _slots[slot] = new Slot { InUse = true, Identity = pack };
            if (slot >= SlotsUsed) SlotsUsed = slot + 1;
            return slot;
        }
        return -1;
    }

    public void Place(long address, ulong mark, int slot, int entry, uint size)
    {
        Check.That(mark != 0 && _slots[slot].InUse && entry is >= 0 and < PackFile.EntriesMax);
        int at = (int)(address - 1);
        _marks.As<ulong>()[at] = mark;
        _packs.As<int>()[at] = slot;
        _entries.As<ushort>()[at] = (ushort)entry;
        _sizes.As<int>()[at] = (int)size;
    }

    /// <summary>Whether the block of this mark is in a pack that stays.</summary>
    public bool Has(long address, ulong mark) => IsPlaced(address, mark) && !_slots[PackOf(address)].Rewrite;

    /// <summary>Whether the block of this mark is in a pack.</summary>
    public bool IsPlaced(long address, ulong mark) => _marks.As<ulong>()[(int)(address - 1)] == mark;

    public int PackOf(long address) => _packs.As<int>()[(int)(address - 1)];

    public int EntryOf(long address) => _entries.As<ushort>()[(int)(address - 1)];

    public int SizeOf(long address) => _sizes.As<int>()[(int)(address - 1)];

    /// <summary>Counts the live blocks of every pack; false if one is in none.</summary>
    public bool TryCount(LiveBlocks live, out long bytes)
    {
        bytes = 0;
        bool all = true;
        for (int slot = 0; slot < SlotsUsed; slot++) _slots[slot].Live = 0;
        for (long address = 1; address <= live.Blocks; address++)
        {
            ulong mark = live.Mark(address);
            if (mark == 0) continue;
            if (!IsPlaced(address, mark))
            {
                all = false;
                continue;
            }
            _slots[PackOf(address)].Live++;
            bytes += SizeOf(address);
        }
        return all;
    }

    /// <summary>Forgets blocks that are not live, and packs without live blocks, which may be removed then.</summary>
    public void Forget(LiveBlocks live)
    {
        Span<ulong> marks = _marks.As<ulong>();
        for (long address = 1; address <= live.Blocks; address++)
            if (marks[(int)(address - 1)] != live.Mark(address)) marks[(int)(address - 1)] = 0;
        for (int slot = 0; slot < SlotsUsed; slot++)
            if (_slots[slot].Live == 0) _slots[slot] = default;
        while (SlotsUsed > 0 && !_slots[SlotsUsed - 1].InUse) SlotsUsed--;
    }

    /// <summary>Chooses the packs whose live blocks go into new ones: those that are mostly dead, and the small ones
    /// once there are many.</summary>
    public void ChooseRewrites(int smallSize, int smallMax)
    {
        int small = 0;
        for (int slot = 0; slot < SlotsUsed; slot++)
        {
            ref Slot each = ref _slots[slot];
            each.Rewrite = each.InUse && each.Live * 4L < each.Identity.Entries;
            if (IsSmall(in each, smallSize) && !each.Rewrite) small++;
        }
        for (int slot = 0; slot < SlotsUsed && small > smallMax; slot++)
        {
            ref Slot each = ref _slots[slot];
            each.Rewrite |= IsSmall(in each, smallSize);
        }
    }

    /// <summary>A pack that is still being filled has no entries here yet.</summary>
    private static bool IsSmall(in Slot slot, int smallSize) =>
        slot.InUse && slot.Identity.Entries > 0 && slot.Identity.IndexOffset < smallSize;

    internal struct Slot
    {
        public bool InUse;

        /// <summary>Its live blocks are to go into new packs.</summary>
        public bool Rewrite;

        /// <summary>Blocks that the last counted checkpoint needs.</summary>
        public int Live;

        /// <summary>Where its bits are in the manifest being made.</summary>
        public int BitsAt;
        public PackIdentity Identity;
    }
}
