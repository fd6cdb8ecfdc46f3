using System;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Storage;
using Deterministic.TestSupport;

namespace Deterministic.StateMachine.Tests.Support;

/// <summary>Encodes a request, commits it as the next log entry, decodes the reply. A guard proves of every operation
/// that its prefetch has named all that it reads and changes.</summary>
public sealed class Machine : IDisposable
{
    private const long CacheSizeDefault = 256 << 20;
    private readonly StaticMemory _memory = new();
    private readonly TouchGuard _guard;
    private readonly Configuration _configuration;
    private readonly QueueDisk _disk;
    private readonly byte[] _body;
    private readonly byte[] _reply;
    private ulong _op;
    private int _replySize;

    /// <param name="configuration">Production's if none.</param>
    /// <param name="cacheSize">Bytes of the block cache; the smallest there is if less.</param>
    public Machine(Configuration? configuration = null, long cacheSize = CacheSizeDefault)
        : this(configuration ?? Configuration.Production, new QueueDisk(), cacheSize)
    {
    }

    private Machine(Configuration configuration, QueueDisk disk, long cacheSize)
    {
        _configuration = configuration;
        _disk = disk;
        State = new StateMachine(_memory, configuration, new ScalarBackend(), new StorageOptions
            { Disk = disk, Cluster = 1, GridOffset = 0, CacheSize = cacheSize, CacheSizeMax = 256 << 20 });
        _guard = new TouchGuard(State.Trees.Forest, cold: true);
        Guarded = true;
        _memory.Seal();
        _body = new byte[configuration.MessageBodySizeMax];
        _reply = new byte[configuration.MessageBodySizeMax];
    }

    public delegate void BodyWriter(ref WireWriter writer);

    public StateMachine State { get; }

    /// <summary>Off to count allocations, for the guard makes some.</summary>
    public bool Guarded
    {
        get => State.Trees.Forest.Guard is not null;
        set => State.Trees.Forest.Guard = value ? _guard : null;
    }

    /// <summary>Rounds of reads that the last operation would have waited for with nothing in memory.</summary>
    public int Rounds { get; private set; }

    /// <summary>Operations committed.</summary>
    public ulong Op => _op;

    /// <summary>The body of the last reply.</summary>
    public ReadOnlySpan<byte> Reply => _reply.AsSpan(0, _replySize);

    public int Commit(Operation operation, ReadOnlySpan<byte> body)
    {
        _op++;
        OperationContext context = new(_op, _op * 1000, operation);
        while (!State.Prefetch(context, body)) CompleteAll();
        Rounds = _guard.Rounds;
        _replySize = State.Commit(context, body, _reply);
        while (!State.Maintain(_op)) CompleteOne();
        return _replySize;
    }

    /// <summary>Runs a request outside of the log and returns the body of its reply.</summary>
    public byte[] Read(Operation operation, BodyWriter write)
    {
        WireWriter writer = new(_body);
        write(ref writer);
        OperationContext context = new(_op, _op * 1000, operation);
        while (!State.PrefetchRead(context, writer.Written)) CompleteAll();
        return _reply[..State.Read(context, writer.Written, _reply)];
    }

    public WireReader Commit(Operation operation, BodyWriter write, out ReplyStatus status)
    {
        WireWriter writer = new(_body);
        write(ref writer);
        if (writer.Overflowed) throw new InvalidOperationException("request too large for the test");
        int size = Commit(operation, writer.Written);
        WireReader reader = new(_reply.AsSpan(0, size));
        status = ReplyStatus.Read(ref reader);
        return reader;
    }

    public WriteReply Write(WriteRequest request)
    {
        WireReader reader = Commit(Operation.Write, request.Write, out ReplyStatus status);
        if (status.Code != ErrorCode.Ok) throw new InvalidOperationException($"{status.Code}: {status.Message}");
        WriteReply reply = WriteReply.Read(ref reader);
        if (!reader.AtEnd) throw new InvalidOperationException("reply has more bytes than it says");
        return reply;
    }

    public ReplyStatus WriteFails(WriteRequest request)
    {
        UInt128 before = StateChecksum();
        WireReader reader = Commit(Operation.Write, request.Write, out ReplyStatus status);
        if (status.Code == ErrorCode.Ok) throw new InvalidOperationException("the write was expected to fail");
        if (!reader.AtEnd) throw new InvalidOperationException("error reply has more than its text");
        if (StateChecksum() != before) throw new InvalidOperationException("a failed write changed the state");
        return status;
    }

    public MetadataReply Metadata(string name)
    {
        NamespaceRequest request = new() { Namespace = name };
        WireReader reader = Commit(Operation.Metadata, request.Write, out ReplyStatus status);
        if (status.Code != ErrorCode.Ok) throw new InvalidOperationException($"{status.Code}: {status.Message}");
        return MetadataReply.Read(ref reader);
    }

    public ErrorCode CodeOf(Operation operation, BodyWriter write)
    {
        Commit(operation, write, out ReplyStatus status);
        return status.Code;
    }

    /// <summary>A new machine from this one's checkpoint.</summary>
    public Machine Restart(Configuration? configuration = null)
    {
        BlockReference root = Checkpoint();
        Machine next = new(configuration ?? _configuration, _disk, CacheSizeDefault);
        next.Open(root, _op);
        return next;
    }

    /// <summary>Writes a checkpoint to the machine's disk.</summary>
    public BlockReference Checkpoint()
    {
        State.CheckpointStart(_op == 0 ? 1 : _op, []);
        BlockReference root;
        while (!State.CheckpointAdvance(out root)) CompleteOne();
        State.CheckpointDurable();
        return root;
    }

    private void Open(BlockReference root, ulong op)
    {
        _op = op;
        State.OpenStart(in root);
        OpenResult result;
        while ((result = State.OpenAdvance()) == OpenResult.Waiting) CompleteOne();
        if (result == OpenResult.Opened) State.CheckpointDurable();
        if (result != OpenResult.Opened) throw new InvalidOperationException("checkpoint does not open");
    }

    /// <summary>Checksum of all entries; leaves all blocks in memory.</summary>
    public UInt128 StateChecksum()
    {
        ContentChecksum checksum = new(State.Trees.Forest);
        while (!checksum.TryAdvance()) CompleteOne();
        return checksum.Value;
    }

    /// <summary>Compares all that the state holds with what follows from it, see <see cref="StateVerifier"/>.</summary>
    public void Verify()
    {
        FetchAll();
        StateVerifier.Verify(State);
    }

    /// <summary>Has everything in memory, also values in parts, which lie together only once they have been asked
    /// for.</summary>
    private void FetchAll()
    {
        bool guarded = Guarded;
        Guarded = false;
        Forest forest = State.Trees.Forest;
        do
        {
            CompleteAll();
            forest.PrefetchStart(ulong.MaxValue);
            for (TreeId tree = 0; tree < TreeId.Count; tree++) State.Trees[tree].TouchPrefix([]);
        }
        while (!forest.PrefetchEnd());
        Guarded = guarded;
    }

    private void CompleteAll()
    {
        while (_disk.TryComplete(out uint token)) State.OnCompletion(token, IoResult.Ok);
    }

    private void CompleteOne()
    {
        if (!_disk.TryComplete(out uint token)) throw new InvalidOperationException("waits for nothing");
        State.OnCompletion(token, IoResult.Ok);
    }

    public void Dispose() => _memory.Dispose();
}
