using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Filters;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>The rows of writes: documents that die, documents that are added.</summary>
internal sealed partial class WritePrefetch
{
    /// <summary>Walks the rows of a request as they lie in it. Rows that will be refused are passed over.</summary>
    private void TouchRows(ref WireReader reader, in NamespaceRecord record, bool opens, bool patchesByFilter)
    {
        uint upserts = reader.U32();
        for (uint i = 0; i < upserts && !reader.Failed; i++) TouchRow(ref reader, record, opens, StagedKind.Upsert);
        uint patches = reader.U32();
        for (uint i = 0; i < patches && !reader.Failed; i++) TouchRow(ref reader, record, opens, StagedKind.Patch);
        uint deletes = reader.U32();
        for (uint i = 0; i < deletes && !reader.Failed; i++) TouchRow(ref reader, record, opens, StagedKind.Delete);
        bool carries = patches > 0 || patchesByFilter;
        if (upserts > 0 || carries) TouchEnds(record, opens, carries);
    }

    private void TouchRow(ref WireReader reader, in NamespaceRecord record, bool opens, StagedKind kind)
    {
        EncodedValue id = EncodedValue.Read(ref reader);
        if (reader.Failed) return;
        TouchId(record, id, opens, kind);
        if (kind == StagedKind.Delete) return;
        for (int i = reader.U16(); i > 0 && !reader.Failed; i--)
        {
            int name = reader.U16();
            EncodedValue value = EncodedValue.Read(ref reader);
            if (opens && !reader.Failed && name < _names) TouchNewTerms(_slots[name], value);
        }
    }

    private void TouchId(in NamespaceRecord record, scoped in EncodedValue id, bool opens, StagedKind kind)
    {
        WireWriter writer = new(stackalloc byte[8 + Limits.IdSizeMax]);
        if (record.IdType == AttributeType.None || !ValueConversion.TryConvert(id, record.IdType, ref writer)) return;
        if (writer.Overflowed) return;
        WireReader converted = new(writer.Written);
        Keys key = new(stackalloc byte[8 + Limits.IdSizeMax]);
        EncodedValue stored = EncodedValue.Read(ref converted);
        if (stored.Payload.Length > Limits.IdSizeMax) return;
        DocumentStore.AddIdKey(ref key, record.Number, stored);
        if (!_trees.Ids.Touch(key.Key) || !opens) return;
        uint document = _store.Find(record.Number, stored);
        if (document != 0) TouchDeath(document, carries: kind == StagedKind.Patch);
    }

    /// <summary>What the death of a document reads and changes, its id apart, and what it takes to carry its values
    /// over to the next version.</summary>
    private void TouchDeath(uint document, bool carries)
    {
        Keys key = new(stackalloc byte[Keys.ChunkSize]);
        for (int slot = 1; slot <= _view.AttributeCount; slot++)
        {
            if (!AttributeTypes.IsVector(_view.Attribute(slot).Type)) continue;
            _trees.Vectors.TouchFloor(
                key.Namespace(_view.Number).Attribute((ushort)slot).Chunk(document).Key, Keys.WindowSize);
        }
        key.Namespace(_view.Number).Document(document / Limits.WindowDocuments);
        _trees.Liveness.Touch(key.Key);
        Span<Death> deaths = _deaths.As<Death>();
        Check.That(_deathCount < deaths.Length);
        deaths[_deathCount++] = new Death { Namespace = _view.Number, Document = document, NameOffset = _offset };
        if (!_trees.Documents.Touch(key.Namespace(_view.Number).Document(document).Key)) return;
        DocumentRow.Enumerator attributes = _store.Row(_view.Number, document).Attributes;
        while (attributes.MoveNext())
        {
            ref AttributeRecord attribute = ref _view.Attribute(attributes.Number);
            if (!attribute.HasPostings) continue;
            _store.TouchPostings(_view.Number, attribute, document, attributes.Value);
            if (carries) _store.TouchPostings(_view.Number, attribute, uint.MaxValue, attributes.Value);
        }
    }

    /// <summary>Terms of a value that may get into a row, if it is a text or a sparse vector, and the ends of their
    /// postings.</summary>
    private void TouchNewTerms(int slot, scoped in EncodedValue value)
    {
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        if (slot == 0 || !attribute.HasPostings) return;
        if (attribute.Type == AttributeType.SparseF16)
        {
            bool sound = value.Kind == ValueKind.Sparse && SparseVector.Judge(value.Payload).IsNone;
            if (sound) _store.TouchPostings(_view.Number, attribute, uint.MaxValue, value);
            return;
        }
        WireReader elements = value.Kind == ValueKind.Array ? value.Elements : default;
        bool text = value.Kind == (AttributeTypes.IsArray(attribute.Type) ? ValueKind.Array : ValueKind.String);
        for (int i = value.Kind == ValueKind.Array ? value.ElementCount : 0; i > 0 && text; i--)
            text = EncodedValue.Read(ref elements, element: true).Kind == ValueKind.String;
        if (text) _store.TouchPostings(_view.Number, attribute, uint.MaxValue, value);
    }

    /// <summary>The ends of all that new documents are appended to: rows, liveness, the columns that they may have
    /// values in, and every vector column, for a later change may look there for their vectors.</summary>
    private void TouchEnds(in NamespaceRecord record, bool opens, bool carries)
    {
        Keys first = new(stackalloc byte[12]);
        Keys last = new(stackalloc byte[12]);
        first.Namespace(record.Number).Document(record.NextDocument);
        _trees.Documents.TouchRange(first.Key, last.Namespace(record.Number).Key);
        first.Namespace(record.Number).Document(record.NextDocument / Limits.WindowDocuments);
        last.Namespace(record.Number).Document(uint.MaxValue / Limits.WindowDocuments);
        _trees.Liveness.TouchRange(first.Key, last.Key);
        TouchEnd(_trees.Columns, record, 0);
        for (int slot = 1; opens && slot <= _view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref _view.Attribute(slot);
            ushort tokens = (ushort)(slot | Keys.TokenCountColumn);
            bool vector = AttributeTypes.IsVector(attribute.Type);
            if (vector) TouchEnd(_trees.Vectors, record, (ushort)slot);
            if (vector || !carries && !_named[slot]) continue;
            if ((attribute.Flags & AttributeFlags.Filterable) != 0) TouchEnd(_trees.Columns, record, (ushort)slot);
            if ((attribute.Flags & AttributeFlags.FullText) != 0) TouchEnd(_trees.Columns, record, tokens);
        }
    }

    /// <summary>The last chunk of the window of the next document, and all windows behind it.</summary>
    private static void TouchEnd(Tree tree, in NamespaceRecord record, ushort column)
    {
        Keys key = new(stackalloc byte[Keys.ChunkSize]);
        Keys last = new(stackalloc byte[10]);
        key.Namespace(record.Number).Attribute(column).Chunk(record.NextDocument | (Limits.WindowDocuments - 1));
        tree.TouchFloor(key.Key, Keys.WindowSize);
        tree.TouchRange(key.Key, last.Namespace(record.Number).Attribute(column).Key);
    }

    /// <summary>What a change by filter finds dies, or is carried over.</summary>
    private void TouchMatches(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (!_write.TryFindMatches(context, body)) return;
        for (int i = 0; i < _write.DeleteMatches.Count; i++) TouchMatch(_write.DeleteMatches[i], carries: false);
        for (int i = 0; i < _write.PatchMatches.Count; i++) TouchMatch(_write.PatchMatches[i], carries: true);
    }

    private void TouchMatch(uint document, bool carries)
    {
        TouchDeath(document, carries);
        Keys key = new(stackalloc byte[8 + Limits.IdSizeMax]);
        DocumentStore.AddIdKey(ref key, _view.Number, _store.Row(_view.Number, document).Id);
        _trees.Ids.Touch(key.Key);
    }

    /// <summary>Names the chunks of windows all of whose live documents may die. To be called when all parts have been
    /// walked.</summary>
    public void End(ReadOnlySpan<byte> body)
    {
        Span<Death> deaths = _deaths.As<Death>()[.._deathCount];
        HeapSort.Sort(deaths, new ByDocument());
        int start = 0;
        while (start < deaths.Length)
        {
            ulong number = deaths[start].Namespace;
            uint window = deaths[start].Document / Limits.WindowDocuments;
            int count = 0;
            int end = start;
            for (; end < deaths.Length && deaths[end].Namespace == number; end++)
            {
                if (deaths[end].Document / Limits.WindowDocuments != window) break;
                if (end == start || deaths[end].Document != deaths[end - 1].Document) count++;
            }
            if (MayEmpty(number, window, count)) TouchWindow(body, deaths[start].NameOffset, window);
            start = end;
        }
    }

    private bool MayEmpty(ulong number, uint window, int deaths)
    {
        Keys key = new(stackalloc byte[12]);
        key.Namespace(number).Document(window);
        if (!_trees.Liveness.Touch(key.Key)) return false;
        bool exists = _trees.Liveness.TryGet(key.Key, out ReadOnlySpan<byte> bits);
        Check.That(exists);
        return WindowBitmap.Count(MemoryMarshal.Cast<byte, ulong>(bits)) <= deaths;
    }

    private void TouchWindow(ReadOnlySpan<byte> body, int nameOffset, uint window)
    {
        WireReader reader = new(body[nameOffset..]);
        bool opened = _view.TryOpen(reader.Name());
        Check.That(opened);
        TouchWindow(TreeId.Columns, 0, window);
        for (int slot = 1; slot <= _view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref _view.Attribute(slot);
            if (AttributeTypes.IsVector(attribute.Type)) TouchWindow(TreeId.Vectors, slot, window);
            if ((attribute.Flags & AttributeFlags.Filterable) != 0) TouchWindow(TreeId.Columns, slot, window);
            if ((attribute.Flags & AttributeFlags.FullText) == 0) continue;
            TouchWindow(TreeId.Columns, slot | Keys.TokenCountColumn, window);
        }
    }

    private void TouchWindow(TreeId tree, int attribute, uint window)
    {
        Keys key = new(stackalloc byte[Keys.WindowSize]);
        _trees[tree].TouchPrefix(key.Namespace(_view.Number).Attribute((ushort)attribute).Document(window).Key);
    }

    /// <summary>A document that a request may end.</summary>
    [StructLayout(LayoutKind.Explicit, Size = Size)]
    private struct Death
    {
        public const int Size = 16;

        [FieldOffset(0)] public ulong Namespace;
        [FieldOffset(8)] public uint Document;
        [FieldOffset(12)] public int NameOffset;
    }

    private readonly struct ByDocument : IOrder<Death>
    {
        public int Compare(in Death left, in Death right)
        {
            int order = left.Namespace.CompareTo(right.Namespace);
            return order != 0 ? order : left.Document.CompareTo(right.Document);
        }
    }
}
