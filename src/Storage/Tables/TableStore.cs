using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tables;

/// <summary>All tables by slot: their records, and their indexes in memory. Slots are taken lowest first, so that a
/// checkpoint lists equal tables in equal places on every replica.</summary>
internal sealed unsafe class TableStore
{
    /// <summary>An index is cut at this size even if a block has more room: every table's index stays in
    /// memory.</summary>
    private const int IndexSizeLimit = 16 << 10;

    private readonly TableRecord[] _records;
    private readonly NativeBuffer _indexes;
    private int _lowestFree;

    public TableStore(StaticMemory memory, int tablesMax, int bodySizeMax)
    {
        Check.That(tablesMax > 0);
        IndexSizeMax = bodySizeMax < IndexSizeLimit ? bodySizeMax : IndexSizeLimit;
        _records = new TableRecord[tablesMax];
        _indexes = memory.Take((long)tablesMax * IndexSizeMax);
    }

    public int IndexSizeMax { get; }

    public int TablesMax => _records.Length;

    /// <summary>Slots from here on are all free.</summary>
    public int SlotsUsed { get; private set; }

    public int Count { get; private set; }

    public ref TableRecord this[int table] => ref _records[table];

    public TableIndex Index(int table)
    {
        Check.That(_records[table].State != TableState.Free);
        return new TableIndex(_indexes.Pointer + (long)table * IndexSizeMax);
    }

    /// <summary>Takes a slot; its index is for the caller to fill in.</summary>
    public int Add(in TableRecord record)
    {
        Check.That(record.State != TableState.Free);
        int table = _lowestFree;
        while (_records[table].State != TableState.Free) table++;
        _lowestFree = table + 1;
        _records[table] = record;
        if (table >= SlotsUsed) SlotsUsed = table + 1;
        Count++;
        return table;
    }

    public Span<byte> IndexBytes(int table) => _indexes.Slice((long)table * IndexSizeMax, IndexSizeMax);

    public void Remove(int table)
    {
        Check.That(_records[table].State != TableState.Free);
        _records[table] = default;
        if (table < _lowestFree) _lowestFree = table;
        while (SlotsUsed > 0 && _records[SlotsUsed - 1].State == TableState.Free) SlotsUsed--;
        Count--;
    }

    /// <summary>Records as a checkpoint holds them.</summary>
    public ReadOnlySpan<byte> Bytes =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(_records.AsSpan(0, SlotsUsed));

    /// <summary>Takes the records of a checkpoint; false if they cannot be such.</summary>
    /// <param name="bytes">The records.</param>
    /// <param name="blocks">Blocks of the grid.</param>
    /// <param name="nextRun">Number that no run has had yet.</param>
    public bool Read(ReadOnlySpan<byte> bytes, long blocks, ulong nextRun)
    {
        if (bytes.Length % TableRecord.Size != 0 || bytes.Length / TableRecord.Size > _records.Length) return false;
        _records.AsSpan().Clear();
        bytes.CopyTo(System.Runtime.InteropServices.MemoryMarshal.AsBytes(_records.AsSpan()));
        SlotsUsed = bytes.Length / TableRecord.Size;
        Count = 0;
        _lowestFree = 0;
        for (int i = 0; i < SlotsUsed; i++)
        {
            if (!_records[i].IsValid(blocks, nextRun)) return false;
            if (_records[i].State != TableState.Free) Count++;
        }
        return SlotsUsed == 0 || _records[SlotsUsed - 1].State != TableState.Free;
    }
}
