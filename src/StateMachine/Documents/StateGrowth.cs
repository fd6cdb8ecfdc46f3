using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Namespaces;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Documents;

/// <summary>An upper bound of the bytes that new rows, attributes and indexes add to <see cref="Forest.SizeBytes"/>: as
/// if every value began a chunk of its own and every token were a new term.</summary>
public struct StateGrowth
{
    /// <summary>Entry, key, count and the presence bits of as many rows as a chunk may have.</summary>
    private const long ChunkSize = Forest.EntryOverheadSize + Keys.ChunkSize + 4 + ChunkLayout.PresenceSizeMax;

    /// <summary>The widest fixed-width value; strings and arrays take an offset of 4 bytes per row instead.</summary>
    private const long SlotSize = 16;

    /// <summary>Id entry, row entry without the row, and the id in its column.</summary>
    private const long RowSize = Forest.EntryOverheadSize + 8 + Limits.IdSizeMax + 4 +
        Forest.EntryOverheadSize + 12 + ChunkSize + SlotSize + Limits.IdSizeMax;

    /// <summary>In the attribute's column and in that of its token counts.</summary>
    private const long ValueSize = 2 * (ChunkSize + SlotSize);
    private const long VectorSize = ChunkSize + 4;

    /// <summary>Its bits, and the page that marks it.</summary>
    private const long WindowSize = 2 * (Forest.EntryOverheadSize + 12) + Limits.WindowDocuments / 8 +
        LiveWindows.PageSizeMax;

    /// <summary>A token with its entry among the terms (key without the term, value) and a block of postings of its own
    /// (key without the term, header, document, frequency, size, position).</summary>
    private const long TokenSize = Forest.EntryOverheadSize + 8 + 2 + 2 + Postings.TermEntry.Size +
        Forest.EntryOverheadSize + 8 + 2 + 2 + 4 + Postings.PostingBlock.HeaderSize + 4 * Postings.Varint.SizeMax;

    /// <summary>Tokens of one byte have a byte between them, so there is at most one for two bytes. Folding makes a
    /// term no more than six times as long as its text, and it stands in two keys.</summary>
    private const long TextByteSize = TokenSize / 2 + 12;

    private long _rows;
    private long _bytes;

    public void AddRow(NamespaceView view, int vectorBytes)
    {
        _rows++;
        _bytes += RowSize + view.Record.VectorColumns * VectorSize + vectorBytes;
    }

    /// <summary>Adds what a row holds; a patched row holds no more than the old one and the patch.</summary>
    public void AddValues(NamespaceView view, DocumentRow row)
    {
        _bytes += 2L * row.Bytes.Length + row.AttributeCount * ValueSize;
        DocumentRow.Enumerator attributes = row.Attributes;
        while (attributes.MoveNext())
        {
            ref AttributeRecord attribute = ref view.Attribute(attributes.Number);
            if ((attribute.Flags & AttributeFlags.FullText) != 0) AddText(attributes.Value);
            if (attribute.Type == AttributeType.SparseF16) AddSparse(attributes.Value);
        }
    }

    /// <summary>Adds entries of the attributes behind the first <paramref name="attributesBefore"/>.</summary>
    public void AddAttributes(NamespaceView view, int attributesBefore)
    {
        for (int slot = attributesBefore + 1; slot <= view.AttributeCount; slot++)
            _bytes += Forest.EntryOverheadSize + 8 + view.AttributeName(slot).Length + 48;
    }

    /// <summary>The records of the namespace, and the counter of namespaces.</summary>
    public void AddNamespace() => _bytes += 2 * (Forest.EntryOverheadSize + Limits.NamespaceNameSizeMax + 80);

    /// <summary>Entries whose keys, values and overheads are known.</summary>
    public void AddEntries(long size) => _bytes += size;

    /// <summary>An API key and the counter of them.</summary>
    public void AddKey(int keySize, int valueSize) =>
        _bytes += 2 * Forest.EntryOverheadSize + keySize + valueSize + Limits.KeyIdSizeMax;

    /// <summary>Adds a column that is built anew from all live rows.</summary>
    public void AddColumn(NamespaceView view)
    {
        long rows = (long)view.Record.Rows;
        long covered = ChunkLayout.RowsMax * rows;
        if (covered > view.Record.NextDocument) covered = view.Record.NextDocument;
        _bytes += (long)view.Record.LogicalBytes + rows * ChunkSize + covered * SlotSize;
    }

    public void AddText(scoped in EncodedValue text)
    {
        long size = text.Payload.Length + 2;
        _bytes += size * TextByteSize;
    }

    /// <summary>Each dimension may be a new term. Null, of a patch, needs nothing.</summary>
    private void AddSparse(scoped in EncodedValue value)
    {
        if (value.IsNull) return;
        long nameBytes = 0;
        SparseVector vector = new(value.Payload);
        while (vector.MoveNext()) nameBytes += vector.Name.Length;
        AddTerms(vector.Count, nameBytes, tokens: 0);
    }

    /// <summary>Adds what analysed text needs: its different terms, and bytes of their names and positions.</summary>
    public void AddTerms(long terms, long termBytes, long tokens) =>
        _bytes += terms * TokenSize + 4 * termBytes + tokens * Postings.Varint.SizeMax;

    /// <summary>All together. New documents have neighbouring numbers, so a column grows by them and, in its last
    /// chunk, by the absent rows before them.</summary>
    public readonly long Total(NamespaceView view)
    {
        if (_rows == 0) return _bytes;
        long columns = 1;
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            AttributeRecord attribute = view.Attribute(slot);
            if ((attribute.Flags & AttributeFlags.Filterable) != 0) columns++;
            if ((attribute.Flags & AttributeFlags.FullText) != 0) columns++;
            if (AttributeTypes.IsVector(attribute.Type)) columns++;
        }
        long before = view.Record.NextDocument < ChunkLayout.RowsMax ? view.Record.NextDocument : ChunkLayout.RowsMax;
        long windows = _rows / Limits.WindowDocuments + 2;
        return _bytes + windows * WindowSize + columns * ((before + _rows) * SlotSize + ChunkLayout.PresenceSizeMax);
    }

    /// <summary>False, and the error, if the state may not grow by as much. What adds nothing always fits.</summary>
    public readonly bool TryFit(NamespaceView view, Forest forest, ref ErrorText error)
    {
        long growth = Total(view);
        Check.That(growth >= 0);
        if (growth == 0) return true;
        if (!forest.HasRoom(growth))
        {
            error.Begin(ErrorCode.StateFull).Text("the data file has "u8).Number(forest.Grid.Free.FreeCount)
                .Text(" free blocks, too few for this request before the next checkpoint frees more; try again"u8);
            return false;
        }
        if (forest.SizeBytes <= forest.SizeBytesMax - growth) return true;
        error.Begin(ErrorCode.StateFull).Text("state has "u8).Number(forest.SizeBytes)
            .Text(" bytes and this request may add "u8).Number(growth).Text(", limit is "u8)
            .Number(forest.SizeBytesMax).Text(" (set when the cluster was formatted); deletes still work"u8);
        return false;
    }
}
