using System;
using System.Buffers.Binary;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Access;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Prefetch;
using Deterministic.StateMachine.Query;
using Deterministic.Storage;

namespace Deterministic.StateMachine;

/// <summary>The search database behind the log: namespaces of documents with attributes, text and vectors. Every
/// operation's reply starts with an error code; an error means that nothing was changed.</summary>
public sealed class StateMachine : IStateMachine
{
    private readonly Configuration _configuration;
    private readonly Trees _trees;
    private readonly NamespaceOperations _namespaces;
    private readonly BranchOperation _branch;
    private readonly KeyOperations _keys;
    private readonly WriteOperation _write;
    private readonly QueryExecutor _query;
    private readonly Prefetcher _prefetcher;

    /// <summary>Reads outside of the log so far. Tells them apart in the cache; nothing of the state depends on
    /// it.</summary>
    private ulong _reads;

    /// <summary>A machine that lives in memory only, see <see cref="StorageOptions.None"/>.</summary>
    public StateMachine(StaticMemory memory, Configuration configuration, ComputeBackend compute)
        : this(memory, configuration, compute, StorageOptions.None)
    {
    }

    public StateMachine(
        StaticMemory memory, Configuration configuration, ComputeBackend compute, StorageOptions storage)
    {
        _configuration = configuration;
        int bodySizeMax = configuration.MessageBodySizeMax;
        _trees = new Trees(memory, configuration, storage);
        View = new NamespaceView(_trees.Namespaces, _trees.Attributes);
        DocumentStore store = new(memory, _trees, compute, bodySizeMax);
        _namespaces = new NamespaceOperations(_trees, View, store);
        _branch = new BranchOperation(memory, _trees, View, bodySizeMax);
        _keys = new KeyOperations(_trees, View);
        FilterProgram filter = new(memory, _trees, View, bodySizeMax);
        _write = new WriteOperation(memory, _trees, View, store, filter, bodySizeMax);
        _query = new QueryExecutor(memory, _trees, compute, bodySizeMax);
        WritePrefetch writes = new(memory, _trees, View, store, _write, bodySizeMax);
        _prefetcher = new Prefetcher(_trees, _query, writes, _branch);
    }

    public Trees Trees => _trees;

    /// <summary>The namespace that the last operation but a query opened.</summary>
    public NamespaceView View { get; }

    /// <summary>All releases so far are alike.</summary>
    public void Enter(uint release) => Check.That(release >= Header.ReleaseOldest);

    public bool Accepts(Operation operation, ReadOnlySpan<byte> body)
    {
        if (!operation.IsPart() && operation != Operation.Batch) return false;
        return body.Length > 0 && body.Length <= _configuration.MessageBodySizeMax;
    }

    public bool Shares(Operation operation, ReadOnlySpan<byte> body) =>
        operation == Operation.Write && body.Length > 0 && BatchBody.Shares(body);

    public bool Reads(Operation operation, ReadOnlySpan<byte> body) =>
        operation == Operation.Batch ? !BatchBody.Writes(body) : operation.Reads();

    public bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body) =>
        _prefetcher.Run(context, body, purges: true);

    public bool PrefetchRead(in OperationContext context, ReadOnlySpan<byte> body) =>
        _prefetcher.Run(OfRead(context), body, purges: false);

    public int Read(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(Reads(context.Operation, body));
        int size = Run(OfRead(context), body, reply);
        _trees.Forest.Guard?.End();
        _reads = unchecked(_reads + 1);
        return size;
    }

    public int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ulong garbage = NamespaceOperations.OldestGarbage(_trees);
        int size = Run(context, body, reply);
        _namespaces.Purge(garbage);
        _trees.Forest.Guard?.End();
        return size;
    }

    private int Run(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(reply.Length >= 256);
        int size = context.Operation == Operation.Batch
            ? CommitBatch(context, body, reply)
            : CommitOne(context, 0, body, reply);
        _query.Forget();
        View.Forget();
        Check.That(size >= 2 && size <= reply.Length);
        return size;
    }

    /// <summary>What a read fetches and ranks belongs to it alone: no log has this number.</summary>
    private OperationContext OfRead(in OperationContext context) =>
        new(1UL << 63 | _reads, context.Timestamp, context.Operation);

    public bool Maintain(ulong op) => _trees.Forest.TryCompact(op);

    public void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions) => _trees.Forest.CheckpointStart(op, sessions);

    public bool CheckpointAdvance(out BlockReference root) => _trees.Forest.TryCheckpoint(out root);

    public void CheckpointDurable() => _trees.Forest.CheckpointDurable();

    public void OpenStart(in BlockReference root)
    {
        _query.Forget();
        _trees.Forest.OpenStart(in root);
    }

    public OpenResult OpenAdvance() => _trees.Forest.OpenAdvance();

    public ReadOnlySpan<byte> OpenedSessions => _trees.Forest.Sessions;

    public void AwaitRepairs() => _trees.Forest.AwaitRepairs();

    public int MissingBlocks(Span<BlockReference> blocks) => _trees.Forest.Repairs!.List(blocks);

    public RepairResult Repair(in BlockReference block, ReadOnlySpan<byte> bytes) =>
        _trees.Forest.Repairs!.Take(in block, bytes);

    public void VerifyAll() => _trees.Forest.Scrubber.Hurries = true;

    public bool AllVerified => _trees.Forest.Scrubber.CyclesClean > 0;

    public void Tick() => _trees.Forest.Tick();

    public void OnCompletion(uint token, IoResult result) => _trees.Forest.OnCompletion(token, result);

    public StateProblem Problem => _trees.Forest.Problem;

    /// <summary>Checksum of all entries of a state that is in memory as a whole.</summary>
    public UInt128 StateChecksum()
    {
        ContentChecksum checksum = new(_trees.Forest);
        bool done = checksum.TryAdvance();
        Check.That(done, "the state is not in memory");
        return checksum.Value;
    }

    private int CommitOne(in OperationContext context, int part, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        switch (context.Operation)
        {
            case Operation.Write: return _write.Execute(context, body, reply);
            case Operation.Query: return _query.Execute(context, part, body, reply);
            case Operation.Explain: return _query.Explain(context, body, reply);
            case Operation.ListNamespaces: return _namespaces.List(body, reply);
            case Operation.Metadata: return _namespaces.Metadata(body, reply);
            case Operation.Schema: return _namespaces.Schema(body, reply);
            case Operation.UpdateSchema: return _namespaces.UpdateSchema(context, body, reply);
            case Operation.DeleteNamespace: return _namespaces.Delete(body, reply);
            case Operation.Branch: return _branch.Execute(context, body, reply);
            case Operation.CreateKey: return _keys.Create(context, body, reply);
            case Operation.ListKeys: return _keys.List(body, reply);
            case Operation.RevokeKey: return _keys.Revoke(body, reply);
            default:
                ErrorText error = new(reply);
                error.Begin(ErrorCode.NotSupported).Text("operation "u8).Number((long)context.Operation)
                    .Text(" is not supported here"u8);
                return error.Size;
        }
    }

    /// <summary>Each part is atomic on its own. Malformed parts, and those for whose reply no room is left, get an
    /// error; a batch of reads and writes, or of a change by filter and others, is refused.</summary>
    private int CommitBatch(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        const int errorSizeMax = 64;
        const int headSize = 4;
        WireReader reader = new(body);
        int count = reader.U16();
        BatchFault fault = BatchBody.Judge(body);
        if (fault == BatchFault.None && reply.Length < headSize + count * (4L + errorSizeMax))
            fault = BatchFault.Malformed;
        if (fault != BatchFault.None)
        {
            ErrorText error = new(reply);
            if (fault == BatchFault.Malformed) error.Malformed("batch"u8);
            else error.Begin(ErrorCode.InvalidArgument).Text(fault == BatchFault.Mixed
                ? "a batch holds either writes or reads, not both"u8
                : "delete_by_filter, patch_by_filter and branches cannot share a batch with other operations"u8);
            return error.Size;
        }
        BinaryPrimitives.WriteUInt16LittleEndian(reply, (ushort)ErrorCode.Ok);
        BinaryPrimitives.WriteUInt16LittleEndian(reply[2..], (ushort)count);
        int used = headSize;
        for (int i = 0; i < count; i++)
        {
            OperationContext one = new(context.Op, context.Timestamp, (Operation)reader.U8());
            reader.Bytes(3);
            ReadOnlySpan<byte> part = reader.Bytes(reader.U32());
            int reserved = (count - i - 1) * (4 + errorSizeMax);
            Span<byte> room = reply[(used + 4)..(reply.Length - reserved)];
            int size = CommitOne(one, i, part, room);
            BinaryPrimitives.WriteUInt32LittleEndian(reply[used..], (uint)size);
            used += 4 + size;
        }
        return used;
    }
}
