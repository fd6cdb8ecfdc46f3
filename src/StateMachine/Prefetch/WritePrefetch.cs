using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>Names what writes and changes of schemas read and change. Rounds: 1 the namespace; 2 its attributes and
/// the ids of all rows; 3 rows and vectors of the documents that the ids stand for, their liveness, the last chunks
/// of what is appended to, terms of new texts; 4 terms of old texts, and the chunks of windows that may lose their
/// last document. A change by filter has one round more, for the columns of the filter before round 3.
/// <para>A batch of writes is judged by the state before it. What an earlier part writes is in the memtable, which is
/// always in memory, so a later part may need what was not named only in places that this part would name on its own:
/// a version that a part has made came from values of the requests, whose terms are named, and of the old row, whose
/// terms are named for both its death and its carrying over; the numbers of new documents, attributes and namespaces
/// are above all others, and the ends behind those are named; an index that a part builds or drops is named whole.
/// Only a change by filter may find other documents after an earlier part than before it; it goes
/// alone.</para></summary>
internal sealed partial class WritePrefetch
{
    /// <summary>Bytes of a row with an id that can be one.</summary>
    private const int RowSizeMin = 4;

    private readonly Trees _trees;
    private readonly NamespaceView _view;
    private readonly DocumentStore _store;
    private readonly WriteOperation _write;
    private readonly SchemaChange _schema = new();
    private readonly NativeBuffer _deaths;
    private readonly int _rowsMax;
    private readonly int[] _slots = new int[Limits.AttributesPerNamespaceMax];
    private readonly bool[] _named = new bool[Limits.AttributesPerNamespaceMax + 1];
    private readonly byte[] _error = new byte[8];
    private int _deathCount;
    private int _names;
    private bool _isBatch;

    /// <summary>Where the part at hand begins in the body of the operation: there its namespace's name lies.</summary>
    private int _offset;

    public WritePrefetch(
        StaticMemory memory, Trees trees, NamespaceView view, DocumentStore store, WriteOperation write,
        int messageBodySizeMax)
    {
        _trees = trees;
        _view = view;
        _store = store;
        _write = write;
        _rowsMax = messageBodySizeMax / RowSizeMin;
        _deaths = memory.Take((_rowsMax + 2L * Limits.ByFilterRowsMax) * Death.Size);
    }

    public void Begin(bool isBatch)
    {
        _deathCount = 0;
        _isBatch = isBatch;
    }

    /// <summary>A write, or a part of a batch that is one.</summary>
    public void TouchWrite(in OperationContext context, int offset, ReadOnlySpan<byte> body)
    {
        _offset = offset;
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        reader.U8();
        reader.U8();
        if (reader.Failed) return;
        bool opens = NamespacePrefetch.TryTouch(_trees, name, out NamespaceRecord record);
        if (record.Number == 0)
        {
            if (opens) TouchNewNamespace();
            return;
        }
        if (IsResident(record.Number)) return;
        if (opens) _view.TryOpen(name);
        if (!TrySchema(ref reader, record, opens)) return;
        bool byFilter = SkipFilters(ref reader, opens, out bool patchesByFilter);
        if (!TryNames(ref reader, opens) || reader.Failed) return;
        TouchRows(ref reader, record, opens, patchesByFilter);
        if (opens && byFilter && !_isBatch) TouchMatches(context, body);
    }

    public void TouchUpdateSchema(ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        if (reader.Failed || !NamespacePrefetch.TryTouch(_trees, name, out NamespaceRecord record)) return;
        if (record.Number == 0) return;
        _view.TryOpen(name);
        TrySchema(ref reader, record, opens: true);
    }

    public void TouchDelete(ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        if (reader.Failed) return;
        // A later part may make a namespace of the same name, which gets a new number.
        if (_isBatch) TouchNewNamespace();
        NamespacePrefetch.TryTouch(_trees, name, out NamespaceRecord record);
        Keys key = new(stackalloc byte[8]);
        if (record.Number > 0) _trees.Garbage.Touch(key.Namespace(record.Number).Key);
    }

    /// <summary>All that the source has, unless that is too much, and the ends of what the new one's number is
    /// above.</summary>
    public void TouchBranch(ReadOnlySpan<byte> body, BranchOperation branches)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        ReadOnlySpan<byte> source = reader.Name();
        if (!reader.AtEnd || name.Length is 0 or > Limits.NamespaceNameSizeMax) return;
        _trees.Namespaces.Touch(name);
        NamespacePrefetch.TryTouch(_trees, source, out NamespaceRecord record);
        if (record.Number == 0 || !branches.MayFit(record)) return;
        TouchNewNamespace();
        Keys key = new(stackalloc byte[8]);
        key.Namespace(record.Number);
        for (TreeId id = TreeId.Attributes; id <= TreeId.Postings; id++) _trees[id].TouchPrefix(key.Key);
    }

    /// <summary>Nothing needs to be named if all of the namespace is in memory.</summary>
    private bool IsResident(ulong number)
    {
        Keys key = new(stackalloc byte[8]);
        ReadOnlySpan<byte> prefix = key.Namespace(number).Key;
        for (TreeId id = TreeId.Attributes; id <= TreeId.Postings; id++)
            if (!_trees[id].IsResident(prefix)) return false;
        return true;
    }

    /// <summary>The number of a new namespace is above all that any tree has.</summary>
    private void TouchNewNamespace()
    {
        _trees.Counters.Touch(NamespaceOperations.NumberCounter);
        Span<byte> end = stackalloc byte[8];
        end.Fill(byte.MaxValue);
        for (TreeId id = TreeId.Attributes; id <= TreeId.Garbage; id++) _trees[id].TouchFloor(end, 0);
    }

    /// <summary>The number of a new attribute is above all others of its namespace, and so is that of its token
    /// counts.</summary>
    private void TouchNewAttributes(ulong number)
    {
        Keys key = new(stackalloc byte[10]);
        ReadOnlySpan<byte> end = key.Namespace(number).Attribute(Keys.TokenCountColumn - 1).Key;
        _trees.Vectors.TouchFloor(end, 8);
        _trees.Columns.TouchFloor(end, 8);
        _trees.Terms.TouchFloor(end, 8);
        _trees.Postings.TouchFloor(end, 8);
        _trees.Columns.TouchFloor(key.Namespace(number).Attribute(ushort.MaxValue).Key, 8);
    }

    /// <summary>Takes the schema into the view and names the indexes that it builds or drops. False if it will be
    /// refused.</summary>
    private bool TrySchema(ref WireReader reader, in NamespaceRecord record, bool opens)
    {
        if (!opens) return SchemaChange.TrySkip(ref reader);
        int attributes = _view.AttributeCount;
        ErrorText unused = new(_error);
        _schema.Begin(_view);
        if (!_schema.TryRead(ref reader, _view, ref unused)) return false;
        bool grows = _view.AttributeCount > attributes;
        if (grows) TouchNewAttributes(record.Number);
        // Past the limit it is refused, but other parts of the batch may remove documents first.
        if (record.Rows > (ulong)(WriteLimits.IndexRowsMax + _rowsMax)) return true;
        _schema.TouchIndexes(_view, _trees, all: grows && _isBatch);
        return true;
    }

    /// <summary>Whether there are changes by filter.</summary>
    private bool SkipFilters(ref WireReader reader, bool opens, out bool patches)
    {
        bool deletes = FilterSkip.Optional(ref reader);
        patches = FilterSkip.Optional(ref reader);
        if (patches)
        {
            for (int i = reader.U16(); i > 0 && !reader.Failed; i--)
            {
                ReadOnlySpan<byte> name = reader.Name();
                EncodedValue value = EncodedValue.Read(ref reader);
                if (!opens || reader.Failed) continue;
                if (!_view.TryFind(name, out int slot)) TouchNewAttributes(_view.Number);
                else TouchNewTerms(slot, value);
            }
        }
        for (int i = 0; i < WriteOperation.ConditionCount; i++) FilterSkip.Optional(ref reader);
        return deletes || patches;
    }

    private bool TryNames(ref WireReader reader, bool opens)
    {
        _names = reader.U16();
        if (_names > Limits.AttributesPerNamespaceMax) return false;
        if (opens) _named.AsSpan(0, _view.AttributeCount + 1).Clear();
        bool known = true;
        for (int i = 0; i < _names; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            _slots[i] = 0;
            if (!opens) continue;
            if (_view.TryFind(name, out int slot)) _named[slot] = true;
            else known = false;
            _slots[i] = slot;
        }
        if (!known) TouchNewAttributes(_view.Number);
        return true;
    }
}
