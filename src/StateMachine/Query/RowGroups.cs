using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Query;

/// <summary>Numbers the groups of documents that agree in some attributes, a missing value being one like any other.
/// A table finds candidates by a digest of the values; what counts is that the values themselves are equal.</summary>
internal sealed class RowGroups
{
    /// <summary>Twice the groups, and a power of two.</summary>
    private const int TableSize = 1 << 16;
    private const int Free = 0;

    private readonly NamespaceView _view;
    private readonly ColumnWalk[] _columns = new ColumnWalk[Limits.GroupByAttributesMax];

    /// <summary>The same columns, for the documents that stand for the groups.</summary>
    private readonly ColumnWalk[] _otherColumns = new ColumnWalk[Limits.GroupByAttributesMax];

    /// <summary>Number of a group plus one.</summary>
    private readonly int[] _table = new int[TableSize];
    private readonly Group[] _groups;
    private readonly int[] _newNumbers;
    private readonly byte[] _values = new byte[Limits.GroupByAttributesMax * (1 + 16)];
    private int _count;
    private int _attributes;

    /// <param name="trees">Whose columns are read.</param>
    /// <param name="view">The namespace that is open.</param>
    /// <param name="groupsMax">Between two calls of <see cref="Renumber"/>.</param>
    public RowGroups(Trees trees, NamespaceView view, int groupsMax)
    {
        Check.That(groupsMax > 0 && groupsMax <= TableSize / 2);
        _view = view;
        _groups = new Group[groupsMax];
        _newNumbers = new int[groupsMax];
        for (int i = 0; i < _columns.Length; i++)
        {
            _columns[i] = new ColumnWalk(trees.Columns);
            _otherColumns[i] = new ColumnWalk(trees.Columns);
        }
    }

    public long BytesRead
    {
        get
        {
            long bytes = 0;
            for (int i = 0; i < _attributes; i++) bytes += _columns[i].BytesRead + _otherColumns[i].BytesRead;
            return bytes;
        }
    }

    public void Begin(ReadOnlySpan<int> slots)
    {
        Check.That(slots.Length > 0 && slots.Length <= _columns.Length);
        _attributes = slots.Length;
        for (int i = 0; i < slots.Length; i++)
        {
            ref AttributeRecord attribute = ref _view.Attribute(slots[i]);
            int width = AttributeTypes.ColumnWidth(attribute.Type);
            _columns[i].Begin(_view.Number, attribute.Number, attribute.Type, width);
            _otherColumns[i].Begin(_view.Number, attribute.Number, attribute.Type, width);
        }
        _count = 0;
        _table.AsSpan().Clear();
    }

    /// <summary>Finds the document's group, or makes it the first of a new one.</summary>
    public int Find(uint document)
    {
        UInt128 digest = Digest(document);
        int at = Place(digest);
        for (; _table[at] != Free; at = at + 1 & TableSize - 1)
        {
            int group = _table[at] - 1;
            if (_groups[group].Digest == digest && AreEqual(document, _groups[group].Document)) return group;
        }
        _groups[_count] = new Group { Digest = digest, Document = document };
        _table[at] = ++_count;
        return _count - 1;
    }

    /// <summary>Counts one more row of a group; false if it has as many already.</summary>
    public bool TryCount(int group, int limit)
    {
        Check.That(group >= 0 && group < _count);
        if (_groups[group].Rows == limit) return false;
        _groups[group].Rows++;
        return true;
    }

    /// <summary>Drops the groups without a counted row, and begins to count anew. The others keep their order; the new
    /// number of each is in <see cref="NewNumber"/> until this is called again.</summary>
    public void Renumber()
    {
        _table.AsSpan().Clear();
        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            if (_groups[i].Rows == 0) continue;
            _newNumbers[i] = kept;
            _groups[kept] = new Group { Digest = _groups[i].Digest, Document = _groups[i].Document };
            int at = Place(_groups[kept].Digest);
            while (_table[at] != Free) at = at + 1 & TableSize - 1;
            _table[at] = ++kept;
        }
        _count = kept;
    }

    public int NewNumber(int group) => _newNumbers[group];

    private static int Place(UInt128 digest) => (int)(uint)(digest & (TableSize - 1));

    private UInt128 Digest(uint document)
    {
        Span<byte> values = _values.AsSpan(0, _attributes * (1 + 16));
        values.Clear();
        for (int i = 0; i < _attributes; i++)
        {
            if (!_columns[i].TryRead(document, out ReadOnlySpan<byte> row)) continue;
            Span<byte> value = values.Slice(i * (1 + 16), 1 + 16);
            AttributeType type = _columns[i].Type;
            value[0] = 1;
            BinaryPrimitives.WriteUInt128LittleEndian(
                value[1..], type == AttributeType.String ? Checksum.Of(row) : ScalarKey.OfStored(type, row));
        }
        return Checksum.Of(values);
    }

    private bool AreEqual(uint document, uint other)
    {
        for (int i = 0; i < _attributes; i++)
        {
            bool has = _columns[i].TryRead(document, out ReadOnlySpan<byte> row);
            bool otherHas = _otherColumns[i].TryRead(other, out ReadOnlySpan<byte> otherRow);
            if (has != otherHas || has && !row.SequenceEqual(otherRow)) return false;
        }
        return true;
    }

    private struct Group
    {
        public UInt128 Digest;

        /// <summary>The one whose values are compared.</summary>
        public uint Document;
        public int Rows;
    }
}
