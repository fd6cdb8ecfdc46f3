using System;
using System.Runtime.InteropServices;
using Deterministic.Core.Wire;
using Deterministic.Storage.Levels;

namespace Deterministic.Storage.Tables;

internal enum TableState : byte
{
    Free = 0,

    /// <summary>Part of its level.</summary>
    Live = 1,

    /// <summary>Made by a compaction that has not ended.</summary>
    Output = 2,
}

/// <summary>One table as a checkpoint lists it; unused slots are zero.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct TableRecord
{
    public const int Size = 64;

    [FieldOffset(0)] public UInt128 IndexChecksum;
    [FieldOffset(16)] public ulong IndexAddress;

    /// <summary>Which run of its level: of two runs the one with the greater number is newer.</summary>
    [FieldOffset(24)] public ulong Run;
    [FieldOffset(32)] public ulong Entries;

    /// <summary>Bytes of keys and values.</summary>
    [FieldOffset(40)] public ulong DataSize;

    /// <summary>Blocks beside the index.</summary>
    [FieldOffset(48)] public uint Blocks;
    [FieldOffset(52)] public byte Level;
    [FieldOffset(53)] public TableState State;
    [FieldOffset(54)] public ushort Reserved0;
    [FieldOffset(56)] public ulong Reserved1;

    /// <summary>Whether a record of untrusted bytes can be one, whatever its index says.</summary>
    /// <param name="blocks">Blocks of the grid.</param>
    /// <param name="nextRun">Number that no run has had yet.</param>
    public readonly bool IsValid(long blocks, ulong nextRun)
    {
        if (Reserved0 != 0 || Reserved1 != 0) return false;
        if (State == TableState.Free)
            return Index.Is(default) && Run == 0 && Entries == 0 && DataSize == 0 && Blocks == 0 && Level == 0;
        if (State > TableState.Output || Level >= LevelSet.LevelsMax) return false;
        if (IndexAddress == 0 || IndexAddress > (ulong)blocks) return false;
        return Level == 0 ? Run > 0 && Run < nextRun : Run == 0;
    }

    /// <summary>Whether a valid index can be that of this table. What a block's size bounds are the parts of keys that
    /// are not shared, and the values.</summary>
    public readonly bool Fits(TableIndex index, int bodySizeMax)
    {
        if (Blocks != (uint)index.Blocks || Entries != (ulong)index.CountEntries()) return false;
        ulong sizeMax = (ulong)Blocks * (ulong)bodySizeMax + Entries * (Tree.KeySizeMax + 1);
        return DataSize >= Entries && DataSize <= sizeMax;
    }

    public readonly BlockReference Index => new(IndexAddress, IndexChecksum);
}
