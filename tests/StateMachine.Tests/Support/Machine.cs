using System;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Tests.Support;

/// <summary>Encodes a request, commits it as the next log entry, decodes the reply.</summary>
public sealed class Machine : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly byte[] _body;
    private readonly byte[] _reply;
    private ulong _op;

    public Machine(Configuration? configuration = null)
    {
        Configuration used = configuration ?? Configuration.Production;
        State = new StateMachine(_memory, used, new ScalarBackend());
        _memory.Seal();
        _body = new byte[used.MessageBodySizeMax];
        _reply = new byte[used.MessageBodySizeMax];
    }

    public delegate void BodyWriter(ref WireWriter writer);

    public StateMachine State { get; }

    public int Commit(Operation operation, ReadOnlySpan<byte> body)
    {
        _op++;
        return State.Commit(new OperationContext(_op, _op * 1000, operation), body, _reply);
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
        Machine next = new(configuration) { _op = _op };
        byte[] part = new byte[4096];
        next.State.RestoreStart();
        State.CheckpointStart();
        int size;
        while ((size = State.CheckpointRead(part)) > 0) next.State.RestoreWrite(part.AsSpan(0, size));
        if (!next.State.RestoreEnd()) throw new InvalidOperationException("checkpoint does not restore");
        return next;
    }

    public void Dispose() => _memory.Dispose();
}
