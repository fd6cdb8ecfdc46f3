using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>The whole database as sorted lists of plain objects. It runs the same log as the replica and compares every
/// reply, byte by byte, with one of its own, made without indexes, windows or kernels.</summary>
internal sealed class NaiveDatabase
{
    private const int BatchHeadSize = 4;
    private const int BatchErrorSizeMax = 64;
    private const int BranchSizeMaxInMessages = 32;

    private readonly SortedDictionary<string, NaiveNamespace> _namespaces = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, bool> _deleted = new(StringComparer.Ordinal);
    private readonly NaiveKeys _keys;
    private readonly byte[] _reply;
    private readonly Func<uint, uint> _limitOf;
    private readonly StateBounds _state;
    private readonly int _rowBytesMax;
    private readonly Marks _marks;

    /// <param name="configuration">Bounds of messages and of the state.</param>
    /// <param name="limitOf">How many rows to expect where a query allows some number.</param>
    /// <param name="marks">Takes the rare answers.</param>
    public NaiveDatabase(Configuration configuration, Func<uint, uint> limitOf, Marks marks)
    {
        _marks = marks;
        _keys = new NaiveKeys(Coverage);
        _limitOf = limitOf;
        _state = new StateBounds(configuration.StateSizeMax);
        _rowBytesMax = configuration.MessageBodySizeMax;
        _reply = new byte[2 * configuration.MessageSizeMax];
    }

    public Coverage Coverage { get; } = new();

    /// <summary>Replies compared so far; a run that compared nothing proved nothing.</summary>
    public ulong Compared { get; private set; }

    /// <summary>Of those, the ones that carried rows.</summary>
    public ulong RowsCompared { get; private set; }

    /// <summary>Of those, the refusals of what is right but finds no room.</summary>
    public ulong StatesFull { get; private set; }

    /// <summary>Null if there is no such namespace.</summary>
    public NaiveNamespace? Find(string name) =>
        _namespaces.TryGetValue(name, out NaiveNamespace? found) ? found : null;

    /// <param name="context">Place, time and operation of the entry.</param>
    /// <param name="body">The request.</param>
    /// <param name="reply">What was answered.</param>
    /// <param name="capacity">Bytes that the answer could take.</param>
    public void Check(in OperationContext context, ReadOnlySpan<byte> body, ReadOnlySpan<byte> reply, int capacity)
    {
        if (context.Operation == Operation.Batch)
        {
            CheckBatch(context, body, reply, capacity);
            return;
        }
        Compared++;
        ErrorCode code = (ErrorCode)new WireReader(reply).U16();
        Coverage.Hit(code == ErrorCode.Ok ? "operation" : "refused operation", context.Operation.ToString());
        if (code != ErrorCode.Ok) Coverage.Hit("error", code.ToString());
        if (code == ErrorCode.StateFull) _marks.Hit(Mark.StateFull);
        if (code == ErrorCode.ReplyTooLarge) _marks.Hit(Mark.ReplyTooLarge);
        WireReader request = new(body);
        switch (context.Operation)
        {
            case Operation.Write: CheckWrite(context, ref request, reply, capacity); break;
            case Operation.Query or Operation.Explain:
                CheckQuery(context.Operation, ref request, reply, capacity);
                break;
            case Operation.UpdateSchema: CheckUpdateSchema(context, ref request, reply, capacity); break;
            case Operation.ListNamespaces: CheckList(ref request, reply, capacity); break;
            case Operation.Branch: CheckBranch(context, ref request, reply, capacity); break;
            case Operation.CreateKey or Operation.ListKeys or Operation.RevokeKey:
                CheckKeys(context, ref request, reply, capacity);
                break;
            default: CheckNamed(context.Operation, ref request, reply, capacity); break;
        }
    }

    private void CheckBatch(
        in OperationContext context, ReadOnlySpan<byte> body, ReadOnlySpan<byte> reply, int capacity)
    {
        WireReader request = new(body);
        WireReader answer = new(reply);
        int count = request.U16();
        Core.Check.That(answer.U16() == (ushort)ErrorCode.Ok);
        Core.Check.That(answer.U16() == count);
        Coverage.Hit("operation", nameof(Operation.Batch));
        int used = BatchHeadSize;
        for (int i = 0; i < count; i++)
        {
            OperationContext one = new(context.Op, context.Timestamp, (Operation)request.U8());
            request.Bytes(3);
            ReadOnlySpan<byte> part = request.Bytes(request.U32());
            ReadOnlySpan<byte> said = answer.Bytes(answer.U32());
            Core.Check.That(!request.Failed && !answer.Failed);
            int reserved = (count - i - 1) * (4 + BatchErrorSizeMax);
            Check(one, part, said, capacity - used - 4 - reserved);
            used += 4 + said.Length;
        }
        Core.Check.That(request.AtEnd && answer.AtEnd);
    }

    private void CheckWrite(
        in OperationContext context, ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        WriteRequest request = WriteRequest.Read(ref reader);
        Core.Check.That(!reader.Failed);
        NaiveNamespace? database = Find(request.Namespace);
        WriteRules rules = new(request, database);
        Refusal? refusal = rules.Check(reader.AtEnd, _rowBytesMax);
        if (refusal is null && IsFull(reply)) return;
        NaiveNamespace target = database ?? new NaiveNamespace { CreatedAt = context.Timestamp };
        if (refusal is null)
        {
            int size = NaiveWrite.ReplyBytesMax(request, rules, target);
            if (size > capacity)
            {
                refusal = new(ErrorCode.ReplyTooLarge, $"affected ids take {size} bytes, limit of a reply is " +
                    $"{capacity}: send fewer rows at once");
            }
        }
        if (refusal is not null)
        {
            SameRefusal(refusal, reply, capacity);
            return;
        }
        if (database is null)
        {
            _namespaces.Add(request.Namespace, target);
            if (_deleted.ContainsKey(request.Namespace)) Coverage.Hit("path", "namespace created again");
        }
        bool rebuilt = target.Rows.Count > 0 && rules.Schema.IndexesOtherwise(target.Schema);
        if (rebuilt) Coverage.Hit("path", "indexes changed by a write");
        if (rules.Inferred > 0) Coverage.Hit("path", "type inferred");
        RequestCoverage.Count(Coverage, request, rules.Schema);
        WriteReply expected = new NaiveWrite(request, rules, target, Coverage).Apply(context.Timestamp);
        SameWrite(expected, reply);
        _state.CheckAccepted(_namespaces);
    }

    private bool IsFull(ReadOnlySpan<byte> reply)
    {
        WireReader reader = new(reply);
        ReplyStatus status = ReplyStatus.Read(ref reader);
        if (status.Code != ErrorCode.StateFull) return false;
        _state.CheckRefused(_namespaces, status.Message);
        Core.Check.That(reader.AtEnd);
        StatesFull++;
        return true;
    }

    private static void SameWrite(WriteReply expected, ReadOnlySpan<byte> reply)
    {
        WireReader answer = new(reply);
        ReplyStatus status = ReplyStatus.Read(ref answer);
        Core.Check.That(status.Code == ErrorCode.Ok, $"refused, but nothing is wrong: {status.Message}");
        WriteReply actual = WriteReply.Read(ref answer);
        Core.Check.That(answer.AtEnd);
        Core.Check.That(actual.Kinds == expected.Kinds);
        Core.Check.That(actual.Upserted == expected.Upserted);
        Core.Check.That(actual.Patched == expected.Patched);
        Core.Check.That(actual.Deleted == expected.Deleted);
        Core.Check.That(actual.BytesWritten == expected.BytesWritten, "another number of bytes written");
        SameIds(actual.UpsertedIds, expected.UpsertedIds);
        SameIds(actual.PatchedIds, expected.PatchedIds);
        SameIds(actual.DeletedIds, expected.DeletedIds);
    }

    /// <summary>The same ids, each as often; their order is not promised.</summary>
    private static void SameIds(List<Value> actual, List<Value> expected)
    {
        Core.Check.That(actual.Count == expected.Count);
        actual.Sort(ValueOrder.Instance);
        expected.Sort(ValueOrder.Instance);
        for (int i = 0; i < expected.Count; i++) Core.Check.That(actual[i].Equals(expected[i]));
    }

    /// <summary>Explain is refused like the query, but not for the size of rows that it leaves out.</summary>
    private void CheckQuery(Operation operation, ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        bool explains = operation == Operation.Explain;
        QueryRequest request = QueryRequest.Read(ref reader);
        Core.Check.That(!reader.Failed);
        NaiveNamespace? database = Find(request.Namespace);
        Refusal? refusal = database is null
            ? new(ErrorCode.NamespaceNotFound, $"namespace '{request.Namespace}' was not found")
            : new QueryRules(request, database.Schema).Check(reader.AtEnd);
        QueryReply expected = new();
        refusal ??= NaiveQuery.Run(request, database!, _limitOf, out expected);
        WireWriter writer = new(_reply);
        if (refusal is null)
        {
            NaiveReply.Query(ref writer, request, expected, database!.Schema);
            Core.Check.That(capacity <= _reply.Length);
            bool fits = !writer.Overflowed && writer.Position + NaiveReply.CountersSize <= capacity;
            if (explains)
            {
                uint answerSize = fits ? (uint)(writer.Position + NaiveReply.CountersSize) : 0;
                CheckPlan(request, database!, answerSize, reply, capacity);
                return;
            }
            if (!fits)
            {
                refusal = new(ErrorCode.ReplyTooLarge, $"the answer is larger than one message of {capacity} bytes; " +
                    "lower top_k or limit, or name fewer attributes in include_attributes");
            }
        }
        if (refusal is not null)
        {
            SameRefusal(refusal, reply, capacity);
            return;
        }
        RequestCoverage.Count(Coverage, request);
        ulong rows = RowsCompared;
        foreach (QueryResult result in expected.Results) RowsCompared += (ulong)result.Rows.Count;
        if (RowsCompared > rows) Coverage.Hit("path", "query with rows");
        Core.Check.That(reply.Length == writer.Position + NaiveReply.CountersSize, "an answer of another size");
        Same(writer.Written, reply[..writer.Position]);
    }

    private void CheckPlan(
        QueryRequest request, NaiveNamespace database, uint answerSize, ReadOnlySpan<byte> reply, int capacity)
    {
        WireReader answer = new(reply);
        bool refused = ReplyStatus.Read(ref answer).Code != ErrorCode.Ok;
        ExplainReply said = refused ? new() : ExplainReply.Read(ref answer);
        WireWriter writer = new(_reply);
        writer.U16((ushort)ErrorCode.Ok);
        NaiveExplain.Expect(request, database, _limitOf, answerSize, said).Write(ref writer);
        if (writer.Overflowed || writer.Position > capacity)
        {
            SameRefusal(new(ErrorCode.ReplyTooLarge, $"the plan is larger than one message of {capacity} bytes; " +
                "ask with fewer queries or filters"), reply, capacity);
            return;
        }
        if (answerSize == 0) Coverage.Hit("path", "plan of an answer that does not fit");
        Same(writer.Written, reply);
    }

    private void CheckUpdateSchema(
        in OperationContext context, ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        UpdateSchemaRequest request = UpdateSchemaRequest.Read(ref reader);
        Core.Check.That(!reader.Failed);
        NaiveNamespace? database = Find(request.Namespace);
        NaiveSchema schema = database?.Schema.Copy() ?? new NaiveSchema();
        Refusal? refusal = Refusal.OfName(request.Namespace);
        if (refusal is null && database is null) refusal = Refusal.NotFound(request.Namespace);
        foreach (AttributeSchema attribute in request.Schema) refusal ??= schema.Put(attribute);
        if (refusal is null && !reader.AtEnd) refusal = Refusal.Malformed("bytes behind the schema");
        bool vectors = database is not null && schema.VectorColumns > database.Schema.VectorColumns;
        if (refusal is null && vectors && schema.Metric == DistanceMetric.Unspecified)
        {
            refusal = new(ErrorCode.DistanceMetricMissing,
                "vector attributes need a distance_metric: declare them in a write that has one");
        }
        if (refusal is null && IsFull(reply)) return;
        if (refusal is not null)
        {
            SameRefusal(refusal, reply, capacity);
            return;
        }
        if (database!.Rows.Count > 0 && schema.IndexesOtherwise(database.Schema))
            Coverage.Hit("path", "indexes changed");
        database.Schema = schema;
        database.UpdatedAt = context.Timestamp;
        WireWriter writer = new(_reply);
        writer.U16((ushort)ErrorCode.Ok);
        schema.Write(ref writer);
        Same(writer.Written, reply);
    }

    private void CheckList(ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        ListNamespacesRequest request = ListNamespacesRequest.Read(ref reader);
        Refusal? refusal = reader.AtEnd ? null : Refusal.Malformed("list of namespaces");
        if (refusal is null && request.PageSize is 0 or > 1000)
            refusal = Refusal.Invalid($"page_size is {request.PageSize}, limit is 1 to 1000");
        if (refusal is not null)
        {
            SameRefusal(refusal, reply, capacity);
            return;
        }
        WireWriter writer = new(_reply);
        writer.U16((ushort)ErrorCode.Ok);
        int countAt = writer.ReserveU32();
        uint count = 0;
        bool more = false;
        foreach (KeyValuePair<string, NaiveNamespace> pair in _namespaces)
        {
            if (!pair.Key.StartsWith(request.Prefix, StringComparison.Ordinal)) continue;
            if (string.CompareOrdinal(pair.Key, request.Cursor) <= 0) continue;
            more = count == request.PageSize || capacity - writer.Position < pair.Key.Length + 2;
            if (more) break;
            writer.Name(Encoding.UTF8.GetBytes(pair.Key));
            count++;
        }
        writer.PatchU32(countAt, count);
        writer.U8(more ? (byte)1 : (byte)0);
        if (more) Coverage.Hit("path", "page of a list");
        Same(writer.Written, reply);
    }

    private void CheckBranch(
        in OperationContext context, ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        BranchRequest request = BranchRequest.Read(ref reader);
        Refusal? refusal = reader.AtEnd ? null : Refusal.Malformed("branch");
        refusal ??= Refusal.OfName(request.Namespace) ?? Refusal.OfName(request.Source);
        NaiveNamespace? source = Find(request.Source);
        if (refusal is null && source is null) refusal = Refusal.NotFound(request.Source);
        if (refusal is null && Find(request.Namespace) is not null)
            refusal = Refusal.Invalid($"namespace `{request.Namespace}` exists; a branch makes a new one");
        if (refusal is null && IsFull(reply)) return;
        if (refusal is null && (ErrorCode)new WireReader(reply).U16() == ErrorCode.LimitExceeded)
        {
            // What indexes take only an implementation can know.
            refusal = new(ErrorCode.LimitExceeded, $"namespace `{request.Source}` takes more than " +
                $"{BranchSizeMaxInMessages * _rowBytesMax} bytes with its indexes, the limit of a branch; " +
                "copy it instead");
        }
        if (refusal is not null)
        {
            SameRefusal(refusal, reply, capacity);
            return;
        }
        NaiveNamespace branch = source!.Branch(context.Timestamp);
        _namespaces.Add(request.Namespace, branch);
        if (branch.Rows.Count > 0) Coverage.Hit("path", "branch with rows");
        WireWriter writer = new(_reply);
        writer.U16((ushort)ErrorCode.Ok);
        writer.U64((ulong)branch.Rows.Count);
        writer.U64(branch.LogicalBytes);
        Same(writer.Written, reply);
        _state.CheckAccepted(_namespaces);
    }

    /// <summary>Metadata, schema, delete.</summary>
    private void CheckNamed(Operation operation, ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        string name = NamespaceRequest.Read(ref reader).Namespace;
        NaiveNamespace? database = Find(name);
        Refusal? refusal = Refusal.OfName(name) ?? (database is null ? Refusal.NotFound(name) : null);
        if (refusal is not null)
        {
            SameRefusal(refusal, reply, capacity);
            return;
        }
        WireWriter writer = new(_reply);
        writer.U16((ushort)ErrorCode.Ok);
        if (operation == Operation.DeleteNamespace)
        {
            _namespaces.Remove(name);
            _deleted[name] = true;
        }
        else
        {
            if (operation == Operation.Metadata) WriteMetadata(ref writer, database!);
            database!.Schema.Write(ref writer);
        }
        Same(writer.Written, reply);
    }

    private void CheckKeys(
        in OperationContext context, ref WireReader reader, ReadOnlySpan<byte> reply, int capacity)
    {
        WireWriter writer = new(_reply);
        writer.U16((ushort)ErrorCode.Ok);
        Refusal? refusal;
        switch (context.Operation)
        {
            case Operation.ListKeys: refusal = _keys.List(ref reader, capacity, ref writer); break;
            case Operation.RevokeKey: refusal = _keys.Revoke(ref reader); break;
            default:
                refusal = _keys.CheckCreate(ref reader, out ApiKey key);
                if (refusal is null && IsFull(reply)) return;
                if (refusal is null) _keys.Create(key, context.Timestamp, ref writer);
                break;
        }
        if (refusal is null) Same(writer.Written, reply);
        else SameRefusal(refusal, reply, capacity);
    }

    private static void WriteMetadata(ref WireWriter writer, NaiveNamespace database)
    {
        writer.U64(database.CreatedAt);
        writer.U64(database.UpdatedAt);
        writer.U64(database.LastWriteAt);
        writer.U64((ulong)database.Rows.Count);
        writer.U64(database.LogicalBytes);
        writer.U64(0);
    }

    /// <summary>The text is cut where the room ends.</summary>
    private static void SameRefusal(Refusal expected, ReadOnlySpan<byte> reply, int capacity)
    {
        WireReader reader = new(reply);
        ReplyStatus actual = ReplyStatus.Read(ref reader);
        Core.Check.That(reader.AtEnd);
        Core.Check.That(actual.Code == expected.Code, $"status {actual.Code}, expected {expected.Code}");
        byte[] text = Encoding.UTF8.GetBytes(expected.Text);
        int size = int.Min(text.Length, capacity - BatchHeadSize);
        bool same = Encoding.UTF8.GetBytes(actual.Message).AsSpan().SequenceEqual(text.AsSpan(0, size));
        Core.Check.That(same, $"refused with other words: {actual.Message} -- expected: {expected.Text}");
    }

    private static void Same(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual) =>
        Core.Check.That(expected.SequenceEqual(actual), "an answer of other bytes than the expected ones");
}
