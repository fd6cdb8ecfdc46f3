using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Postings;
using Deterministic.StateMachine.Text;
using Deterministic.Storage;
using Xunit;

namespace Deterministic.StateMachine.Tests.Support;

/// <summary>Walks every tree and checks that it holds exactly what follows from the live documents' rows: ids, bits,
/// columns, vectors, terms and postings, with the counts that the records keep. Entries of deleted namespaces that
/// wait for their removal are passed over.</summary>
public sealed class StateVerifier : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;
    private readonly Trees _trees;
    private readonly SortedDictionary<ulong, Space> _spaces = [];
    private readonly SortedSet<ulong> _garbage = [];

    private sealed class Space
    {
        public NamespaceRecord Record;
        public SortedDictionary<int, (string Name, AttributeRecord Record)> Attributes { get; } = [];
        public SortedSet<uint> Live { get; } = [];

        /// <summary>Windows that are marked as having live documents.</summary>
        public SortedSet<uint> Marked { get; } = [];
        public SortedDictionary<uint, byte[]> Rows { get; } = [];
        public SortedDictionary<uint, long> VectorBytes { get; } = [];

        /// <summary>By number of the column: value of each document that it has one for, dead ones too.</summary>
        public SortedDictionary<int, SortedDictionary<uint, byte[]>> Columns { get; } = [];
        public SortedDictionary<int, SortedDictionary<uint, byte[]>> Vectors { get; } = [];
    }

    private StateVerifier(StateMachine state)
    {
        _trees = state.Trees;
        _analyzer = new Analyzer(_memory);
        _tokens = new TokenBuffer(_memory, 1 << 20, 6 << 20);
        _memory.Seal();
    }

    public static void Verify(StateMachine state)
    {
        using StateVerifier verifier = new(state);
        verifier.Verify();
    }

    public void Dispose() => _memory.Dispose();

    private void Verify()
    {
        _trees.Forest.Verify();
        ReadNamespaces();
        ReadAttributes();
        ReadDocuments();
        ReadColumns();
        ReadVectors();
        foreach ((ulong number, Space space) in _spaces)
        {
            VerifyIds(number, space);
            foreach ((int slot, (_, AttributeRecord attribute)) in space.Attributes)
                if (!AttributeTypes.IsVector(attribute.Type)) VerifyColumn(space, slot, attribute);
            VerifyRecord(space);
        }
        VerifyText();
    }

    /// <summary>Entries of a tree with their namespaces, those of deleted ones left out.</summary>
    private List<(Space Space, byte[] Key, byte[] Value)> Entries(TreeId tree)
    {
        List<(Space, byte[], byte[])> entries = [];
        TreeCursor cursor = _trees[tree].SeekFirst();
        while (cursor.Valid)
        {
            ulong number = BinaryPrimitives.ReadUInt64BigEndian(cursor.Key);
            if (!_garbage.Contains(number))
                entries.Add((_spaces[number], cursor.Key[8..].ToArray(), cursor.Value.ToArray()));
            cursor.Next();
        }
        return entries;
    }

    /// <summary>Entries of API keys and of their counter.</summary>
    private long ReadKeys()
    {
        ulong keys = 0;
        for (TreeCursor at = _trees.Counters.Seek("key/"u8, 4); at.Valid; at.Next()) keys++;
        bool counted = _trees.Counters.TryGet("keys"u8, out ReadOnlySpan<byte> counter);
        Assert.Equal(keys, counted ? BinaryPrimitives.ReadUInt64LittleEndian(counter) : 0);
        return (long)keys + (counted ? 1 : 0);
    }

    private void ReadNamespaces()
    {
        ulong numbers = 0;
        if (_trees.Counters.TryGet("namespaces"u8, out ReadOnlySpan<byte> counter))
            numbers = BinaryPrimitives.ReadUInt64LittleEndian(counter);
        Assert.Equal(numbers == 0 ? 0 : 1, _trees.Counters.Count - ReadKeys());
        for (TreeCursor at = _trees.Garbage.SeekFirst(); at.Valid; at.Next())
            Assert.True(_garbage.Add(BinaryPrimitives.ReadUInt64BigEndian(at.Key)));
        for (TreeCursor at = _trees.Namespaces.SeekFirst(); at.Valid; at.Next())
        {
            NamespaceRecord record = MemoryMarshal.Read<NamespaceRecord>(at.Value);
            Assert.InRange(record.Number, 1UL, numbers);
            Assert.DoesNotContain(record.Number, _garbage);
            Assert.True(_spaces.TryAdd(record.Number, new Space { Record = record }));
        }
    }

    private void ReadAttributes()
    {
        foreach ((Space space, byte[] key, byte[] value) in Entries(TreeId.Attributes))
        {
            AttributeRecord record = MemoryMarshal.Read<AttributeRecord>(value);
            Assert.InRange(record.Number, 1, space.Record.NextAttribute - 1);
            string name = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(key);
            Assert.True(space.Attributes.TryAdd(record.Number, (name, record)));
        }
        foreach (Space space in _spaces.Values)
        {
            Assert.Equal(space.Record.NextAttribute - 1, space.Attributes.Count);
            int vectors = space.Attributes.Values.Count(a => AttributeTypes.IsVector(a.Record.Type));
            Assert.Equal(space.Record.VectorColumns, vectors);
            if (vectors > 0) Assert.NotEqual(DistanceMetric.Unspecified, space.Record.Metric);
        }
    }

    private void ReadDocuments()
    {
        foreach ((Space space, byte[] key, byte[] bits) in Entries(TreeId.Liveness))
        {
            uint window = BinaryPrimitives.ReadUInt32BigEndian(key);
            if (window >= 1u << 31)
            {
                AddMarks(space, window - (1u << 31), bits);
                continue;
            }
            Assert.Equal(Limits.WindowDocuments / 8, bits.Length);
            Assert.Contains(bits, b => b != 0);
            for (int i = 0; i < Limits.WindowDocuments; i++)
                if (ChunkLayout.IsSet(bits, i)) space.Live.Add(window * Limits.WindowDocuments + (uint)i);
        }
        foreach ((Space space, byte[] key, byte[] row) in Entries(TreeId.Documents))
        {
            space.Rows.Add(BinaryPrimitives.ReadUInt32BigEndian(key), row);
            int before = 0;
            DocumentRow.Enumerator attributes = new DocumentRow(row).Attributes;
            int count = 0;
            while (attributes.MoveNext())
            {
                Assert.True(attributes.Number > before);
                before = attributes.Number;
                count++;
                AttributeType type = space.Attributes[before].Record.Type;
                Assert.False(AttributeTypes.IsVector(type));
                ValueKind expected = AttributeTypes.Kind(type);
                ValueKind kind = attributes.Value.Kind == ValueKind.False ? ValueKind.True : attributes.Value.Kind;
                Assert.Equal(expected, kind);
            }
            Assert.Equal(count, new DocumentRow(row).AttributeCount);
        }
        foreach (Space space in _spaces.Values)
        {
            Assert.Equal(space.Live, space.Rows.Keys);
            Assert.Equal(space.Live.Select(document => document / Limits.WindowDocuments).Distinct(), space.Marked);
            if (space.Live.Count > 0) Assert.True(space.Live.Max < space.Record.NextDocument);
        }
    }

    private static void AddMarks(Space space, uint page, byte[] bits)
    {
        Assert.InRange(bits.Length, sizeof(ulong), LiveWindows.PageSizeMax);
        Assert.Equal(0, bits.Length % sizeof(ulong));
        Assert.Contains(bits, b => b != 0);
        for (int i = 0; i < 8 * bits.Length; i++)
            if (ChunkLayout.IsSet(bits, i)) space.Marked.Add(page * LiveWindows.PageWindows + (uint)i);
    }

    private void ReadColumns()
    {
        foreach ((Space space, byte[] key, byte[] value) in Entries(TreeId.Columns))
        {
            int number = BinaryPrimitives.ReadUInt16BigEndian(key);
            uint first = Keys.FirstOf([.. new byte[8], .. key]);
            ColumnChunk chunk = new(value, first, ColumnWidth(space, number));
            SortedDictionary<uint, byte[]> column = Column(space.Columns, number);
            VerifyChunk(space, chunk.First, chunk.Count, chunk.Presence, value.Length, column);
            for (int row = 0; row < chunk.Count; row++)
                if (chunk.Has(row)) column.Add(first + (uint)row, chunk.Row(row).ToArray());
                else if (chunk.Width > 0) Assert.False(chunk.Row(row).ContainsAnyExcept((byte)0));
        }
    }

    /// <summary>Fails for a column that must not exist.</summary>
    private static int ColumnWidth(Space space, int number)
    {
        if (number == 0) return AttributeTypes.ColumnWidth(space.Record.IdType);
        bool tokenCounts = (number & Keys.TokenCountColumn) != 0;
        AttributeRecord attribute = space.Attributes[number & ~Keys.TokenCountColumn].Record;
        AttributeFlags needed = tokenCounts ? AttributeFlags.FullText : AttributeFlags.Filterable;
        Assert.True((attribute.Flags & needed) != 0);
        return tokenCounts ? AttributeTypes.TokenCountWidth : AttributeTypes.ColumnWidth(attribute.Type);
    }

    private static SortedDictionary<uint, byte[]> Column(
        SortedDictionary<int, SortedDictionary<uint, byte[]>> columns, int number)
    {
        if (!columns.TryGetValue(number, out SortedDictionary<uint, byte[]>? column)) columns[number] = column = [];
        return column;
    }

    /// <summary>A chunk begins and ends with a value, unless dead ones have been taken out of it, lies behind the one
    /// before it inside one window, and its window has a live document.</summary>
    private static void VerifyChunk(Space space, uint first, int count, ReadOnlySpan<ulong> presence, int size,
        SortedDictionary<uint, byte[]> before)
    {
        uint last = first + (uint)count - 1;
        Assert.True((presence[0] & 1) != 0 || !space.Live.Contains(first));
        ulong ending = presence[(count - 1) / 64] >> (count - 1) % 64;
        Assert.True(ending == 1 || ending == 0 && count == 1 && !space.Live.Contains(first));
        Assert.Equal(first / Limits.WindowDocuments, last / Limits.WindowDocuments);
        Assert.True(before.Count == 0 || before.Keys.Last() < first);
        Assert.True(size <= ChunkLayout.SizeMax || count == 1);
        Assert.True(last < space.Record.NextDocument);
        uint start = first / Limits.WindowDocuments * Limits.WindowDocuments;
        Assert.NotEmpty(space.Live.GetViewBetween(start, start + Limits.WindowDocuments - 1));
    }

    private void ReadVectors()
    {
        foreach ((Space space, byte[] key, byte[] value) in Entries(TreeId.Vectors))
        {
            int number = BinaryPrimitives.ReadUInt16BigEndian(key);
            uint first = Keys.FirstOf([.. new byte[8], .. key]);
            AttributeRecord attribute = space.Attributes[number].Record;
            bool cosine = space.Record.Metric == DistanceMetric.CosineDistance;
            VectorChunk chunk = new(value, first, DocumentStore.RowSize(attribute), cosine);
            SortedDictionary<uint, byte[]> column = Column(space.Vectors, number);
            VerifyChunk(space, chunk.First, chunk.Count, chunk.Presence, value.Length, column);
            int packed = 0;
            for (int row = 0; row < chunk.Count; row++)
            {
                if (!chunk.Has(row)) continue;
                Assert.Equal(packed, chunk.PackedIndex(row));
                byte[] bytes = chunk.Packed(packed).ToArray();
                if (cosine) Assert.Equal(InverseNorm(attribute, bytes), chunk.InverseNorms[packed]);
                column.Add(first + (uint)row, bytes);
                packed++;
            }
            Assert.Equal(packed, chunk.PresentCount);
        }
        foreach (Space space in _spaces.Values)
            foreach (SortedDictionary<uint, byte[]> column in space.Vectors.Values)
                foreach ((uint document, byte[] bytes) in column)
                    if (space.Live.Contains(document))
                        space.VectorBytes[document] = space.VectorBytes.GetValueOrDefault(document) + bytes.Length;
    }

    private static float InverseNorm(in AttributeRecord attribute, byte[] bytes)
    {
        float[] elements = attribute.Type == AttributeType.VectorF32
            ? MemoryMarshal.Cast<byte, float>(bytes).ToArray()
            : [.. MemoryMarshal.Cast<byte, Half>(bytes).ToArray().Select(half => (float)half)];
        return Normalisation.InverseNorm(new ScalarBackend(), elements);
    }

    private void VerifyIds(ulong number, Space space)
    {
        Keys prefix = new(stackalloc byte[8]);
        prefix.Namespace(number);
        byte[] buffer = new byte[8 + Limits.IdSizeMax];
        SortedSet<uint> documents = [];
        TreeCursor cursor = _trees.Ids.Seek(prefix.Key, prefix.Size);
        for (; cursor.Valid && cursor.Key.StartsWith(prefix.Key); cursor.Next())
        {
            uint document = BinaryPrimitives.ReadUInt32LittleEndian(cursor.Value);
            Assert.True(documents.Add(document));
            EncodedValue id = new DocumentRow(space.Rows[document]).Id;
            Assert.Equal(AttributeTypes.Kind(space.Record.IdType), id.Kind);
            Keys key = new(buffer);
            DocumentStore.AddIdKey(ref key, number, id);
            Assert.True(key.Key.SequenceEqual(cursor.Key));
            Assert.Equal(id.Payload.ToArray(), space.Columns[0][document]);
        }
        Assert.Equal(space.Live, documents);
    }

    private static void VerifyColumn(Space space, int slot, in AttributeRecord attribute)
    {
        if ((attribute.Flags & AttributeFlags.Filterable) == 0) return;
        SortedDictionary<uint, byte[]> column = Column(space.Columns, slot);
        foreach ((uint document, byte[] row) in space.Rows)
        {
            bool has = new DocumentRow(row).TryFind((ushort)slot, out EncodedValue value);
            Assert.Equal(has, column.TryGetValue(document, out byte[]? stored));
            if (!has) continue;
            bool boolean = attribute.Type == AttributeType.Bool;
            Assert.Equal(boolean ? [value.AsBool ? (byte)1 : (byte)0] : value.Payload.ToArray(), stored);
        }
    }

    private static void VerifyRecord(Space space)
    {
        Assert.Equal((ulong)space.Live.Count, space.Record.Rows);
        long bytes = space.Rows.Values.Sum(row => (long)row.Length) + space.VectorBytes.Values.Sum();
        Assert.Equal((ulong)bytes, space.Record.LogicalBytes);
    }

    private void VerifyText()
    {
        SortedDictionary<string, string> expected = new(StringComparer.Ordinal);
        SortedDictionary<string, ulong> terms = new(StringComparer.Ordinal);
        foreach ((ulong number, Space space) in _spaces)
        {
            foreach ((int slot, (_, AttributeRecord attribute)) in space.Attributes)
                if ((attribute.Flags & AttributeFlags.FullText) != 0)
                    ExpectText(number, space, attribute, expected, terms);
                else Assert.Equal((0UL, 0UL), (attribute.TextDocuments, attribute.TextTokens));
            foreach ((int slot, (_, AttributeRecord attribute)) in space.Attributes)
                if (attribute.Type == AttributeType.SparseF16)
                    ExpectSparse(number, space, attribute, expected, terms);
        }
        SortedDictionary<string, ulong> stored = new(StringComparer.Ordinal);
        for (TreeCursor at = _trees.Terms.SeekFirst(); at.Valid; at.Next())
        {
            if (_garbage.Contains(BinaryPrimitives.ReadUInt64BigEndian(at.Key))) continue;
            stored.Add(Convert.ToHexString(at.Key), TermEntry.Count(at.Value));
            VerifyLastBlock(at.Key, TermEntry.LastBlock(at.Value));
        }
        Assert.Equal(terms, stored);
        Assert.Equal(expected, StoredPostings());
    }

    /// <summary>If the term's entry names a block of postings, then it is the last.</summary>
    private void VerifyLastBlock(ReadOnlySpan<byte> term, uint first)
    {
        if (first == TermEntry.NoBlock) return;
        byte[] end = [.. term, 255, 255, 255, 255];
        Assert.True(_trees.Postings.TryFloor(end, term.Length, out ReadOnlySpan<byte> found, out _));
        Assert.Equal(first, BinaryPrimitives.ReadUInt32BigEndian(found[term.Length..]));
    }

    /// <summary>Adds what the live rows' texts lead to: per term its number of documents, per term and document the
    /// positions.</summary>
    private void ExpectText(ulong number, Space space, AttributeRecord attribute,
        SortedDictionary<string, string> postings, SortedDictionary<string, ulong> terms)
    {
        SortedDictionary<uint, byte[]> counts = Column(space.Columns, attribute.Number | Keys.TokenCountColumn);
        ulong documents = 0;
        ulong tokens = 0;
        byte[] buffer = new byte[Keys.SizeMax];
        foreach ((uint document, byte[] row) in space.Rows)
        {
            bool has = new DocumentRow(row).TryFind(attribute.Number, out EncodedValue value);
            Assert.Equal(has, counts.ContainsKey(document));
            if (!has) continue;
            Analyze(attribute, value);
            Assert.Equal((uint)_tokens.Count, BinaryPrimitives.ReadUInt32LittleEndian(counts[document]));
            documents++;
            tokens += (ulong)_tokens.Count;
            SortedDictionary<string, List<int>> byTerm = new(StringComparer.Ordinal);
            for (int i = 0; i < _tokens.Count; i++)
            {
                Keys key = new(buffer);
                string term = Convert.ToHexString(
                    key.Namespace(number).Attribute(attribute.Number).Term(_tokens.Text(i)).Key);
                if (!byTerm.TryGetValue(term, out List<int>? positions)) byTerm[term] = positions = [];
                positions.Add(_tokens.Position(i));
            }
            foreach ((string term, List<int> positions) in byTerm)
            {
                terms[term] = terms.GetValueOrDefault(term) + 1;
                postings.Add($"{term} {document:x8}", string.Join(",", positions));
            }
        }
        Assert.Equal((documents, tokens), (attribute.TextDocuments, attribute.TextTokens));
    }

    /// <summary>Adds what the live rows' sparse vectors lead to: per dimension its number of documents, per dimension
    /// and document the weight.</summary>
    private static void ExpectSparse(ulong number, Space space, AttributeRecord attribute,
        SortedDictionary<string, string> postings, SortedDictionary<string, ulong> terms)
    {
        byte[] buffer = new byte[Keys.SizeMax];
        foreach ((uint document, byte[] row) in space.Rows)
        {
            if (!new DocumentRow(row).TryFind(attribute.Number, out EncodedValue value)) continue;
            Assert.True(SparseVector.Judge(value.Payload).IsNone);
            SparseVector vector = new(value.Payload);
            while (vector.MoveNext())
            {
                Keys key = new(buffer);
                string term = Convert.ToHexString(
                    key.Namespace(number).Attribute(attribute.Number).Term(vector.Name).Key);
                terms[term] = terms.GetValueOrDefault(term) + 1;
                postings.Add($"{term} {document:x8}", $"weight {vector.Weight:x4}");
            }
        }
    }

    private void Analyze(in AttributeRecord attribute, in EncodedValue value)
    {
        _tokens.Clear();
        if (value.Kind == ValueKind.String)
        {
            Assert.True(_analyzer.Analyze(attribute.Text, value.Payload, _tokens));
            return;
        }
        Core.Wire.WireReader elements = value.Elements;
        for (int i = 0; i < value.ElementCount; i++)
        {
            EncodedValue element = EncodedValue.Read(ref elements, element: true);
            Assert.True(_analyzer.Analyze(attribute.Text, element.Payload, _tokens, _tokens.NextPosition));
        }
    }

    private SortedDictionary<string, string> StoredPostings()
    {
        SortedDictionary<string, string> stored = new(StringComparer.Ordinal);
        uint[] documents = new uint[PostingBlock.PostingsMax];
        uint[] frequencies = new uint[PostingBlock.PostingsMax];
        for (TreeCursor at = _trees.Postings.SeekFirst(); at.Valid; at.Next())
        {
            if (_garbage.Contains(BinaryPrimitives.ReadUInt64BigEndian(at.Key))) continue;
            string term = Convert.ToHexString(at.Key[..^4]);
            PostingBlock block = new(at.Value, BinaryPrimitives.ReadUInt32BigEndian(at.Key[^4..]));
            block.Decode(documents, frequencies);
            ReadOnlySpan<byte> all = block.Positions;
            bool sparse = all.IsEmpty;
            for (int i = 0; i < block.Count; i++)
            {
                if (sparse) stored.Add($"{term} {documents[i]:x8}", $"weight {frequencies[i]:x4}");
                if (sparse) continue;
                ReadOnlySpan<byte> deltas = PostingBlock.NextPositions(ref all, out _);
                List<int> positions = [];
                int position = 0;
                while (!deltas.IsEmpty) positions.Add(position += (int)Varint.Read(ref deltas));
                Assert.Equal(frequencies[i], (uint)positions.Count);
                stored.Add($"{term} {documents[i]:x8}", string.Join(",", positions));
            }
            Assert.True(all.IsEmpty);
        }
        return stored;
    }
}
