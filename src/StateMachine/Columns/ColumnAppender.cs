using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Columns;

/// <summary>Appends values of one column (or vectors of one vector column) in the ascending order of document numbers:
/// begin, append, end. The chunk that is still open is kept apart in fixed buffers and written once; the last
/// chunk of the window is taken up when there is something to append.</summary>
public sealed class ColumnAppender
{
    private enum Layout
    {
        Fixed,
        Variable,
        Vectors,
    }

    private readonly NativeBuffer _bytes;
    private readonly NativeBuffer _chunk;
    private readonly byte[] _presence = new byte[ChunkLayout.PresenceSizeMax];
    private readonly int[] _ends = new int[ChunkLayout.RowsMax];
    private readonly float[] _inverseNorms = new float[ChunkLayout.RowsMax];
    private Tree? _tree;
    private Layout _layout;
    private ulong _namespace;
    private ushort _attribute;
    private int _width;
    private bool _cosine;
    private uint _first;
    private int _rows;
    private int _present;
    private int _used;
    private bool _changed;
    private bool _loaded;

    /// <param name="memory">Where the buffers are from.</param>
    /// <param name="rowSizeMax">Size of the largest single value.</param>
    public ColumnAppender(StaticMemory memory, int rowSizeMax)
    {
        int size = Math32.Max(ChunkLayout.SizeMax, rowSizeMax);
        _bytes = memory.Take(size + 4 * ChunkLayout.RowsMax);
        _chunk = memory.Take(size + 16 * ChunkLayout.RowsMax);
    }

    /// <param name="columns">The tree of columns.</param>
    /// <param name="namespaceNumber">The namespace.</param>
    /// <param name="attribute">The attribute, or its token counts.</param>
    /// <param name="width">Bytes of a row; 0 if rows differ.</param>
    public void BeginColumn(Tree columns, ulong namespaceNumber, ushort attribute, int width)
    {
        Check.That(width is >= 0 and <= 16);
        Begin(columns, namespaceNumber, attribute, width == 0 ? Layout.Variable : Layout.Fixed, width, cosine: false);
    }

    public void BeginVectors(Tree vectors, ulong namespaceNumber, ushort attribute, int rowSize, bool cosine) =>
        Begin(vectors, namespaceNumber, attribute, Layout.Vectors, rowSize, cosine);

    /// <summary>Appends the value of a document above all documents of the column.</summary>
    public void Append(uint document, ReadOnlySpan<byte> row, float inverseNorm = 0)
    {
        Check.That(_layout == Layout.Variable || row.Length == _width);
        if (!_loaded) Load(document);
        Check.That(_rows == 0 || document >= _first + (uint)_rows);
        if (_rows > 0 && !Fits(document, row.Length)) Flush();
        if (_rows == 0) _first = document;
        int index = (int)(document - _first);
        if (_layout == Layout.Fixed) _bytes.Slice(_used, (index - _rows) * _width).Clear();
        if (_layout == Layout.Fixed) _used += (index - _rows) * _width;
        if (_layout == Layout.Variable) _ends.AsSpan(_rows, index - _rows).Fill(_used);
        row.CopyTo(_bytes.Slice(_used, row.Length));
        _used += row.Length;
        if (_layout == Layout.Variable) _ends[index] = _used;
        if (_layout == Layout.Vectors) _inverseNorms[_present] = inverseNorm;
        ChunkLayout.Set(_presence, index);
        _rows = index + 1;
        _present++;
        _changed = true;
    }

    public void End()
    {
        Flush();
        _tree = null;
    }

    private void Begin(Tree tree, ulong namespaceNumber, ushort attribute, Layout layout, int width, bool cosine)
    {
        Check.That(_tree is null);
        Check.That(namespaceNumber > 0);
        _tree = tree;
        _layout = layout;
        _namespace = namespaceNumber;
        _attribute = attribute;
        _width = width;
        _cosine = cosine;
        Clear();
        _loaded = false;
    }

    private void Clear()
    {
        _presence.AsSpan().Clear();
        _rows = 0;
        _present = 0;
        _used = 0;
        _changed = false;
    }

    /// <summary>Takes up the last chunk of the document's window, if there is one.</summary>
    private void Load(uint document)
    {
        _loaded = true;
        Keys key = new(stackalloc byte[Keys.ChunkSize]);
        key.Namespace(_namespace).Attribute(_attribute).Chunk(document);
        if (!_tree!.TryFloor(key.Key, Keys.WindowSize, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> chunk))
            return;
        _first = Keys.FirstOf(found);
        _rows = ChunkLayout.Rows(chunk);
        int offset = ChunkLayout.PayloadOffset(_rows);
        if (chunk.Length > _bytes.Length) Check.Unreachable("a chunk larger than the largest value");
        chunk[4..offset].CopyTo(_presence);
        _present = 0;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(chunk[4..offset]))
            _present += BitOperations.PopCount(word);
        ReadOnlySpan<byte> payload = chunk[offset..];
        if (_layout == Layout.Variable)
        {
            MemoryMarshal.Cast<byte, int>(payload[..(4 * _rows)]).CopyTo(_ends);
            payload = payload[(4 * _rows)..];
        }
        if (_layout == Layout.Vectors)
        {
            MemoryMarshal.Cast<byte, float>(payload[(_present * _width)..]).CopyTo(_inverseNorms);
            payload = payload[..(_present * _width)];
        }
        payload.CopyTo(_bytes.Span);
        _used = payload.Length;
    }

    private bool Fits(uint document, int size)
    {
        if (document / Limits.WindowDocuments != _first / Limits.WindowDocuments) return false;
        uint rows = document - _first + 1;
        if (rows > ChunkLayout.RowsMax) return false;
        int count = (int)rows;
        int payload = _layout switch
        {
            Layout.Fixed => count * _width,
            Layout.Variable => 4 * count + _used + size,
            _ => _used + size + (_cosine ? 4 * (_present + 1) : 0),
        };
        return ChunkLayout.PayloadOffset(count) + payload <= ChunkLayout.SizeMax;
    }

    private void Flush()
    {
        if (_changed) Write();
        Clear();
    }

    private void Write()
    {
        Check.That(_rows > 0);
        int offset = ChunkLayout.PayloadOffset(_rows);
        int size = offset;
        Span<byte> chunk = _chunk.Span;
        BinaryPrimitives.WriteUInt32LittleEndian(chunk, (uint)_rows);
        _presence.AsSpan(0, offset - 4).CopyTo(chunk[4..]);
        if (_layout == Layout.Variable) size += Copy(MemoryMarshal.AsBytes(_ends.AsSpan(0, _rows)), chunk[size..]);
        size += Copy(_bytes.Slice(0, _used), chunk[size..]);
        if (_cosine) size += Copy(MemoryMarshal.AsBytes(_inverseNorms.AsSpan(0, _present)), chunk[size..]);
        Keys key = new(stackalloc byte[Keys.ChunkSize]);
        key.Namespace(_namespace).Attribute(_attribute).Chunk(_first);
        _tree!.Put(key.Key, chunk[..size]);
    }

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> to)
    {
        from.CopyTo(to);
        return from.Length;
    }
}
