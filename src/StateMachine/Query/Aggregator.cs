using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Query;

/// <summary>Aggregates over the documents of windows, grouped or not. Groups are kept in the order of their keys, null
/// first, and only the first ones up to the limit: a key that was pushed out stays above all that are kept, so it
/// cannot come back. Integers are summed exactly in 128 bits, floats in double in the order of document
/// numbers.</summary>
[FloatAllowed("sums and means in the order of the documents; a mean of integers rounds the sum, then the quotient")]
public sealed class Aggregator
{
    private const int KeySizeMax = Limits.GroupByAttributesMax * (2 * Limits.FilterableValueSizeMax + 3);

    private readonly NamespaceView _view;
    private readonly NativeBuffer _states;
    private readonly NativeBuffer _keys;
    private readonly NativeBuffer _spareKeys;
    private readonly byte[] _key = new byte[KeySizeMax];
    private readonly Group[] _groups = new Group[Limits.GroupsMax];
    private readonly int[] _sorted = new int[Limits.GroupsMax];
    private readonly ColumnWalk[] _keyColumns = new ColumnWalk[Limits.GroupByAttributesMax];
    private readonly ColumnWalk[] _columns = new ColumnWalk[Limits.AggregatesMax];
    private bool _spareIsActive;
    private int _keysUsed;
    private int _count;
    private int _slotsUsed;

    public Aggregator(StaticMemory memory, Trees trees, NamespaceView view, int messageBodySizeMax)
    {
        _view = view;
        _states = memory.Take((long)Limits.GroupsMax * Limits.AggregatesMax * Marshal.SizeOf<State>());
        // Keys that do not fit into a message cannot be answered either; one more is needed to find the place of a key.
        _keys = memory.Take(messageBodySizeMax + KeySizeMax);
        _spareKeys = memory.Take(messageBodySizeMax + KeySizeMax);
        for (int i = 0; i < _keyColumns.Length; i++) _keyColumns[i] = new ColumnWalk(trees.Columns);
        for (int i = 0; i < _columns.Length; i++) _columns[i] = new ColumnWalk(trees.Columns);
    }

    public long BytesRead { get; private set; }

    public void Begin(QueryPlan plan)
    {
        _count = 0;
        _slotsUsed = 0;
        _keysUsed = 0;
        BytesRead = 0;
        for (int i = 0; i < plan.GroupCount; i++) Open(_keyColumns[i], plan.GroupSlots[i]);
        for (int i = 0; i < plan.AggregateCount; i++)
            if (plan.Aggregates[i].Slot >= 0) Open(_columns[i], plan.Aggregates[i].Slot);
        if (plan.GroupCount == 0) Insert(0, default, 0, plan.AggregateCount);
    }

    private void Open(ColumnWalk walk, int slot)
    {
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        walk.Begin(_view.Number, attribute.Number, attribute.Type, AttributeTypes.ColumnWidth(attribute.Type));
    }

    /// <summary>Takes the documents of the mask. False: the error has been written.</summary>
    public bool AddWindow(QueryPlan plan, uint window, ReadOnlySpan<ulong> mask, ref ErrorText error)
    {
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Next(mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(mask, bit + 1))
        {
            uint document = first + (uint)bit;
            int group = 0;
            if (plan.GroupCount > 0 && !TryGroup(plan, document, out group, ref error)) return false;
            if (group >= 0) Add(plan, States(group, plan.AggregateCount), document);
        }
        return true;
    }

    private Span<State> States(int group, int aggregates) =>
        _states.As<State>().Slice(group * Limits.AggregatesMax, aggregates);

    private Span<byte> KeyBytes => _spareIsActive ? _spareKeys.Span : _keys.Span;

    /// <summary>Finds or makes the document's group; -1 if its key comes after those that the answer has room
    /// for.</summary>
    private bool TryGroup(QueryPlan plan, uint document, out int group, ref ErrorText error)
    {
        ReadOnlySpan<byte> key = BuildKey(plan, document);
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            Group other = _groups[_sorted[middle]];
            int order = KeyBytes.Slice(other.KeyOffset, other.KeySize).SequenceCompareTo(key);
            group = _sorted[middle];
            if (order == 0) return true;
            if (order < 0) low = middle + 1;
            else high = middle;
        }
        group = -1;
        if (low == plan.Limit) return true;
        if (_count == plan.Limit) _count--;
        if (key.Length > KeyBytes.Length - _keysUsed) Compact();
        if (key.Length > KeyBytes.Length - _keysUsed)
        {
            error.Begin(ErrorCode.ReplyTooLarge)
                .Text("the keys of the groups do not fit into one message; lower limit "u8)
                .Text("or group by fewer attributes"u8);
            return false;
        }
        group = Insert(low, key, document, plan.AggregateCount);
        return true;
    }

    /// <summary>Puts a new group at a place of the order. A group that was pushed out left its slot behind the
    /// last.</summary>
    private int Insert(int place, ReadOnlySpan<byte> key, uint document, int aggregates)
    {
        Check.That(_count < Limits.GroupsMax);
        int group = _count < _slotsUsed ? _sorted[_count] : _slotsUsed++;
        _sorted.AsSpan(place, _count - place).CopyTo(_sorted.AsSpan(place + 1));
        _sorted[place] = group;
        key.CopyTo(KeyBytes[_keysUsed..]);
        _groups[group] = new Group { KeyOffset = _keysUsed, KeySize = key.Length, Document = document };
        _keysUsed += key.Length;
        _count++;
        States(group, aggregates).Clear();
        return group;
    }

    /// <summary>Drops the keys of groups that were pushed out.</summary>
    private void Compact()
    {
        Span<byte> from = KeyBytes;
        _spareIsActive = !_spareIsActive;
        _keysUsed = 0;
        foreach (int group in _sorted.AsSpan(0, _count))
        {
            ref Group kept = ref _groups[group];
            from.Slice(kept.KeyOffset, kept.KeySize).CopyTo(KeyBytes[_keysUsed..]);
            kept.KeyOffset = _keysUsed;
            _keysUsed += kept.KeySize;
        }
    }

    /// <summary>The document's key values as bytes whose order is the order of the values: 0 for null, else 1 and the
    /// value; a string's zero bytes are followed by 255 and its end is two zeroes.</summary>
    private ReadOnlySpan<byte> BuildKey(QueryPlan plan, uint document)
    {
        Span<byte> key = _key;
        int size = 0;
        for (int i = 0; i < plan.GroupCount; i++)
        {
            bool has = _keyColumns[i].TryRead(document, out ReadOnlySpan<byte> row);
            key[size++] = has ? (byte)1 : (byte)0;
            if (!has) continue;
            if (_keyColumns[i].Type == AttributeType.String)
            {
                foreach (byte value in row)
                {
                    key[size++] = value;
                    if (value == 0) key[size++] = byte.MaxValue;
                }
                key[size++] = 0;
                key[size++] = 0;
                continue;
            }
            BinaryPrimitives.WriteUInt128BigEndian(key[size..], ScalarKey.OfStored(_keyColumns[i].Type, row));
            size += 16;
        }
        return key[..size];
    }

    private void Add(QueryPlan plan, Span<State> states, uint document)
    {
        for (int i = 0; i < states.Length; i++)
        {
            ref readonly AggregatePlan aggregate = ref plan.Aggregates[i];
            ref State state = ref states[i];
            ReadOnlySpan<byte> row = default;
            if (aggregate.Slot >= 0 && !_columns[i].TryRead(document, out row)) continue;
            if (aggregate.Function != AggregateFunction.Count)
            {
                ulong key = (ulong)ScalarKey.OfStored(_columns[i].Type, row);
                if (state.Count == 0 || key < state.Least) state.Least = key;
                if (state.Count == 0 || key > state.Greatest) state.Greatest = key;
                switch (_columns[i].Type)
                {
                    case AttributeType.Float:
                        state.FloatSum += BinaryPrimitives.ReadDoubleLittleEndian(row);
                        break;
                    case AttributeType.Uint:
                        state.Sum += BinaryPrimitives.ReadUInt64LittleEndian(row);
                        break;
                    default:
                        state.Sum += BinaryPrimitives.ReadInt64LittleEndian(row);
                        break;
                }
            }
            state.Count++;
        }
    }

    /// <summary>Writes the answer of the sub-query. False: a sum does not fit its type; the error has been
    /// written.</summary>
    public bool Write(QueryPlan plan, ReadOnlySpan<byte> body, ref WireWriter writer, ref ErrorText error)
    {
        foreach (ColumnWalk walk in _keyColumns.AsSpan(0, plan.GroupCount)) BytesRead += walk.BytesRead;
        for (int i = 0; i < plan.AggregateCount; i++)
            if (plan.Aggregates[i].Slot >= 0) BytesRead += _columns[i].BytesRead;
        bool grouped = plan.GroupCount > 0;
        writer.U8((byte)(grouped ? ResultKind.Groups : ResultKind.Aggregates));
        writer.U16(plan.GroupCount + plan.AggregateCount);
        foreach (int slot in plan.GroupSlots) writer.Name(_view.AttributeName(slot));
        foreach (ref readonly AggregatePlan aggregate in plan.Aggregates)
            writer.Name(body.Slice(aggregate.LabelStart, aggregate.LabelSize));
        if (!grouped) return WriteAggregates(plan, 0, body, ref writer, ref error);
        writer.U32((uint)_count);
        for (int i = 0; i < _count && !writer.Overflowed; i++)
        {
            writer.U16(plan.GroupCount);
            for (int column = 0; column < plan.GroupCount; column++)
            {
                writer.U16(column);
                uint document = _groups[_sorted[i]].Document;
                if (_keyColumns[column].TryRead(document, out ReadOnlySpan<byte> row))
                    _keyColumns[column].Write(row, ref writer);
                else writer.U8((byte)ValueKind.Null);
            }
            if (!WriteAggregates(plan, _sorted[i], body, ref writer, ref error)) return false;
        }
        return true;
    }

    private bool WriteAggregates(
        QueryPlan plan, int group, ReadOnlySpan<byte> body, ref WireWriter writer, ref ErrorText error)
    {
        Span<State> states = States(group, plan.AggregateCount);
        writer.U16(plan.AggregateCount);
        for (int i = 0; i < states.Length; i++)
        {
            ref readonly AggregatePlan aggregate = ref plan.Aggregates[i];
            writer.U16(plan.GroupCount + i);
            AttributeType type = aggregate.Slot < 0 ? AttributeType.None : _columns[i].Type;
            if (TryWrite(aggregate.Function, type, states[i], ref writer)) continue;
            error.Begin(ErrorCode.LimitExceeded).Text("aggregate "u8)
                .Name(body.Slice(aggregate.LabelStart, aggregate.LabelSize)).Text(": the sum does not fit 64 bits"u8);
            return false;
        }
        return true;
    }

    /// <summary>Sums of nothing are 0; least, greatest and mean of nothing are null.</summary>
    private static bool TryWrite(AggregateFunction function, AttributeType type, in State state, ref WireWriter writer)
    {
        if (function == AggregateFunction.Count)
        {
            writer.U8((byte)ValueKind.Uint);
            writer.U64(state.Count);
            return true;
        }
        if (function == AggregateFunction.Sum && type != AttributeType.Float)
        {
            bool unsigned = type == AttributeType.Uint;
            if (unsigned ? state.Sum > ulong.MaxValue : state.Sum > long.MaxValue || state.Sum < long.MinValue)
                return false;
            writer.U8((byte)(unsigned ? ValueKind.Uint : ValueKind.Int));
            writer.U64(unchecked((ulong)state.Sum));
            return true;
        }
        if (state.Count == 0 && function != AggregateFunction.Sum)
        {
            writer.U8((byte)ValueKind.Null);
            return true;
        }
        if (function is AggregateFunction.Min or AggregateFunction.Max)
        {
            ulong key = function == AggregateFunction.Min ? state.Least : state.Greatest;
            writer.U8((byte)AttributeTypes.Kind(type));
            if (type == AttributeType.Float) writer.F64(ScalarKey.ToFloat(key));
            else writer.U64(type == AttributeType.Uint ? key : unchecked((ulong)ScalarKey.ToInt(key)));
            return true;
        }
        double sum = type == AttributeType.Float ? state.FloatSum : (double)state.Sum;
        if (!double.IsFinite(sum)) return false;
        writer.U8((byte)ValueKind.Float);
        writer.F64(function == AggregateFunction.Sum ? sum : sum / state.Count);
        return true;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct State
    {
        public Int128 Sum;
        public double FloatSum;
        public ulong Count;
        public ulong Least;
        public ulong Greatest;
    }

    private struct Group
    {
        public int KeyOffset;
        public int KeySize;

        /// <summary>One of the group's, from whose columns the key is written.</summary>
        public uint Document;
    }
}
