using System;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Tests.Support;

/// <summary>Encodes a request, commits it as the next log entry, decodes the reply. A guard proves of every operation
/// that its prefetch has named all that it reads and changes.</summary>
public sealed class Machine : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly TouchGuard _guard;
    private readonly byte[] _body;
    private readonly byte[] _reply;
    private ulong _op;
    private int _replySize;

    public Machine(Configuration? configuration = null)
    {
        Configuration used = configuration ?? Configuration.Production;
        State = new StateMachine(_memory, used, new ScalarBackend());
        _guard = new TouchGuard(State.Trees.Forest, cold: true);
        Guarded = true;
        _memory.Seal();
        _body = new byte[used.MessageBodySizeMax];
        _reply = new byte[used.MessageBodySizeMax];
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
        while (!State.Prefetch(context, body)) continue;
        Rounds = _guard.Rounds;
        _replySize = State.Commit(context, body, _reply);
        return _replySize;
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
        UInt128 before = State.StateChecksum();
        WireReader reader = Commit(Operation.Write, request.Write, out ReplyStatus status);
        if (status.Code == ErrorCode.Ok) throw new InvalidOperationException("the write was expected to fail");
        if (!reader.AtEnd) throw new InvalidOperationException("error reply has more than its text");
        if (State.StateChecksum() != before) throw new InvalidOperationException("a failed write changed the state");
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
        Machine next = new(configuration);
        next.Restore(Checkpoint(), _op);
        return next;
    }

    public byte[] Checkpoint()
    {
        System.IO.MemoryStream stream = new();
        byte[] part = new byte[4096];
        State.CheckpointStart();
        int size;
        while ((size = State.CheckpointRead(part)) > 0) stream.Write(part, 0, size);
        return stream.ToArray();
    }

    /// <summary>Forgets everything and goes on from a checkpoint, taken in parts of uneven size.</summary>
    public void Restore(ReadOnlySpan<byte> checkpoint, ulong op = 0)
    {
        _op = op;
        State.RestoreStart();
        for (int size = 1; !checkpoint.IsEmpty; size = size * 3 + 1)
        {
            int taken = Math.Min(size, checkpoint.Length);
            State.RestoreWrite(checkpoint[..taken]);
            checkpoint = checkpoint[taken..];
        }
        if (!State.RestoreEnd()) throw new InvalidOperationException("checkpoint does not restore");
    }

    public void Dispose() => _memory.Dispose();
}
