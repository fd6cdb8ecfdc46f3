using System;
using System.Buffers.Binary;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Compactions;

/// <summary>A merge under way in a checkpoint. Head: running u8, level u8, drops tombstones u8, 0 u8, inputs u32,
/// tables made u32, size of the last key u32, run u64, blocks still reserved u64; then the last key; then for each
/// input the number of its tables u32 and each table u32 with bit 31 if it was passed on; then the tables made u32
/// each. Where the cursors were follows from the last key.</summary>
internal sealed partial class Merge
{
    private const int StateHeadSize = 32;
    private const uint PassedBit = 1u << 31;

    /// <summary>Bytes that <see cref="WriteTo"/> takes at most.</summary>
    public int StateSizeMax => StateHeadSize + Tree.KeySizeMax + 1 + 4 * _inputs.Length + 2 * 4 * _store.TablesMax;

    /// <summary>Writes the state, with no table open, and returns its size.</summary>
    public int WriteTo(Span<byte> bytes)
    {
        bytes[..StateHeadSize].Clear();
        if (!Running) return StateHeadSize;
        bytes[0] = 1;
        bytes[1] = _level;
        bytes[2] = _dropTombstones ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], _inputCount);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], _writer.MadeCount);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], _lastKeySize);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], _run);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[24..], _reserved - _writer.BlocksAcquired);
        int at = StateHeadSize;
        _lastKey.AsSpan(0, _lastKeySize).CopyTo(bytes[at..]);
        at += _lastKeySize;
        for (int i = 0; i < _inputCount; i++)
        {
            at = WriteU32(bytes, at, (uint)_inputs[i].Count);
            foreach (int table in _inputs[i].Tables)
                at = WriteU32(bytes, at, (uint)table | (_passed[table] ? PassedBit : 0));
        }
        foreach (int table in _writer.Made) at = WriteU32(bytes, at, (uint)table);
        return at;
    }

    /// <summary>Takes up a merge where a checkpoint left it; false if the bytes cannot be one. The levels have been
    /// arranged before.</summary>
    public bool Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < StateHeadSize || bytes[0] > 1) return false;
        if (bytes[0] == 0)
            return bytes.Length == StateHeadSize && !bytes.ContainsAnyExcept((byte)0) && CountOutputs() == 0;
        if (bytes[1] >= LevelSet.LevelsMax || bytes[2] > 1 || bytes[3] != 0) return false;
        int inputs = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        int made = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        int keySize = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        long reserved = BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]);
        if (inputs < 1 || inputs > _inputs.Length || keySize < 0 || keySize > _lastKey.Length) return false;
        if (reserved < 0 || !_grid.Free.TryReserve(reserved)) return false;
        Begin(bytes[1], BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]));
        ReadOnlySpan<byte> rest = bytes[StateHeadSize..];
        if (rest.Length < keySize) return false;
        rest[..keySize].CopyTo(_lastKey);
        _lastKeySize = keySize;
        rest = rest[keySize..];
        for (int i = 0; i < inputs; i++) if (!TryReadInput(ref rest)) return false;
        if (rest.Length % 4 != 0 || rest.Length / 4 != made || made > _store.Count) return false;
        _writer.Start(_level, _run);
        for (; !rest.IsEmpty; rest = rest[4..])
        {
            if (!TryReadTable(rest, out int table, out bool passed) || passed) return false;
            _writer.Append(table);
        }
        _dropTombstones = bytes[2] != 0;
        _reserved = reserved;
        Running = IsPossible(_dropTombstones, reserved);
        if (Running) Resumed++;
        return Running;
    }

    private bool TryReadInput(ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 4) return false;
        int count = BinaryPrimitives.ReadInt32LittleEndian(rest);
        rest = rest[4..];
        if (count < 0 || count > rest.Length / 4) return false;
        Run input = AddInput();
        for (; count > 0; count--, rest = rest[4..])
        {
            if (!TryReadTable(rest, out int table, out bool passed) || !input.TryInsert(table)) return false;
            _passed[table] = passed;
        }
        return true;
    }

    private bool TryReadTable(ReadOnlySpan<byte> bytes, out int table, out bool passed)
    {
        uint value = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        passed = (value & PassedBit) != 0;
        table = (int)(value & ~PassedBit);
        return table < _store.SlotsUsed && _store[table].State != TableState.Free;
    }

    private static int WriteU32(Span<byte> bytes, int at, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[at..], value);
        return at + 4;
    }
}
