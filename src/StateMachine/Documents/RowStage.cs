using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;


namespace Deterministic.StateMachine.Documents;

/// <summary>What a staged row asks for.</summary>
public enum StagedKind : byte
{
    Upsert,

    /// <summary>A row of changes; null values clear.</summary>
    Patch,
    Delete,
}

/// <summary>A row of a request after validation, or a patched document on its way into the trees.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct StagedRow
{
    [FieldOffset(0)] public int Offset;
    [FieldOffset(4)] public int Size;

    /// <summary>Where the walk over the attributes of the row stands.</summary>
    [FieldOffset(8)] public int Cursor;

    /// <summary>0 until the row has become a document.</summary>
    [FieldOffset(12)] public uint NewDocument;
    [FieldOffset(16)] public StagedKind Kind;

    /// <summary>1 once the row has had its effect, so that its id is among the affected.</summary>
    [FieldOffset(17)] public byte Applied;
    [FieldOffset(18)] public ushort Reserved1;
    [FieldOffset(20)] public int VectorBytes;

    /// <summary>Per vector column the offset of the stored form, plus 1; 0 if the row has none.</summary>
    [FieldOffset(24)] public VectorOffsets Vectors;
    [FieldOffset(56)] public ulong Reserved2;
}

[System.Runtime.CompilerServices.InlineArray(Limits.VectorColumnsMax)]
public struct VectorOffsets
{
    private int _first;
}

/// <summary>Rows of one request in the form in which they are stored, in fixed memory.</summary>
public sealed class RowStage
{
    private readonly NativeBuffer _bytes;
    private readonly NativeBuffer _rows;
    private readonly int _rowsMax;
    private readonly ushort[] _vectorNumbers = new ushort[Limits.VectorColumnsMax];
    private readonly int[] _vectorSizes = new int[Limits.VectorColumnsMax];
    private int _vectorColumns;

    public RowStage(StaticMemory memory, int rowsMax, int bytesMax)
    {
        Check.That(rowsMax > 0 && bytesMax > 0);
        _rowsMax = rowsMax;
        _rows = memory.Take((long)rowsMax * Marshal.SizeOf<StagedRow>());
        _bytes = memory.Take(bytesMax);
    }

    public int Count { get; private set; }
    public int BytesUsed { get; private set; }
    public ref StagedRow this[int index] => ref _rows.As<StagedRow>()[index];

    /// <summary>Room for what is to be written next; <see cref="Take"/> keeps what was written.</summary>
    public Span<byte> Free => _bytes.Span[BytesUsed..];

    public void Clear()
    {
        Count = 0;
        BytesUsed = 0;
        _vectorColumns = 0;
    }

    public int Take(int size)
    {
        Check.That(size >= 0 && size <= _bytes.Length - BytesUsed);
        int offset = BytesUsed;
        BytesUsed += size;
        return offset;
    }

    public bool HasRoom(int size) => Count < _rowsMax && size <= _bytes.Length - BytesUsed;

    public bool HasRoomForBytes(int size) => size <= _bytes.Length - BytesUsed;

    public ref StagedRow Add(StagedKind kind)
    {
        Check.That(Count < _rowsMax);
        ref StagedRow row = ref this[Count++];
        row = default;
        row.Kind = kind;
        return ref row;
    }

    public ReadOnlySpan<byte> Bytes(in StagedRow row) => _bytes.Slice(row.Offset, row.Size);

    public Span<byte> Slice(int offset, int size) => _bytes.Slice(offset, size);

    /// <summary>Index of a vector column among those of the namespace; -1 if nothing was staged in it.</summary>
    public int VectorColumn(ushort number) => _vectorNumbers.AsSpan(0, _vectorColumns).IndexOf(number);

    /// <summary>As <see cref="VectorColumn"/>, and takes the column up if it is new.</summary>
    public int AddVectorColumn(ushort number, int rowSize)
    {
        int column = VectorColumn(number);
        if (column >= 0) return column;
        Check.That(_vectorColumns < Limits.VectorColumnsMax);
        _vectorNumbers[_vectorColumns] = number;
        _vectorSizes[_vectorColumns] = rowSize;
        return _vectorColumns++;
    }

    public void SetVector(ref StagedRow row, int column, int offset)
    {
        Check.That(row.Vectors[column] == 0);
        row.Vectors[column] = offset + 1;
        row.VectorBytes += _vectorSizes[column];
    }

    public ReadOnlySpan<byte> Vector(in StagedRow row, int column)
    {
        int offset = row.Vectors[column] - 1;
        return offset < 0 ? default : _bytes.Slice(offset, _vectorSizes[column]);
    }

    /// <summary>Finds an attribute of a row. Each row is asked for ascending numbers, some twice in a row, so the walk
    /// over it goes on where it stood.</summary>
    public bool TryFind(ref StagedRow row, ushort number, out EncodedValue value)
    {
        ReadOnlySpan<byte> bytes = Bytes(row);
        if (row.Cursor == 0) row.Cursor = row.Size - new DocumentRow(bytes).AttributeBytes.Length;
        value = default;
        while (row.Cursor < row.Size)
        {
            ushort at = BinaryPrimitives.ReadUInt16LittleEndian(bytes[row.Cursor..]);
            if (at > number) return false;
            WireReader reader = new(bytes[(row.Cursor + 2)..]);
            EncodedValue found = EncodedValue.Read(ref reader);
            if (at == number)
            {
                value = found;
                return true;
            }
            row.Cursor += 2 + reader.Position;
        }
        return false;
    }
}
