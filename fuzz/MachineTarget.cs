using System;
using System.Buffers.Binary;
using Deterministic.Accel;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Storage;
using Machine = Deterministic.StateMachine.StateMachine;

namespace Deterministic.Fuzz;

/// <summary>Runs the requests of one input on an empty state machine. Every reply must decode, a refusal or a read
/// must change nothing, the structure must stay sound, and a second run must give the same bytes.</summary>
internal sealed class MachineTarget
{
    /// <summary>Every how many inputs the whole state is examined; chosen by the input, so that a replay examines the
    /// same.</summary>
    private const int ExamineOneIn = 8;

    private readonly byte[] _reply = new byte[Configuration.Tiny.MessageBodySizeMax];
    private readonly Machine _machine = new(new StaticMemory(), Configuration.Tiny, ComputeBackends.Select());

    /// <summary>Every prefetch has to name what its operation reads and changes, round by round.</summary>
    public MachineTarget() => _machine.Trees.Forest.Guard = new TouchGuard(_machine.Trees.Forest, cold: true);

    public void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        bool examine = Checksum.Of(input) % ExamineOneIn == 0;
        UInt128 replies = RunLog(input, tally, examine);
        if (!examine) return;
        _machine.Trees.Forest.Verify();
        UInt128 state = _machine.StateChecksum();
        Check.That(RunLog(input, new Tally(), examine: false) == replies, "a second run replies differently");
        Check.That(_machine.StateChecksum() == state, "a second run ends in another state");
    }

    /// <summary>Hash over all replies.</summary>
    private UInt128 RunLog(ReadOnlySpan<byte> log, Tally tally, bool examine)
    {
        _machine.Trees.Forest.Clear();
        UInt128 replies = 0;
        for (ulong op = 1; log.Length >= MachineRequests.FrameSize; op++)
        {
            Operation operation = (Operation)log[0];
            int size = BinaryPrimitives.ReadUInt16LittleEndian(log[1..]);
            log = log[MachineRequests.FrameSize..];
            ReadOnlySpan<byte> body = log[..int.Min(size, log.Length)];
            log = log[body.Length..];
            bool enters = _machine.Accepts(operation, body);
            int replySize = enters ? RunOne(new OperationContext(op, op, operation), body, examine) : 0;
            ReadOnlySpan<byte> reply = _reply.AsSpan(0, replySize);
            tally.Count(enters && ReplyCheck.Decode(operation, body, reply) == ErrorCode.Ok);
            replies = unchecked(replies * 31 + Checksum.Of(reply));
        }
        return replies;
    }

    private int RunOne(in OperationContext context, ReadOnlySpan<byte> body, bool examine)
    {
        // Every operation may remove some of what deleted namespaces left, whatever its own outcome.
        bool compare = examine && !_machine.Trees.Garbage.SeekFirst().Valid;
        UInt128 before = compare ? _machine.StateChecksum() : 0;
        while (!_machine.Prefetch(in context, body)) continue;
        int size = _machine.Commit(in context, body, _reply);
        Check.That(size >= 2 && size <= _reply.Length);
        if (!compare) return size;
        bool reads = context.Operation.Reads();
        bool refused = ReplyCheck.Decode(context.Operation, body, _reply.AsSpan(0, size)) != ErrorCode.Ok;
        if (reads || refused) Check.That(_machine.StateChecksum() == before, "a read or a refusal changed the state");
        return size;
    }
}

/// <summary>Decodes replies as a client does.</summary>
internal static class ReplyCheck
{
    /// <summary>The reply's code; throws unless the reply is whole and of the kind that was asked for.</summary>
    public static ErrorCode Decode(Operation operation, ReadOnlySpan<byte> request, ReadOnlySpan<byte> reply)
    {
        if (operation == Operation.Batch) return DecodeBatch(request, reply);
        WireReader reader = new(reply);
        ReplyStatus status = ReplyStatus.Read(ref reader);
        Check.That(Enum.IsDefined(status.Code), "unknown error code");
        if (status.Code == ErrorCode.Ok) DecodeBody(operation, request, ref reader);
        else Check.That(status.Message.Length > 0, "an error without a text");
        Check.That(reader.AtEnd, "the reply does not decode to its end");
        return status.Code;
    }

    private static void DecodeBody(Operation operation, ReadOnlySpan<byte> request, ref WireReader reader)
    {
        switch (operation)
        {
            case Operation.Write:
                WriteReply.Read(ref reader);
                break;
            case Operation.Query:
                WireReader asked = new(request);
                QueryRequest query = QueryRequest.Read(ref asked);
                Check.That(asked.AtEnd, "an answer to a query that does not decode");
                int results = QueryReply.Read(ref reader).Results.Count;
                Check.That(results == (query.Rerank == Rerank.None ? query.Queries.Length : 1));
                break;
            case Operation.Explain:
                ExplainReply explained = ExplainReply.Read(ref reader);
                WireReader explains = new(request);
                Check.That(explained.Queries.Count == QueryRequest.Read(ref explains).Queries.Length);
                Check.That(PlanText.Of(explained).Length > 0);
                break;
            case Operation.ListNamespaces:
                ListNamespacesReply.Read(ref reader);
                break;
            case Operation.Metadata:
                MetadataReply.Read(ref reader);
                break;
            case Operation.Schema or Operation.UpdateSchema:
                SchemaReply.Read(ref reader);
                break;
            case Operation.CreateKey:
                CreateKeyReply.Read(ref reader);
                break;
            case Operation.Branch:
                BranchReply.Read(ref reader);
                break;
            case Operation.ListKeys:
                ListKeysReply.Read(ref reader);
                break;
            default:
                Check.That(operation is Operation.DeleteNamespace or Operation.RevokeKey);
                break;
        }
    }

    /// <summary>Ok if the batch was taken and a part of it did something; a well-formed batch may also be refused as
    /// a whole when a reply has no room for its parts.</summary>
    private static ErrorCode DecodeBatch(ReadOnlySpan<byte> request, ReadOnlySpan<byte> reply)
    {
        WireReader asked = new(request);
        WireReader reader = new(reply);
        ErrorCode status = ReplyStatus.Read(ref reader).Code;
        if (status != ErrorCode.Ok)
        {
            bool refused = status is ErrorCode.Malformed or ErrorCode.InvalidArgument;
            Check.That(reader.AtEnd && refused, "a refused batch says more than its error");
            return status;
        }
        int count = asked.U16();
        Check.That(reader.U16() == count);
        ErrorCode best = count == 0 ? ErrorCode.Ok : ErrorCode.Malformed;
        for (int i = 0; i < count; i++)
        {
            Operation operation = (Operation)asked.U8();
            asked.Bytes(3);
            ReadOnlySpan<byte> body = asked.Bytes(asked.U32());
            ReadOnlySpan<byte> part = reader.Bytes(reader.U32());
            Check.That(!asked.Failed && !reader.Failed && !part.IsEmpty, "a part of a batch has no answer");
            if (Decode(operation, body, part) == ErrorCode.Ok) best = ErrorCode.Ok;
        }
        Check.That(asked.AtEnd && reader.AtEnd, "the answer to a batch does not end with its last part");
        return best;
    }
}
