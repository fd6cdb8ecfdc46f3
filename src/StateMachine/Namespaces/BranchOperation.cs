using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Namespaces;

/// <summary>Makes a namespace that is what another one is at this entry of the log, and has nothing to do with it
/// afterwards. Every key of a namespace begins with its number, and no value names it, so all entries are copied as
/// they are under a new number: documents, columns, vectors and the indexes of texts.</summary>
public sealed class BranchOperation
{
    /// <summary>Bytes of the copied entries, in bodies of messages.</summary>
    public const int SizeMaxInMessages = 32;

    private readonly Trees _trees;
    private readonly NamespaceView _view;
    private readonly NativeBuffer _value;
    private readonly long _sizeMax;

    public BranchOperation(StaticMemory memory, Trees trees, NamespaceView view, int messageBodySizeMax)
    {
        _trees = trees;
        _view = view;
        _value = memory.Take(Tree.ValueSizeMax);
        _sizeMax = (long)SizeMaxInMessages * messageBodySizeMax;
    }

    /// <summary>Whether a namespace may be small enough, by what its record tells.</summary>
    public bool MayFit(in NamespaceRecord source) =>
        source.Rows <= Limits.BranchRowsMax && source.LogicalBytes <= (ulong)_sizeMax;

    public int Execute(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(context.Operation == Operation.Branch);
        ErrorText error = new(reply);
        WireReader reader = new(body);
        ReadOnlySpan<byte> name = reader.Name();
        ReadOnlySpan<byte> source = reader.Name();
        if (!reader.AtEnd)
        {
            error.Malformed("branch"u8);
            return error.Size;
        }
        if (!TryOpen(name, source, ref error) || !TryMeasure(source, ref error, out long size)) return error.Size;
        StateGrowth growth = default;
        growth.AddNamespace();
        growth.AddEntries(size);
        if (!growth.TryFit(_view, _trees.Forest, ref error)) return error.Size;
        NamespaceRecord record = _view.Record;
        record.Number = NamespaceOperations.NextNumber(_trees);
        record.CreatedAt = context.Timestamp;
        record.UpdatedAt = context.Timestamp;
        NamespaceOperations.TakeNumber(_trees, record.Number);
        for (TreeId id = TreeId.Attributes; id <= TreeId.Postings; id++) Copy(_trees[id], _view.Number, record.Number);
        _trees.Namespaces.Put(name, MemoryMarshal.AsBytes(new ReadOnlySpan<NamespaceRecord>(in record)));
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        writer.U64(record.Rows);
        writer.U64(record.LogicalBytes);
        return writer.Position;
    }

    private bool TryOpen(ReadOnlySpan<byte> name, ReadOnlySpan<byte> source, ref ErrorText error)
    {
        if (!NamespaceOperations.TryCheckName(name, ref error)) return false;
        if (!NamespaceOperations.TryCheckName(source, ref error)) return false;
        if (!_view.TryOpen(source))
        {
            error.Begin(ErrorCode.NamespaceNotFound).Text("namespace "u8).Name(source).Text(" was not found"u8);
            return false;
        }
        if (!_trees.Namespaces.TryGet(name, out _)) return true;
        error.Begin(ErrorCode.InvalidArgument).Text("namespace "u8).Name(name)
            .Text(" exists; a branch makes a new one"u8);
        return false;
    }

    /// <summary>Adds up the entries, and stops where they are too many bytes.</summary>
    private bool TryMeasure(ReadOnlySpan<byte> source, ref ErrorText error, out long size)
    {
        size = 0;
        if (_view.Record.Rows > Limits.BranchRowsMax)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("namespace "u8).Name(source).Text(" has "u8)
                .Number(_view.Record.Rows).Text(" documents, limit of a branch is "u8)
                .Number((long)Limits.BranchRowsMax).Text("; copy it instead"u8);
            return false;
        }
        bool fits = MayFit(_view.Record);
        Keys prefix = new(stackalloc byte[8]);
        prefix.Namespace(_view.Number);
        for (TreeId id = TreeId.Attributes; id <= TreeId.Postings && fits; id++)
        {
            TreeCursor cursor = _trees[id].Seek(prefix.Key, prefix.Size);
            for (; cursor.Valid && fits; cursor.Next())
            {
                size += Forest.EntryOverheadSize + cursor.Key.Length + cursor.Value.Length;
                fits = size <= _sizeMax;
            }
        }
        if (fits) return true;
        error.Begin(ErrorCode.LimitExceeded).Text("namespace "u8).Name(source).Text(" takes more than "u8)
            .Number(_sizeMax).Text(" bytes with its indexes, the limit of a branch; copy it instead"u8);
        return false;
    }

    /// <summary>A cursor does not outlive a change of its tree, so each entry is looked for behind the one before
    /// it.</summary>
    private void Copy(Tree tree, ulong from, ulong to)
    {
        const int numberSize = 8;
        Span<byte> key = stackalloc byte[Tree.KeySizeMax];
        Span<byte> copy = stackalloc byte[Tree.KeySizeMax];
        Keys number = new(copy);
        number.Namespace(to);
        number = new Keys(key);
        number.Namespace(from);
        int keySize = numberSize;
        while (true)
        {
            TreeCursor cursor = tree.Seek(key[..keySize], numberSize);
            if (cursor.Valid && keySize > numberSize) cursor.Next();
            if (!cursor.Valid) return;
            keySize = cursor.Key.Length;
            cursor.Key.CopyTo(key);
            key[numberSize..keySize].CopyTo(copy[numberSize..]);
            Span<byte> value = _value.Slice(0, cursor.Value.Length);
            cursor.Value.CopyTo(value);
            tree.Put(copy[..keySize], value);
        }
    }
}
