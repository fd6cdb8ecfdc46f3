using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Namespaces;

/// <summary>Operations on whole namespaces: list, metadata, schema, change of schema, delete.</summary>
public sealed class NamespaceOperations(Trees trees, NamespaceView view, DocumentStore store)
{
    private readonly SchemaChange _schema = new();

    internal static ReadOnlySpan<byte> NumberCounter => "namespaces"u8;

    /// <summary>[A-Za-z0-9-_.]{1,128}</summary>
    public static bool TryCheckName(ReadOnlySpan<byte> name, ref ErrorText error)
    {
        if (name.Length > Limits.NamespaceNameSizeMax)
        {
            error.Begin(ErrorCode.NamespaceNameInvalid)
                .Text("Namespace is too long, limit is currently 128 characters"u8);
            return false;
        }
        if (name.Length > 0 && !name.ContainsAnyExcept(NameCharacters)) return true;
        error.Begin(ErrorCode.NamespaceNameInvalid)
            .Text("Namespace contains invalid characters, must be [A-Za-z0-9-_.]{1,128}"u8);
        return false;
    }

    /// <summary>Whether names can begin with it.</summary>
    public static bool IsPrefix(ReadOnlySpan<byte> prefix) =>
        prefix.Length <= Limits.NamespaceNameSizeMax && !prefix.ContainsAnyExcept(NameCharacters);

    private static readonly System.Buffers.SearchValues<byte> NameCharacters = System.Buffers.SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."u8);

    /// <summary>The number that the next new namespace gets.</summary>
    public static ulong NextNumber(Trees trees) =>
        trees.Counters.TryGet(NumberCounter, out ReadOnlySpan<byte> value)
            ? BinaryPrimitives.ReadUInt64LittleEndian(value) + 1
            : 1;

    public static void TakeNumber(Trees trees, ulong number)
    {
        Check.That(number == NextNumber(trees));
        BinaryPrimitives.WriteUInt64LittleEndian(trees.Counters.Resize(NumberCounter, 8), number);
    }

    public int List(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        WireReader reader = new(body);
        ReadOnlySpan<byte> prefix = reader.Name();
        ReadOnlySpan<byte> after = reader.Name();
        uint pageSize = reader.U32();
        if (!reader.AtEnd)
        {
            error.Malformed("list of namespaces"u8);
            return error.Size;
        }
        if (pageSize is 0 or > Limits.NamespacePageMax)
        {
            error.Begin(ErrorCode.InvalidArgument).Text("page_size is "u8).Number((long)pageSize)
                .Text(", limit is 1 to "u8).Number((long)Limits.NamespacePageMax);
            return error.Size;
        }
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        int countAt = writer.ReserveU32();
        uint count = 0;
        bool more = false;
        bool continued = after.SequenceCompareTo(prefix) >= 0;
        bool past = continued && !after.StartsWith(prefix);
        TreeCursor cursor = past ? default : trees.Namespaces.Seek(continued ? after : prefix, prefix.Length);
        if (cursor.Valid && continued && !after.IsEmpty && cursor.Key.SequenceEqual(after)) cursor.Next();
        for (; cursor.Valid; cursor.Next())
        {
            more = count == pageSize || writer.Remaining < cursor.Key.Length + 2;
            if (more) break;
            writer.Name(cursor.Key);
            count++;
        }
        writer.PatchU32(countAt, count);
        writer.U8(more ? (byte)1 : (byte)0);
        Check.That(!writer.Overflowed);
        return writer.Position;
    }

    public int Metadata(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        if (!TryOpen(body, ref error)) return error.Size;
        WireWriter writer = new(reply);
        ref NamespaceRecord record = ref view.Record;
        writer.U16((ushort)ErrorCode.Ok);
        writer.U64(record.CreatedAt);
        writer.U64(record.UpdatedAt);
        writer.U64(record.LastWriteAt);
        writer.U64(record.Rows);
        writer.U64(record.LogicalBytes);
        writer.U64(0);
        return EndWithSchema(ref writer, ref error);
    }

    public int Schema(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        if (!TryOpen(body, ref error)) return error.Size;
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        return EndWithSchema(ref writer, ref error);
    }

    public int UpdateSchema(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        if (!TryOpen(name, reader.Failed, ref error)) return error.Size;
        byte vectorsBefore = view.Record.VectorColumns;
        _schema.Begin(view);
        if (!_schema.TryRead(ref reader, view, ref error)) return error.Size;
        if (!reader.AtEnd)
        {
            error.Malformed("bytes behind the schema"u8);
            return error.Size;
        }
        if (view.Record.Metric == DistanceMetric.Unspecified && view.Record.VectorColumns > vectorsBefore)
        {
            error.Begin(ErrorCode.DistanceMetricMissing)
                .Text("vector attributes need a distance_metric: declare them in a write that has one"u8);
            return error.Size;
        }
        if (_schema.RebuildsIndexes(view) && !TryRebuild(ref error)) return error.Size;
        StateGrowth growth = default;
        _schema.Measure(view, store, ref growth);
        if (!growth.TryFit(view, trees.Forest, ref error)) return error.Size;
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        int size = EndWithSchema(ref writer, ref error);
        if (error.Code != ErrorCode.Ok) return size;
        _schema.BuildIndexes(view, store);
        view.Record.UpdatedAt = context.Timestamp;
        view.Save();
        return size;
    }

    private bool TryRebuild(ref ErrorText error)
    {
        if (view.Record.Rows <= WriteLimits.IndexRowsMax) return true;
        error.Begin(ErrorCode.SchemaConflict).Text("indexes of a namespace of "u8).Number(view.Record.Rows)
            .Text(" rows cannot be changed, limit is "u8).Number((long)WriteLimits.IndexRowsMax);
        return false;
    }

    /// <summary>The name is free at once; what was under the namespace's number goes in steps
    /// (<see cref="Purge"/>).</summary>
    public int Delete(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        if (!TryOpen(body, ref error)) return error.Size;
        Keys key = new(stackalloc byte[8]);
        key.Namespace(view.Number);
        trees.Garbage.Put(key.Key, []);
        bool removed = trees.Namespaces.Remove(view.Name);
        Check.That(removed);
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        return writer.Position;
    }

    /// <summary>Number of the oldest deleted namespace that has not gone yet; 0 if there is none.</summary>
    public static ulong OldestGarbage(Trees trees)
    {
        TreeCursor oldest = trees.Garbage.SeekFirst();
        return oldest.Valid ? BinaryPrimitives.ReadUInt64BigEndian(oldest.Key) : 0;
    }

    /// <summary>How many entries of a tree one operation removes on the side.</summary>
    public static int GarbageEntries(TreeId tree) => tree is TreeId.Vectors or TreeId.Columns or TreeId.Postings
        ? WriteLimits.GarbageChunksPerOperation : WriteLimits.GarbageEntriesPerOperation;

    /// <summary>Removes a bounded number of entries of a deleted namespace (<see cref="OldestGarbage"/>, asked before
    /// the operation, for that is when its entries were brought into memory).</summary>
    public void Purge(ulong number)
    {
        if (number == 0) return;
        Keys name = new(stackalloc byte[8]);
        ReadOnlySpan<byte> prefix = name.Namespace(number).Key;
        bool exists = trees.Garbage.TryGet(prefix, out ReadOnlySpan<byte> reached);
        Check.That(exists);
        Span<byte> position = stackalloc byte[1 + Tree.KeySizeMax];
        Span<byte> key = position[1..];
        TreeId id = GarbagePosition(reached, prefix, out ReadOnlySpan<byte> from);
        from.CopyTo(key);
        int keySize = from.Length;
        for (; id <= TreeId.Postings; id++)
        {
            int removed = trees[id].RemoveFrom(key, ref keySize, prefix.Length, GarbageEntries(id));
            if (removed == GarbageEntries(id))
            {
                position[0] = (byte)id;
                trees.Garbage.Put(prefix, position[..(1 + keySize)]);
                return;
            }
            keySize = prefix.Length;
        }
        exists = trees.Garbage.Remove(prefix);
        Check.That(exists);
    }

    /// <summary>Where the removal of a namespace goes on.</summary>
    /// <param name="value">Of <see cref="TreeId.Garbage"/>.</param>
    /// <param name="prefix">The namespace as a key.</param>
    /// <param name="key">In the tree that is returned; no entry before it is left.</param>
    public static TreeId GarbagePosition(
        ReadOnlySpan<byte> value, ReadOnlySpan<byte> prefix, out ReadOnlySpan<byte> key)
    {
        key = value.IsEmpty ? prefix : value[1..];
        return value.IsEmpty ? TreeId.Attributes : (TreeId)value[0];
    }

    private bool TryOpen(ReadOnlySpan<byte> body, ref ErrorText error)
    {
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        return TryOpen(name, !reader.AtEnd, ref error);
    }

    private bool TryOpen(ReadOnlySpan<byte> name, bool failed, ref ErrorText error)
    {
        if (failed) return error.Malformed("namespace"u8);
        if (!TryCheckName(name, ref error)) return false;
        if (view.TryOpen(name)) return true;
        error.Begin(ErrorCode.NamespaceNotFound).Text("namespace "u8).Name(name).Text(" was not found"u8);
        return false;
    }

    /// <summary>Metric, then the attributes: the id if its type is known, then the others by name.</summary>
    private int EndWithSchema(ref WireWriter writer, ref ErrorText error)
    {
        writer.U8((byte)view.Record.Metric);
        bool hasId = view.Record.IdType != AttributeType.None;
        writer.U16(view.AttributeCount + (hasId ? 1 : 0));
        if (hasId)
        {
            writer.Name("id"u8);
            writer.U8((byte)view.Record.IdType);
            writer.U32(0);
            writer.U8((byte)SchemaFlags.None);
        }
        for (int i = 0; i < view.AttributeCount; i++) WriteAttribute(ref writer, view.SlotInNameOrder(i));
        if (!writer.Overflowed) return writer.Position;
        error.Begin(ErrorCode.ReplyTooLarge).Text("schema of "u8).Number((long)view.AttributeCount)
            .Text(" attributes does not fit into a reply"u8);
        return error.Size;
    }

    private void WriteAttribute(ref WireWriter writer, int slot)
    {
        ref AttributeRecord attribute = ref view.Attribute(slot);
        writer.Name(view.AttributeName(slot));
        writer.U8((byte)attribute.Type);
        writer.U32(attribute.Dimensions);
        if (AttributeTypes.IsVector(attribute.Type))
        {
            writer.U8((byte)SchemaFlags.Ann);
            return;
        }
        if (attribute.Type == AttributeType.SparseF16)
        {
            writer.U8((byte)SchemaFlags.None);
            return;
        }
        bool fullText = (attribute.Flags & AttributeFlags.FullText) != 0;
        SchemaFlags flags = SchemaFlags.FilterableSaid | SchemaFlags.FullTextSaid;
        if ((attribute.Flags & AttributeFlags.Filterable) != 0) flags |= SchemaFlags.Filterable;
        if (fullText) flags |= SchemaFlags.FullText;
        PatternFlags patterns = Patterns(attribute.Flags);
        if (patterns != PatternFlags.None) flags |= SchemaFlags.Patterns;
        writer.U8((byte)flags);
        if (fullText)
        {
            writer.Bytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(
                new ReadOnlySpan<TextOptions>(in attribute.Text)));
        }
        if (patterns != PatternFlags.None) writer.U8((byte)patterns);
    }

    private static PatternFlags Patterns(AttributeFlags flags)
    {
        PatternFlags patterns = PatternFlags.None;
        if ((flags & AttributeFlags.Glob) != 0) patterns |= PatternFlags.Glob | PatternFlags.GlobSaid;
        if ((flags & AttributeFlags.Regex) != 0) patterns |= PatternFlags.Regex | PatternFlags.RegexSaid;
        if ((flags & AttributeFlags.Fuzzy) != 0) patterns |= PatternFlags.Fuzzy | PatternFlags.FuzzySaid;
        return patterns;
    }
}
