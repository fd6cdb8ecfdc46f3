using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Columns;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Query;

/// <summary>Reads one column by document number. It stays at the chunk of the last document, so ascending numbers cost
/// one look into the tree per chunk. Good until the trees change.</summary>
public sealed class ColumnWalk(Tree columns)
{
    /// <summary>Key of a chunk, and a zero byte that puts it just above that chunk.</summary>
    private readonly byte[] _key = new byte[Keys.ChunkSize + 1];
    private readonly CursorSlot _slot = columns.NewCursor();
    private TreeCursor _cursor;
    private ulong _namespace;
    private ushort _column;
    private int _width;
    private uint _first;
    private uint _last;
    private bool _placed;

    public AttributeType Type { get; private set; }

    /// <summary>Bytes of chunks visited since the caller last set it.</summary>
    public long BytesRead { get; set; }

    /// <param name="namespaceNumber">Of the namespace.</param>
    /// <param name="column">Number of an attribute, or of a column of token counts.</param>
    /// <param name="type">Of the attribute.</param>
    /// <param name="width"><see cref="AttributeTypes.ColumnWidth"/> or the width of a token count.</param>
    public void Begin(ulong namespaceNumber, ushort column, AttributeType type, int width)
    {
        _namespace = namespaceNumber;
        _column = column;
        Type = type;
        _width = width;
        _placed = false;
        BytesRead = 0;
    }

    /// <summary>False if the document has no value.</summary>
    public bool TryRead(uint document, out ReadOnlySpan<byte> row)
    {
        row = default;
        if (!_placed || document < _first || document > _last) Place(document);
        if (!_cursor.Valid) return false;
        ReadOnlySpan<byte> value = _cursor.Value;
        ColumnChunk chunk = new(value, _first, _width);
        uint index = document - _first;
        if (index >= (uint)chunk.Count || !chunk.Has((int)index)) return false;
        row = chunk.Row((int)index);
        return true;
    }

    /// <summary>Moves to the chunk of the window with the greatest first document not above
    /// <paramref name="document"/>; the cursor is past the end if there is none. From there up to
    /// <see cref="_last"/> no other chunk has a say.</summary>
    private void Place(uint document)
    {
        Keys key = new(_key);
        key.Namespace(_namespace).Attribute(_column).Chunk(document);
        TreeCursor at = columns.SeekBefore(_slot, _key, Keys.WindowSize);
        TreeCursor next = columns.Seek(_key, Keys.WindowSize);
        uint windowLast = document | (Limits.WindowDocuments - 1);
        _cursor = at;
        _first = _cursor.Valid ? Keys.FirstOf(_cursor.Key) : windowLast - (Limits.WindowDocuments - 1);
        _last = next.Valid ? Keys.FirstOf(next.Key) - 1 : windowLast;
        _placed = true;
        if (_cursor.Valid) BytesRead += _cursor.Value.Length;
        Check.That(_first <= document && document <= _last);
    }

    /// <summary>Writes a column's row as an encoded value.</summary>
    public void Write(ReadOnlySpan<byte> row, ref WireWriter writer)
    {
        if (Type == AttributeType.Bool)
        {
            writer.U8((byte)(row[0] != 0 ? ValueKind.True : ValueKind.False));
            return;
        }
        new EncodedValue(AttributeTypes.Kind(Type), row).Write(ref writer);
    }
}
