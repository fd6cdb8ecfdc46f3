using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Documents;

/// <summary>Reads the rows of a request into the stage: every value is checked and put into the form of its
/// attribute's type; attributes that the namespace does not have yet are inferred and added to the view.</summary>
[FloatAllowed("checks elements, adds zero to drop its sign, and narrows them, one by one")]
public sealed class RowReader
{
    private readonly NamespaceView _view;
    private readonly RowStage _stage;

    /// <summary>Per name of the request: where it lies in the body, and the slot, or -1 while the view does not know
    /// it.</summary>
    private readonly int[] _nameOffsets = new int[Limits.AttributesPerNamespaceMax];
    private readonly byte[] _nameSizes = new byte[Limits.AttributesPerNamespaceMax];
    private readonly int[] _nameSlots = new int[Limits.AttributesPerNamespaceMax];
    private int _names;

    /// <summary>Attributes of the row at hand in the order of their numbers, and where their values lie.</summary>
    private readonly int[] _slots = new int[Limits.AttributesPerNamespaceMax];
    private readonly int[] _positions = new int[Limits.AttributesPerNamespaceMax];
    private int _count;

    public RowReader(NamespaceView view, RowStage stage)
    {
        _view = view;
        _stage = stage;
    }

    public bool TryNames(ref WireReader reader, ref ErrorText error)
    {
        _names = reader.U16();
        if (_names > Limits.AttributesPerNamespaceMax)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("rows name "u8).Number((long)_names)
                .Text(" attributes, limit is "u8)
                .Number((long)Limits.AttributesPerNamespaceMax);
            return false;
        }
        for (int i = 0; i < _names; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            if (reader.Failed) return error.Malformed("attribute names"u8);
            _nameOffsets[i] = reader.Position - name.Length;
            _nameSizes[i] = (byte)name.Length;
            _nameSlots[i] = _view.TryFind(name, out int slot) ? slot : -1;
            if (slot == 0 && _nameSlots[i] == 0)
            {
                error.Begin(ErrorCode.InvalidArgument)
                    .Text("`id` is given twice: as the row's id and as an attribute"u8);
                return false;
            }
        }
        return !reader.Failed || error.Malformed("attribute names"u8);
    }

    /// <summary>Reads an id and its attributes. <paramref name="index"/> is for the error's text.</summary>
    public bool TryRow(ref WireReader reader, ReadOnlySpan<byte> body, StagedKind kind, uint index, ref ErrorText error)
    {
        if (!_stage.HasRoom(0)) return NoRoom(ref error);
        ref StagedRow row = ref _stage.Add(kind);
        WireWriter writer = new(_stage.Free);
        if (!TryId(ref reader, index, ref writer, ref error)) return false;
        if (kind == StagedKind.Delete)
        {
            writer.U16(0);
            if (writer.Overflowed) return NoRoom(ref error);
            row.Size = writer.Position;
            row.Offset = _stage.Take(writer.Position);
            return true;
        }
        int count = reader.U16();
        _count = 0;
        for (int i = 0; i < count; i++)
        {
            int name = reader.U16();
            if (reader.Failed || name >= _names) return error.Malformed("row"u8);
            int position = reader.Position;
            EncodedValue value = EncodedValue.Read(ref reader);
            if (reader.Failed) return error.Malformed("row"u8);
            ReadOnlySpan<byte> text = body.Slice(_nameOffsets[name], _nameSizes[name]);
            if (_nameSlots[name] < 0 && _view.TryFind(text, out int known)) _nameSlots[name] = known;
            if (_nameSlots[name] < 0)
            {
                if (value.IsNull) continue;
                if (!TryInfer(text, value, ref error, out _nameSlots[name])) return false;
            }
            if (!TryInsert(_nameSlots[name], position, text, ref error)) return false;
        }
        return TryWrite(ref row, body, index, ref writer, ref error);
    }

    /// <summary>Reads the values of a patch by filter (u16 count and pairs of name and value) as a row without an
    /// id.</summary>
    public bool TryPatchValues(ref WireReader reader, ReadOnlySpan<byte> body, ref ErrorText error)
    {
        if (!_stage.HasRoom(0)) return NoRoom(ref error);
        ref StagedRow row = ref _stage.Add(StagedKind.Patch);
        WireWriter writer = new(_stage.Free);
        writer.U8((byte)ValueKind.Null);
        int count = reader.U16();
        _count = 0;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            int position = reader.Position;
            EncodedValue value = EncodedValue.Read(ref reader);
            if (reader.Failed) return error.Malformed("patch_by_filter"u8);
            if (!_view.TryFind(name, out int slot))
            {
                if (value.IsNull) continue;
                if (!TryInfer(name, value, ref error, out slot)) return false;
            }
            if (slot == 0)
            {
                error.Begin(ErrorCode.InvalidArgument).Text("`id` cannot be patched"u8);
                return false;
            }
            if (!TryInsert(slot, position, name, ref error)) return false;
        }
        if (reader.Failed) return error.Malformed("patch_by_filter"u8);
        return TryWrite(ref row, body, 0, ref writer, ref error);
    }

    private bool TryId(ref WireReader reader, uint index, ref WireWriter writer, ref ErrorText error)
    {
        EncodedValue id = EncodedValue.Read(ref reader);
        if (reader.Failed) return error.Malformed("id"u8);
        ref NamespaceRecord record = ref _view.Record;
        if (record.IdType == AttributeType.None)
        {
            record.IdType = id.Kind switch
            {
                ValueKind.Int or ValueKind.Uint => AttributeType.Uint,
                ValueKind.Uuid => AttributeType.Uuid,
                ValueKind.String => AttributeType.String,
                _ => AttributeType.None,
            };
        }
        bool sized = id.Kind != ValueKind.String || record.IdType != AttributeType.String ||
            id.Payload.Length is > 0 and <= Limits.IdSizeMax;
        if (!sized)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("`id` of row "u8).Number((ulong)index).Text(" has "u8)
                .Number((long)id.Payload.Length).Text(" bytes, limit is 1 to "u8).Number((long)Limits.IdSizeMax);
            return false;
        }
        if (record.IdType != AttributeType.None && ValueConversion.TryConvert(id, record.IdType, ref writer))
            return true;
        error.Begin(ErrorCode.TypeMismatch).Text("`id` of row "u8).Number((ulong)index).Text(" must be "u8);
        if (record.IdType == AttributeType.None) error.Text("uint, uuid or string"u8);
        else AttributeTypes.Describe(ref error, record.IdType, 0);
        error.Text(", got "u8);
        AttributeTypes.Describe(ref error, id.Kind);
        return false;
    }

    private bool TryInfer(ReadOnlySpan<byte> name, scoped in EncodedValue value, ref ErrorText error, out int slot)
    {
        AttributeRecord record = new() { Flags = AttributeFlags.Filterable };
        if (name.SequenceEqual("vector"u8) && value.Kind is ValueKind.Vector or ValueKind.Array)
        {
            record = new() { Type = AttributeType.VectorF32, Dimensions = (uint)ValueConversion.Dimensions(value) };
            if (record.Dimensions is 0 or > Limits.DimensionsMax)
            {
                slot = 0;
                error.Begin(ErrorCode.LimitExceeded).Text("attribute `vector` has "u8).Number((long)record.Dimensions)
                    .Text(" dimensions, limit is 1 to "u8).Number((long)Limits.DimensionsMax);
                return false;
            }
        }
        else
        {
            record.Type = ValueConversion.Infer(value);
        }
        if (record.Type != AttributeType.None) return SchemaChange.TryAdd(name, record, _view, ref error, out slot);
        slot = 0;
        error.Begin(ErrorCode.InvalidArgument).Text("type of new attribute "u8).Name(name)
            .Text(" cannot be told from this value ("u8);
        AttributeTypes.Describe(ref error, value.Kind);
        error.Text("): declare it in the schema"u8);
        return false;
    }

    private bool TryInsert(int slot, int position, ReadOnlySpan<byte> name, ref ErrorText error)
    {
        int at = _count;
        while (at > 0 && _slots[at - 1] > slot) at--;
        if (at > 0 && _slots[at - 1] == slot)
        {
            error.Begin(ErrorCode.InvalidArgument).Text("attribute "u8).Name(name).Text(" is given twice in one row"u8);
            return false;
        }
        _slots.AsSpan(at, _count - at).CopyTo(_slots.AsSpan(at + 1));
        _positions.AsSpan(at, _count - at).CopyTo(_positions.AsSpan(at + 1));
        _slots[at] = slot;
        _positions[at] = position;
        _count++;
        return true;
    }

    /// <summary>Writes the attributes behind the id: values in the row, vectors behind the row.</summary>
    private bool TryWrite(
        ref StagedRow row, ReadOnlySpan<byte> body, uint index, ref WireWriter writer, ref ErrorText error)
    {
        int countAt = writer.ReserveU16();
        int written = 0;
        for (int i = 0; i < _count; i++)
        {
            ref AttributeRecord attribute = ref _view.Attribute(_slots[i]);
            if (AttributeTypes.IsVector(attribute.Type)) continue;
            WireReader reader = new(body[_positions[i]..]);
            EncodedValue value = EncodedValue.Read(ref reader);
            if (value.IsNull && row.Kind == StagedKind.Upsert) continue;
            writer.U16(attribute.Number);
            written++;
            if (value.IsNull)
            {
                writer.U8((byte)ValueKind.Null);
                continue;
            }
            if (!TryValue(attribute, value, index, ref writer, ref error)) return false;
        }
        writer.PatchU16(countAt, written);
        if (writer.Overflowed) return NoRoom(ref error);
        row.Size = writer.Position;
        row.Offset = _stage.Take(writer.Position);
        for (int i = 0; i < _count; i++)
        {
            if (!AttributeTypes.IsVector(_view.Attribute(_slots[i]).Type)) continue;
            WireReader reader = new(body[_positions[i]..]);
            EncodedValue value = EncodedValue.Read(ref reader);
            if (!TryVector(ref row, _slots[i], value, index, ref error)) return false;
        }
        return true;
    }

    private bool TryValue(
        in AttributeRecord attribute, scoped in EncodedValue value, uint index, ref WireWriter writer,
            ref ErrorText error)
    {
        ReadOnlySpan<byte> name = _view.AttributeName(attribute.Number);
        SparseFault fault = value.Kind == ValueKind.Sparse ? SparseVector.Judge(value.Payload) : default;
        if (attribute.Type == AttributeType.SparseF16 && !fault.IsNone)
        {
            error.Begin(fault.Code).Text("attribute "u8).Name(name).Text(" of row "u8).Number((ulong)index);
            fault.Describe(ref error);
            return false;
        }
        if (!ValueConversion.TryConvert(value, attribute.Type, ref writer))
        {
            error.Begin(ErrorCode.TypeMismatch).Text("attribute "u8).Name(name).Text(" of row "u8).Number((ulong)index)
                .Text(" must be "u8);
            AttributeTypes.Describe(ref error, attribute.Type, 0);
            error.Text(", got a value of kind "u8);
            AttributeTypes.Describe(ref error, value.Kind);
            error.Text(" that is not one"u8);
            return false;
        }
        if (value.Kind == ValueKind.Array && value.ElementCount > Limits.ArrayElementsMax)
            return TooLarge(name, index, "elements"u8, value.ElementCount, Limits.ArrayElementsMax, ref error);
        if ((attribute.Flags & AttributeFlags.Filterable) == 0) return true;
        int longest = LongestString(value);
        return longest <= Limits.FilterableValueSizeMax ||
            TooLarge(name, index, "bytes and is filterable"u8, longest, Limits.FilterableValueSizeMax, ref error);
    }

    private static int LongestString(scoped in EncodedValue value)
    {
        if (value.Kind == ValueKind.String) return value.Payload.Length;
        if (value.Kind != ValueKind.Array) return 0;
        int longest = 0;
        WireReader elements = value.Elements;
        for (int i = value.ElementCount; i > 0; i--)
        {
            EncodedValue element = EncodedValue.Read(ref elements, element: true);
            if (element.Kind == ValueKind.String) longest = Math32.Max(longest, element.Payload.Length);
        }
        return longest;
    }

    private bool TryVector(
        ref StagedRow row, int slot, scoped in EncodedValue value, uint index, ref ErrorText error)
    {
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        ReadOnlySpan<byte> name = _view.AttributeName(slot);
        if (row.Kind == StagedKind.Patch)
        {
            error.Begin(ErrorCode.InvalidArgument).Text("vector attribute "u8).Name(name).Text(" cannot be patched"u8);
            return false;
        }
        if (value.IsNull) return true;
        int dimensions = ValueConversion.Dimensions(value);
        if (dimensions >= 0 && dimensions != attribute.Dimensions)
        {
            error.Begin(ErrorCode.DimensionMismatch).Text("vector attribute "u8).Name(name).Text(" has "u8)
                .Number((long)attribute.Dimensions).Text(" dimensions, got "u8).Number((long)dimensions)
                .Text(" in row "u8).Number((ulong)index);
            return false;
        }
        int size = dimensions < 0 ? 0 : 4 * dimensions;
        if (!_stage.HasRoomForBytes(size)) return NoRoom(ref error);
        Span<float> elements = MemoryMarshal.Cast<byte, float>(_stage.Free[..size]);
        if (dimensions < 0 || !ValueConversion.TryVector(value, elements))
        {
            error.Begin(ErrorCode.TypeMismatch).Text("attribute "u8).Name(name).Text(" of row "u8).Number((ulong)index)
                .Text(" must be "u8);
            AttributeTypes.Describe(ref error, attribute.Type, attribute.Dimensions);
            error.Text(", got "u8);
            AttributeTypes.Describe(ref error, value.Kind);
            return false;
        }
        int bad = attribute.Type == AttributeType.VectorF16 ? ToHalf(elements) : Normalize(elements);
        if (bad >= 0)
        {
            error.Begin(ErrorCode.NotFinite).Text("element "u8).Number((long)bad)
                .Text(" of vector attribute "u8).Name(name)
                .Text(" in row "u8).Number((ulong)index)
                .Text(attribute.Type == AttributeType.VectorF16
                    ? " is not a finite f16 number (limit of its magnitude is 65504)"u8
                    : " is not a finite number of magnitude up to 2^40"u8);
            return false;
        }
        int column = _stage.AddVectorColumn(attribute.Number, DocumentStore.RowSize(attribute));
        _stage.SetVector(ref row, column, _stage.Take(DocumentStore.RowSize(attribute)));
        return true;
    }

    /// <summary>Adds zero, which turns -0 into +0; the index of the first element outside the limits, or -1.</summary>
    private static int Normalize(Span<float> elements)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            float x = elements[i] + 0f;
            if (!(x <= Limits.VectorElementMax && x >= -Limits.VectorElementMax)) return i;
            elements[i] = x;
        }
        return -1;
    }

    /// <summary>Narrows in place: element i is read before anything at or behind it is written.</summary>
    private static int ToHalf(Span<float> elements)
    {
        Span<Half> halves = MemoryMarshal.Cast<float, Half>(elements);
        for (int i = 0; i < elements.Length; i++)
        {
            Half x = (Half)(elements[i] + 0f);
            if (!Half.IsFinite(x)) return i;
            halves[i] = x == (Half)0f ? (Half)0f : x;
        }
        return -1;
    }

    private static bool TooLarge(ReadOnlySpan<byte> name, uint index, ReadOnlySpan<byte> what, int got, int limit,
        ref ErrorText error)
    {
        error.Begin(ErrorCode.LimitExceeded).Text("attribute "u8).Name(name).Text(" of row "u8).Number((ulong)index)
            .Text(" has "u8).Number((long)got).Text(" "u8).Text(what).Text(", limit is "u8).Number((long)limit);
        return false;
    }

    private static bool NoRoom(ref ErrorText error)
    {
        error.Begin(ErrorCode.LimitExceeded).Text("rows of this request take more than the limit of "u8)
            .Number((long)WriteLimits.StageSize).Text(" bytes: send fewer rows at once"u8);
        return false;
    }
}
