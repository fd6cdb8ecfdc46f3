using System;
using System.Runtime.InteropServices;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

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

    public readonly BlockReference Index => new(IndexAddress, IndexChecksum);
}
