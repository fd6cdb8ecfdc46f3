using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;

namespace Deterministic.Fuzz;

/// <summary>Inputs that are valid or nearly so, drawn from a tape.</summary>
internal static class Generators
{
    public const int MessageSizeMax = 2 * Limits.SectorSize;

    public static byte[] Bytes(TapeStream tape)
    {
        byte[] bytes = new byte[tape.Below(300)];
        tape.Bytes(bytes);
        return bytes;
    }

    /// <summary>A message with right checksums, most often one that a correct peer could have sent.</summary>
    public static byte[] Message(TapeStream tape)
    {
        Command[] commands =
        [
            Command.Prepare, Command.Request, Command.Reply, Command.Eviction, Command.Block, Command.PingClient,
            Command.PongClient, Command.Reserved, Command.Read, Command.ReadReply,
            Command.Hello, Command.GetStatus, Command.Status,
        ];
        Command command = tape.Pick<Command>(commands);
        bool hasBody = command is Command.Prepare or Command.Request or Command.Reply or Command.Block or
            Command.Read or Command.ReadReply;
        byte[] body = new byte[hasBody ? tape.Below(300) : 0];
        tape.Bytes(body);
        Header header = Header.Create(command, 77, (uint)tape.Below(3), (byte)tape.Below(3), body.Length);
        SetFields(ref header, tape);
        if (tape.Chance(Ratio.OneIn(8))) header.Size += (uint)tape.Below(200);
        header.ChecksumBody = Checksum.Of(body);
        if (command == Command.Reserved) header = Header.ReservedSlot(77, tape.Below(40));
        header.SetChecksum();
        byte[] message = new byte[Limits.HeaderSize + body.Length];
        header.WriteTo(message);
        body.CopyTo(message.AsSpan(Limits.HeaderSize));
        return message;
    }

    private static void SetFields(ref Header header, TapeStream tape)
    {
        ulong op = (ulong)tape.Range(1, 100);
        switch (header.Command)
        {
            case Command.Prepare:
                header.Prepare.Op = op;
                header.Prepare.Commit = op - 1;
                header.Prepare.Timestamp = op;
                header.Prepare.Client = 5;
                header.Prepare.RequestChecksum = 9;
                header.Prepare.Operation = Pick(tape);
                header.Prepare.RequestNumber = header.Prepare.Operation == Operation.Register ? 0 : 1u;
                break;
            case Command.Read:
                header.ReadRequest.Client = 5;
                header.ReadRequest.Operation = Operation.Query;
                header.ReadRequest.Consistency = (ReadConsistency)tape.Below(3);
                header.ReadRequest.CommitLeast = (ulong)tape.Below(2);
                break;
            case Command.ReadReply:
                header.ReadReply.Client = 5;
                header.ReadReply.ReadChecksum = 9;
                header.ReadReply.Commit = op;
                header.ReadReply.Timestamp = op;
                header.ReadReply.Operation = Operation.Query;
                header.ReadReply.Consistency = ReadConsistency.Stale;
                header.ReadReply.Result = (ReadResult)tape.Below(6);
                break;
            case Command.Request:
                header.Request.Client = 5;
                header.Request.Session = op;
                header.Request.RequestNumber = 1;
                header.Request.Operation = Pick(tape);
                break;
            case Command.Reply:
                header.Reply.Op = op;
                header.Reply.Commit = op;
                header.Reply.Timestamp = op;
                header.Reply.Client = 5;
                header.Reply.RequestChecksum = 9;
                header.Reply.Operation = Pick(tape);
                header.Reply.RequestNumber = 1;
                break;
            case Command.Eviction:
                header.Eviction.Client = 5;
                header.Eviction.Reason = (EvictionReason)tape.Below(11);
                break;
            case Command.Block:
                header.Block.Kind = (BlockKind)tape.Below(4);
                header.Block.Address = op * Limits.SectorSize;
                break;
            case Command.Hello:
                header.Hello.Step = (HelloStep)tape.Below(5);
                header.Hello.NonceLow = (UInt128)tape.Below(2);
                header.Hello.ProofLow = (UInt128)tape.Below(2);
                header.Hello.Receiver = (byte)tape.Below(3);
                break;
            case Command.Status:
                header.Status.Client = 5;
                header.Status.Role = (ReplicaRole)tape.Below(7);
                header.Status.ReplicaCount = (byte)tape.Below(8);
                header.Status.Connected = (byte)tape.Below(8);
                break;
            default:
                header.PingClient.Client = 5;
                break;
        }
    }

    private static Operation Pick(TapeStream tape) => tape.Weighted([6, 1, 1]) switch
    {
        0 => (Operation)tape.Range((int)Operation.Write, (int)Operation.Branch),
        1 => Operation.Register,
        _ => (Operation)tape.Below(256),
    };

    /// <summary>The body of a write or a query.</summary>
    public static byte[] Request(TapeStream tape)
    {
        RequestGenerator generator = new(tape);
        WireWriter writer = new(new byte[MessageSizeMax]);
        if (tape.Boolean()) generator.WriteRequest("fuzz").Write(ref writer);
        else generator.QueryRequest("fuzz").Write(ref writer);
        return writer.Written.ToArray();
    }

    public static byte[] Text(TapeStream tape)
    {
        StringBuilder text = new();
        for (int i = tape.Below(40); i > 0; i--)
            text.Append(tape.Boolean() ? (char)tape.Range(32, 126) : (char)tape.Below(0xD800));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>A recording of a tape; every other one damaged under a good checksum.</summary>
    public static byte[] Recording(TapeStream tape)
    {
        const int checksumSize = 16;
        TapeRecording recording = new(tape.U64());
        for (int i = tape.Below(30); i > 0; i--)
            recording[(TapeConsumer)tape.Below((int)TapeConsumer.Count)].Add(tape.U64() >> tape.Below(64));
        byte[] saved = recording.Save();
        if (tape.Boolean()) return saved;
        byte[] covered = Mutator.Mutate(saved[..^checksumSize], saved, tape);
        byte[] resealed = [.. covered, .. new byte[checksumSize]];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(
            resealed.AsSpan(covered.Length), Checksum.Of(covered));
        return resealed;
    }
}
