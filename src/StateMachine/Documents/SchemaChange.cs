using System;
using System.Runtime.InteropServices;
using System.Text.Unicode;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Documents;

/// <summary>Takes a request's schema into a view: first all of it is checked and put into the view, then, when the
/// whole request has proved right, the indexes that it asks for are built or dropped.</summary>
[FloatAllowed("bounds of options, compared only")]
public sealed class SchemaChange
{
    private readonly AttributeFlags[] _flagsBefore = new AttributeFlags[Limits.AttributesPerNamespaceMax + 1];
    private readonly TextOptions[] _textBefore = new TextOptions[Limits.AttributesPerNamespaceMax + 1];
    private int _attributesBefore;

    /// <summary>Remembers what the namespace is indexed by now.</summary>
    public void Begin(NamespaceView view)
    {
        _attributesBefore = view.AttributeCount;
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            _flagsBefore[slot] = view.Attribute(slot).Flags;
            _textBefore[slot] = view.Attribute(slot).Text;
        }
    }

    public bool TryRead(ref WireReader reader, NamespaceView view, ref ErrorText error)
    {
        int count = reader.U16();
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            AttributeType type = (AttributeType)reader.U8();
            uint dimensions = reader.U32();
            SchemaFlags flags = (SchemaFlags)reader.U8();
            TextOptions text = default;
            if ((flags & SchemaFlags.FullText) != 0)
            {
                ReadOnlySpan<byte> options = reader.Bytes(16);
                if (!reader.Failed) text = MemoryMarshal.Read<TextOptions>(options);
            }
            bool says = (flags & SchemaFlags.Patterns) != 0;
            PatternFlags patterns = says ? (PatternFlags)reader.U8() : PatternFlags.None;
            bool unknown = (flags & ~SchemaFlags.All) != 0 || (patterns & ~PatternFlags.All) != 0;
            if (reader.Failed || unknown) return error.Malformed("schema"u8);
            if (!TryPut(name, type, dimensions, flags, patterns, text, view, ref error)) return false;
        }
        return !reader.Failed || error.Malformed("schema"u8);
    }

    /// <summary>Steps over a schema without looking at it; false if the bytes are none.</summary>
    public static bool TrySkip(ref WireReader reader)
    {
        int count = reader.U16();
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            reader.Name();
            reader.U8();
            reader.U32();
            SchemaFlags flags = (SchemaFlags)reader.U8();
            if ((flags & SchemaFlags.FullText) != 0) reader.Bytes(16);
            if ((flags & SchemaFlags.Patterns) != 0) reader.U8();
        }
        return !reader.Failed;
    }

    /// <summary>Asks for what <see cref="Measure"/> and <see cref="BuildIndexes"/> read and change.</summary>
    /// <param name="view">With the change in it.</param>
    /// <param name="trees">The trees.</param>
    /// <param name="all">Whether rows are needed even if nothing is built now.</param>
    public void TouchIndexes(NamespaceView view, Trees trees, bool all)
    {
        Keys key = new(stackalloc byte[10]);
        for (int slot = 1; slot <= _attributesBefore; slot++)
        {
            ref AttributeRecord attribute = ref view.Attribute(slot);
            if (!IndexesChanged(attribute, slot)) continue;
            all = true;
            key.Namespace(view.Number).Attribute((ushort)slot);
            trees.Columns.TouchPrefix(key.Key);
            trees.Terms.TouchPrefix(key.Key);
            trees.Postings.TouchPrefix(key.Key);
            key.Namespace(view.Number).Attribute((ushort)(slot | Keys.TokenCountColumn));
            trees.Columns.TouchPrefix(key.Key);
        }
        if (!all) return;
        key.Namespace(view.Number);
        trees.Liveness.TouchPrefix(key.Key);
        trees.Documents.TouchPrefix(key.Key);
    }

    /// <summary>Whether carrying out the change walks over existing rows.</summary>
    public bool RebuildsIndexes(NamespaceView view)
    {
        for (int slot = 1; slot <= _attributesBefore; slot++)
        {
            ref AttributeRecord attribute = ref view.Attribute(slot);
            if (IndexesChanged(attribute, slot)) return view.Record.Rows > 0;
        }
        return false;
    }

    /// <summary>Adds what the change makes the state grow by; rows of the request not among it.</summary>
    public void Measure(NamespaceView view, DocumentStore store, ref StateGrowth growth)
    {
        growth.AddAttributes(view, _attributesBefore);
        if (!RebuildsIndexes(view)) return;
        for (int slot = 1; slot <= _attributesBefore; slot++)
        {
            AttributeRecord attribute = view.Attribute(slot);
            AttributeFlags added = attribute.Flags & ~_flagsBefore[slot];
            if ((added & AttributeFlags.Filterable) != 0) growth.AddColumn(view);
            if ((added & AttributeFlags.FullText) == 0 && !TextChanged(attribute, slot)) continue;
            growth.AddColumn(view);
            store.MeasureText(view, slot, ref growth);
        }
    }

    public void BuildIndexes(NamespaceView view, DocumentStore store)
    {
        for (int slot = 1; slot <= _attributesBefore; slot++)
        {
            AttributeRecord attribute = view.Attribute(slot);
            bool filterable = (attribute.Flags & AttributeFlags.Filterable) != 0;
            bool wasFilterable = (_flagsBefore[slot] & AttributeFlags.Filterable) != 0;
            bool fullText = (attribute.Flags & AttributeFlags.FullText) != 0;
            bool wasFullText = (_flagsBefore[slot] & AttributeFlags.FullText) != 0;
            if (filterable && !wasFilterable) store.BuildColumn(view, slot);
            if (!filterable && wasFilterable) store.DropColumn(view, slot, tokenCounts: false);
            bool retokenize = TextChanged(attribute, slot);
            if (wasFullText && (!fullText || retokenize)) store.DropText(view, slot);
            if (fullText && (!wasFullText || retokenize)) store.BuildText(view, slot);
        }
    }

    public static bool TryCheckName(ReadOnlySpan<byte> name, ref ErrorText error)
    {
        if (name.Length is > 0 and <= Limits.AttributeNameSizeMax && name[0] != '$' && Utf8.IsValid(name)) return true;
        error.Begin(ErrorCode.InvalidArgument).Text("attribute name "u8).Name(name)
            .Text(" must be UTF-8 of 1 to 128 bytes and not begin with $"u8);
        return false;
    }

    /// <summary>Adds an attribute to the view if the limits of names and vector columns let it.</summary>
    public static bool TryAdd(
        ReadOnlySpan<byte> name, in AttributeRecord record, NamespaceView view, ref ErrorText error, out int slot)
    {
        slot = 0;
        if (!TryCheckName(name, ref error)) return false;
        if (view.AttributeCount == Limits.AttributesPerNamespaceMax)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("attribute "u8).Name(name)
                .Text(" would be one more than the limit of "u8).Number((long)Limits.AttributesPerNamespaceMax);
            return false;
        }
        if (AttributeTypes.IsVector(record.Type))
        {
            if (view.Record.VectorColumns == Limits.VectorColumnsMax)
            {
                error.Begin(ErrorCode.LimitExceeded).Text("vector attribute "u8).Name(name)
                    .Text(" would be one more than the limit of "u8).Number((long)Limits.VectorColumnsMax);
                return false;
            }
            view.Record.VectorColumns++;
        }
        slot = view.Add(name, record);
        return true;
    }

    private bool IndexesChanged(in AttributeRecord attribute, int slot) =>
        ((attribute.Flags ^ _flagsBefore[slot]) & AttributeFlags.Indexes) != 0 || TextChanged(attribute, slot);

    private bool TextChanged(in AttributeRecord attribute, int slot)
    {
        if ((attribute.Flags & _flagsBefore[slot] & AttributeFlags.FullText) == 0) return false;
        TextOptions before = _textBefore[slot];
        return attribute.Text.Tokenizer != before.Tokenizer || attribute.Text.Language != before.Language ||
            attribute.Text.Flags != before.Flags || attribute.Text.TokenSizeMax != before.TokenSizeMax;
    }

    private static bool TryPut(ReadOnlySpan<byte> name, AttributeType type, uint dimensions, SchemaFlags flags,
        PatternFlags patterns, in TextOptions text, NamespaceView view, ref ErrorText error)
    {
        if (name.SequenceEqual("id"u8)) return TryPutId(type, view, ref error);
        if (!TryCheckType(name, type, dimensions, flags, text, ref error)) return false;
        if (!TryCheckPatterns(name, type, patterns, ref error)) return false;
        if (!view.TryFind(name, out int slot))
        {
            AttributeRecord record = new() { Type = type, Dimensions = dimensions };
            Put(ref record, flags, patterns, text);
            return TryAdd(name, record, view, ref error, out _);
        }
        ref AttributeRecord existing = ref view.Attribute(slot);
        if (existing.Type != type || existing.Dimensions != dimensions)
        {
            error.Begin(ErrorCode.SchemaConflict).Text("attribute "u8).Name(name).Text(" has type "u8);
            AttributeTypes.Describe(ref error, existing.Type, existing.Dimensions);
            error.Text(", which cannot be changed to "u8);
            AttributeTypes.Describe(ref error, type, dimensions);
            return false;
        }
        Put(ref existing, flags, patterns, text);
        return true;
    }

    /// <summary>Filterable unless said otherwise; a new attribute for full text or patterns is not unless said so;
    /// vectors and sparse vectors never are.</summary>
    private static void Put(
        ref AttributeRecord record, SchemaFlags flags, PatternFlags patterns, in TextOptions text)
    {
        if (AttributeTypes.IsVector(record.Type) || record.Type == AttributeType.SparseF16) return;
        Put(ref record, patterns, PatternFlags.Glob, PatternFlags.GlobSaid, AttributeFlags.Glob);
        Put(ref record, patterns, PatternFlags.Regex, PatternFlags.RegexSaid, AttributeFlags.Regex);
        Put(ref record, patterns, PatternFlags.Fuzzy, PatternFlags.FuzzySaid, AttributeFlags.Fuzzy);
        if ((flags & SchemaFlags.FullTextSaid) != 0)
        {
            bool on = (flags & SchemaFlags.FullText) != 0;
            record.Flags = on ? record.Flags | AttributeFlags.FullText : record.Flags & ~AttributeFlags.FullText;
            record.Text = text;
        }
        bool said = (flags & SchemaFlags.FilterableSaid) != 0;
        bool isNew = record.Number == 0;
        bool filterable = said
            ? (flags & SchemaFlags.Filterable) != 0
            : isNew ? record.Flags == AttributeFlags.None : (record.Flags & AttributeFlags.Filterable) != 0;
        record.Flags = filterable ?
            record.Flags | AttributeFlags.Filterable : record.Flags & ~AttributeFlags.Filterable;
    }

    private static void Put(
        ref AttributeRecord record, PatternFlags patterns, PatternFlags on, PatternFlags about, AttributeFlags flag)
    {
        if ((patterns & about) == 0) return;
        record.Flags = (patterns & on) != 0 ? record.Flags | flag : record.Flags & ~flag;
    }

    private static bool TryPutId(AttributeType type, NamespaceView view, ref ErrorText error)
    {
        if (type is not (AttributeType.Uint or AttributeType.Uuid or AttributeType.String))
        {
            error.Begin(ErrorCode.InvalidArgument).Text("attribute `id` must be uint, uuid or string, got "u8);
            AttributeTypes.Describe(ref error, type, 0);
            return false;
        }
        if (view.Record.IdType != AttributeType.None && view.Record.IdType != type)
        {
            error.Begin(ErrorCode.SchemaConflict).Text("attribute `id` has type "u8);
            AttributeTypes.Describe(ref error, view.Record.IdType, 0);
            error.Text(", which cannot be changed to "u8);
            AttributeTypes.Describe(ref error, type, 0);
            return false;
        }
        view.Record.IdType = type;
        return true;
    }

    private static bool TryCheckType(ReadOnlySpan<byte> name, AttributeType type, uint dimensions, SchemaFlags flags,
        in TextOptions text, ref ErrorText error)
    {
        if (!AttributeTypes.IsDefined(type))
        {
            error.Begin(ErrorCode.InvalidArgument).Text("attribute "u8).Name(name).Text(" has the unknown type "u8)
                .Number((long)type);
            return false;
        }
        bool vector = AttributeTypes.IsVector(type);
        if (vector ? dimensions is 0 or > Limits.DimensionsMax : dimensions != 0)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("attribute "u8).Name(name)
                .Text(" has "u8).Number((long)dimensions)
                .Text(vector ? " dimensions, limit is 1 to "u8 : " dimensions but is no vector, limit is "u8)
                .Number(vector ? (long)Limits.DimensionsMax : 0);
            return false;
        }
        bool sparse = type == AttributeType.SparseF16;
        if ((vector || sparse) && (flags & (SchemaFlags.Filterable | SchemaFlags.FullText)) != 0)
        {
            error.Begin(ErrorCode.InvalidArgument)
                .Text(sparse ? "sparse vector attribute "u8 : "vector attribute "u8).Name(name)
                .Text(" cannot be filterable or full-text"u8);
            return false;
        }
        return (flags & SchemaFlags.FullText) == 0 || TryCheckText(name, type, text, ref error);
    }

    private static bool TryCheckPatterns(
        ReadOnlySpan<byte> name, AttributeType type, PatternFlags patterns, ref ErrorText error)
    {
        bool any = (patterns & (PatternFlags.Glob | PatternFlags.Regex | PatternFlags.Fuzzy)) != 0;
        if (!any || type is AttributeType.String or AttributeType.StringArray) return true;
        error.Begin(ErrorCode.InvalidArgument).Text("glob, regex and fuzzy of attribute "u8).Name(name)
            .Text(" need type string or []string"u8);
        return false;
    }

    private static bool TryCheckText(
        ReadOnlySpan<byte> name, AttributeType type, in TextOptions text, ref ErrorText error)
    {
        bool whole = text.Tokenizer == Tokenizer.PreTokenizedArray;
        bool typed = type == AttributeType.StringArray || type == AttributeType.String && !whole;
        bool finite = text.K1 is > 0 and < 1e6f && text.B is >= 0 and <= 1 && text.K3 is > 0 and <= 1e9f;
        bool flags = (text.Flags & ~0x0F) == 0;
        if (typed && finite && flags && Analyzer.Supports(text)) return true;
        error.Begin(ErrorCode.InvalidArgument).Text("full_text_search of attribute "u8).Name(name).Text(
            typed ? " needs a known tokenizer and language, max_token_length 1 to 254, k1 > 0, b in [0, 1] and k3 > 0"u8
            : whole ? " with tokenizer pre_tokenized_array needs type []string"u8
            : " needs type string or []string"u8);
        return false;
    }
}
