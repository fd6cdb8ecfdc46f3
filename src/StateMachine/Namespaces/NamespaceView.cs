using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Namespaces;

/// <summary>One namespace opened for the length of one operation: its record and its attributes, findable by name and
/// by number. Slot 0 is the id (name `id`, number 0, type of the ids, filterable); slots 1 to
/// <see cref="AttributeCount"/> are the attributes in the order of their numbers. Changes stay in the view until
/// <see cref="Save"/>. Operations of one batch that write into one namespace one after the other read it once, as long
/// as their owner says when it may have changed otherwise (<see cref="Forget"/>).</summary>
public sealed class NamespaceView
{
    private const int SlotsMax = 1 + Limits.AttributesPerNamespaceMax;

    private readonly Tree _namespaces;
    private readonly Tree _attributes;
    private readonly AttributeRecord[] _records = new AttributeRecord[SlotsMax];
    private readonly byte[] _names = new byte[SlotsMax * Limits.AttributeNameSizeMax];
    private readonly byte[] _nameSizes = new byte[SlotsMax];

    /// <summary>Slots from 1 on in the order of their names' bytes.</summary>
    private readonly ushort[] _byName = new ushort[SlotsMax];
    private readonly byte[] _name = new byte[Limits.NamespaceNameSizeMax];
    private int _nameSize;
    private NamespaceRecord _record;

    /// <summary>The trees hold what the view holds.</summary>
    private bool _saved;

    public NamespaceView(Tree namespaces, Tree attributes)
    {
        _namespaces = namespaces;
        _attributes = attributes;
        "id"u8.CopyTo(_names);
        _nameSizes[0] = 2;
    }

    public ref NamespaceRecord Record => ref _record;
    public ulong Number => _record.Number;
    public int AttributeCount { get; private set; }
    public ReadOnlySpan<byte> Name => _name.AsSpan(0, _nameSize);

    public ref AttributeRecord Attribute(int slot)
    {
        Check.That(slot >= 0 && slot <= AttributeCount);
        if (slot == 0) _records[0].Type = _record.IdType;
        return ref _records[slot];
    }

    public ReadOnlySpan<byte> AttributeName(int slot)
    {
        Check.That(slot >= 0 && slot <= AttributeCount);
        return _names.AsSpan(slot * Limits.AttributeNameSizeMax, _nameSizes[slot]);
    }

    /// <summary>The slot of the <paramref name="index"/>-th attribute in the order of names, the id not among
    /// them.</summary>
    public int SlotInNameOrder(int index)
    {
        Check.That(index >= 0 && index < AttributeCount);
        return _byName[index];
    }

    /// <summary>False if there is no such namespace; the view is then empty.</summary>
    public bool TryOpen(ReadOnlySpan<byte> name)
    {
        bool same = _saved && name.SequenceEqual(Name);
        // It is changed next, perhaps only in part.
        _saved = false;
        if (same)
        {
            ResetId();
            return true;
        }
        Reset(name);
        if (!_namespaces.TryGet(name, out ReadOnlySpan<byte> value)) return false;
        _record = MemoryMarshal.Read<NamespaceRecord>(value);
        Check.That(_record.Number > 0);
        LoadAttributes();
        return true;
    }

    /// <summary>A namespace that exists only in the view until it is saved.</summary>
    public void Create(ReadOnlySpan<byte> name, ulong number, ulong timestamp)
    {
        Check.That(number > 0);
        Reset(name);
        _record.Number = number;
        _record.CreatedAt = timestamp;
        _record.UpdatedAt = timestamp;
        _record.NextDocument = 1;
        _record.NextAttribute = 1;
    }

    public bool TryFind(ReadOnlySpan<byte> name, out int slot)
    {
        if (name.SequenceEqual("id"u8))
        {
            slot = 0;
            return true;
        }
        int at = LowerBound(name);
        slot = at < AttributeCount ? _byName[at] : 0;
        return at < AttributeCount && AttributeName(slot).SequenceEqual(name);
    }

    /// <summary>Numbers are dense, so a number is its own slot.</summary>
    public bool TryFindNumber(ushort number, out int slot)
    {
        slot = number;
        return number <= AttributeCount;
    }

    /// <summary>Adds an attribute with the next number and returns its slot. The caller has checked that there is
    /// room.</summary>
    public int Add(ReadOnlySpan<byte> name, in AttributeRecord record)
    {
        Check.That(AttributeCount < Limits.AttributesPerNamespaceMax);
        Check.That(!TryFind(name, out _));
        int slot = Insert(name, record);
        _records[slot].Number = _record.NextAttribute;
        _record.NextAttribute++;
        return slot;
    }

    /// <summary>Writes the record and all attributes.</summary>
    public void Save()
    {
        Check.That(_record.Number > 0);
        _namespaces.Put(Name, MemoryMarshal.AsBytes(new ReadOnlySpan<NamespaceRecord>(in _record)));
        Keys key = new(stackalloc byte[8 + Limits.AttributeNameSizeMax]);
        for (int slot = 1; slot <= AttributeCount; slot++)
        {
            key.Namespace(_record.Number).Bytes(AttributeName(slot));
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<AttributeRecord>(in _records[slot]));
            if (_attributes.TryGet(key.Key, out ReadOnlySpan<byte> old) && old.SequenceEqual(bytes)) continue;
            _attributes.Put(key.Key, bytes);
        }
        _saved = true;
    }

    /// <summary>Somebody else may change the namespace.</summary>
    public void Forget() => _saved = false;

    private void Reset(ReadOnlySpan<byte> name)
    {
        Check.That(name.Length is > 0 and <= Limits.NamespaceNameSizeMax);
        name.CopyTo(_name);
        _nameSize = name.Length;
        _record = default;
        ResetId();
        AttributeCount = 0;
        _saved = false;
    }

    private void ResetId()
    {
        _records[0] = default;
        _records[0].Flags = AttributeFlags.Filterable;
    }

    private void LoadAttributes()
    {
        Keys prefix = new(stackalloc byte[8]);
        prefix.Namespace(_record.Number);
        TreeCursor cursor = _attributes.Seek(prefix.Key, prefix.Size);
        while (cursor.Valid)
        {
            Insert(cursor.Key[8..], MemoryMarshal.Read<AttributeRecord>(cursor.Value));
            cursor.Next();
        }
        Check.That(AttributeCount == _record.NextAttribute - 1);
    }

    private int Insert(ReadOnlySpan<byte> name, in AttributeRecord record)
    {
        int at = LowerBound(name);
        // A record that is being loaded keeps its place in the order of numbers; a new one comes last.
        int slot = record.Number == 0 ? AttributeCount + 1 : record.Number;
        name.CopyTo(_names.AsSpan(slot * Limits.AttributeNameSizeMax));
        _nameSizes[slot] = (byte)name.Length;
        _records[slot] = record;
        _byName.AsSpan(at, AttributeCount - at).CopyTo(_byName.AsSpan(at + 1));
        _byName[at] = (ushort)slot;
        AttributeCount++;
        return slot;
    }

    private int LowerBound(ReadOnlySpan<byte> name)
    {
        int low = 0;
        int high = AttributeCount;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            int slot = _byName[middle];
            ReadOnlySpan<byte> other = _names.AsSpan(slot * Limits.AttributeNameSizeMax, _nameSizes[slot]);
            if (other.SequenceCompareTo(name) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
