using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>The whole database as sorted lists of plain objects. It runs the same log as the replica and checks every
/// reply against an answer of its own, made without indexes, windows or kernels.</summary>
internal sealed class NaiveDatabase
{
    private readonly Func<uint, uint> _limitOf;
    private readonly int _bodySizeMax;

    /// <summary>Bytes that an answer may take; less behind other parts of a batch.</summary>
    private int _room;

    /// <param name="bodySizeMax">Of a reply.</param>
    /// <param name="limitOf">How many rows to expect where a query allows some number.</param>
    public NaiveDatabase(int bodySizeMax, Func<uint, uint> limitOf)
    {
        _bodySizeMax = bodySizeMax;
        _room = bodySizeMax;
        _limitOf = limitOf;
    }

    private readonly SortedDictionary<string, NaiveNamespace> _namespaces = new(StringComparer.Ordinal);

    /// <summary>Replies compared so far; a run that compared nothing proved nothing.</summary>
    public ulong Compared { get; private set; }

    /// <summary>Of those, the ones that carried rows.</summary>
    public ulong RowsCompared { get; private set; }

    /// <summary>Writes refused because the state is full, which the oracle believes: it does not count bytes.</summary>
    public ulong StatesFull { get; private set; }

    /// <summary>Rows of a namespace; 0 if there is none.</summary>
    public int RowsOf(string name) => _namespaces.TryGetValue(name, out NaiveNamespace? found) ? found.Rows.Count : 0;

    public void Check(Operation operation, ReadOnlySpan<byte> body, ReadOnlySpan<byte> reply)
    {
        WireReader request = new(body);
        WireReader answer = new(reply);
        if (operation == Operation.Batch)
        {
            CheckBatch(ref request, ref answer);
            return;
        }
        CheckOne(operation, ref request, ref answer);
        Core.Check.That(request.AtEnd);
        Core.Check.That(answer.AtEnd);
    }

    private void CheckBatch(ref WireReader request, ref WireReader answer)
    {
        int count = request.U16();
        Core.Check.That(answer.U16() == (ushort)ErrorCode.Ok);
        Core.Check.That(answer.U16() == count);
        for (int i = 0; i < count; i++)
        {
            Operation operation = (Operation)request.U8();
            request.Bytes(3);
            ReadOnlySpan<byte> body = request.Bytes(request.U32());
            ReadOnlySpan<byte> reply = answer.Bytes(answer.U32());
            Core.Check.That(!request.Failed && !answer.Failed);
            Check(operation, body, reply);
            _room -= reply.Length;
        }
        _room = _bodySizeMax;
        Core.Check.That(request.AtEnd && answer.AtEnd);
    }

    private void CheckOne(Operation operation, ref WireReader request, ref WireReader answer)
    {
        Compared++;
        ReplyStatus status = ReplyStatus.Read(ref answer);
        switch (operation)
        {
            case Operation.Write:
                CheckWrite(WriteRequest.Read(ref request), status, ref answer);
                break;
            case Operation.Query:
                CheckQuery(QueryRequest.Read(ref request), status, ref answer);
                break;
            case Operation.ListNamespaces:
                CheckList(ListNamespacesRequest.Read(ref request), status, ref answer);
                break;
            case Operation.Metadata:
                CheckMetadata(NamespaceRequest.Read(ref request).Namespace, status, ref answer);
                break;
            case Operation.Schema:
                CheckSchema(NamespaceRequest.Read(ref request).Namespace, status, ref answer);
                break;
            case Operation.DeleteNamespace:
                bool existed = _namespaces.Remove(NamespaceRequest.Read(ref request).Namespace);
                Same(status.Code, existed ? ErrorCode.Ok : ErrorCode.NamespaceNotFound);
                break;
            default:
                Core.Check.Unreachable();
                break;
        }
    }

    private void CheckWrite(WriteRequest request, ReplyStatus status, ref WireReader answer)
    {
        ErrorCode refusal = Refusals.Of(request);
        bool absent = !_namespaces.ContainsKey(request.Namespace);
        if (refusal == ErrorCode.Ok && absent && request.Upserts.Count == 0) refusal = ErrorCode.NamespaceNotFound;
        if (refusal == ErrorCode.Ok && status.Code == ErrorCode.StateFull)
        {
            StatesFull++;
            return;
        }
        Same(status.Code, refusal);
        if (refusal != ErrorCode.Ok) return;
        if (!_namespaces.TryGetValue(request.Namespace, out NaiveNamespace? database))
        {
            database = new NaiveNamespace();
            _namespaces.Add(request.Namespace, database);
        }
        WriteReply expected = NaiveWrite.Apply(request, database);
        WriteReply actual = WriteReply.Read(ref answer);
        Core.Check.That(!answer.Failed);
        Core.Check.That(actual.Kinds == expected.Kinds);
        Core.Check.That(actual.Upserted == expected.Upserted);
        Core.Check.That(actual.Patched == expected.Patched);
        Core.Check.That(actual.Deleted == expected.Deleted);
        SameIds(actual.UpsertedIds, expected.UpsertedIds);
        SameIds(actual.PatchedIds, expected.PatchedIds);
        SameIds(actual.DeletedIds, expected.DeletedIds);
    }

    private void CheckQuery(QueryRequest request, ReplyStatus status, ref WireReader answer)
    {
        if (!_namespaces.TryGetValue(request.Namespace, out NaiveNamespace? database))
        {
            Same(status.Code, ErrorCode.NamespaceNotFound);
            return;
        }
        ErrorCode refusal = Refusals.Of(request, database);
        if (status.Code != ErrorCode.ReplyTooLarge) Same(status.Code, refusal);
        if (refusal != ErrorCode.Ok) return;
        QueryReply expected = NaiveQuery.Run(request, database, _limitOf);
        if (status.Code == ErrorCode.ReplyTooLarge)
        {
            Core.Check.That(ReplySize.AtLeast(expected) > _room / 4, "a small answer was called too large");
            return;
        }
        QueryReply actual = QueryReply.Read(ref answer);
        Core.Check.That(!answer.Failed);
        Core.Check.That(actual.NamespaceRows == expected.NamespaceRows);
        Core.Check.That(actual.Results.Count == expected.Results.Count);
        for (int i = 0; i < expected.Results.Count; i++)
        {
            ReplyComparison.Same(actual.Results[i], expected.Results[i]);
            RowsCompared += (ulong)expected.Results[i].Rows.Count;
        }
    }

    private void CheckList(ListNamespacesRequest request, ReplyStatus status, ref WireReader answer)
    {
        Same(status.Code, ErrorCode.Ok);
        ListNamespacesReply actual = ListNamespacesReply.Read(ref answer);
        List<string> expected = [];
        bool more = false;
        foreach (KeyValuePair<string, NaiveNamespace> pair in _namespaces)
        {
            if (!pair.Key.StartsWith(request.Prefix, StringComparison.Ordinal)) continue;
            if (string.CompareOrdinal(pair.Key, request.Cursor) <= 0) continue;
            if (expected.Count == request.PageSize) more = true;
            else expected.Add(pair.Key);
        }
        Core.Check.That(actual.Names.Count == expected.Count);
        for (int i = 0; i < expected.Count; i++) Core.Check.That(actual.Names[i] == expected[i]);
        Core.Check.That(actual.More == more);
    }

    private void CheckMetadata(string name, ReplyStatus status, ref WireReader answer)
    {
        bool exists = _namespaces.TryGetValue(name, out NaiveNamespace? database);
        Same(status.Code, exists ? ErrorCode.Ok : ErrorCode.NamespaceNotFound);
        if (!exists) return;
        MetadataReply actual = MetadataReply.Read(ref answer);
        Core.Check.That(actual.Rows == (ulong)database!.Rows.Count);
        Core.Check.That(actual.Metric == database.Metric);
        Core.Check.That(actual.CreatedAt <= actual.UpdatedAt);
    }

    private void CheckSchema(string name, ReplyStatus status, ref WireReader answer)
    {
        bool exists = _namespaces.TryGetValue(name, out NaiveNamespace? database);
        Same(status.Code, exists ? ErrorCode.Ok : ErrorCode.NamespaceNotFound);
        if (!exists) return;
        SchemaReply actual = SchemaReply.Read(ref answer);
        int matched = 0;
        foreach (AttributeSchema attribute in actual.Schema)
        {
            if (attribute.Name == "id") continue;
            Core.Check.That(database!.Schema[attribute.Name].Type == attribute.Type);
            Core.Check.That(database.Schema[attribute.Name].Dimensions == attribute.Dimensions);
            matched++;
        }
        Core.Check.That(matched == database!.Schema.Count);
    }

    private static void Same(ErrorCode actual, ErrorCode expected) =>
        Core.Check.That(actual == expected, $"status {actual}, expected {expected}");

    /// <summary>The same ids, each as often; their order is not promised.</summary>
    private static void SameIds(List<Value> actual, List<Value> expected)
    {
        Core.Check.That(actual.Count == expected.Count);
        actual.Sort(ValueOrder.Instance);
        expected.Sort(ValueOrder.Instance);
        for (int i = 0; i < expected.Count; i++) Core.Check.That(actual[i].Equals(expected[i]));
    }
}
