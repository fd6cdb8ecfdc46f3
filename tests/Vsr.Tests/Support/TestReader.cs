using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>A client that reads outside of the log, one read at a time.</summary>
internal sealed class TestReader(UInt128 id)
{
    private readonly byte[] _body = [7, 7];

    public UInt128 Id { get; } = id;
    public ulong Number { get; private set; }
    public byte[] Message { get; private set; } = [];

    public byte[] Strong() => Make(new ReadFields { Consistency = ReadConsistency.Strong });

    public byte[] Stale(ulong commitLeast = 0, uint ageMaxMilliseconds = 0) => Make(new ReadFields
    {
        Consistency = ReadConsistency.Stale, CommitLeast = commitLeast, AgeMaxMilliseconds = ageMaxMilliseconds,
    });

    public byte[] Make(ReadFields fields, Operation operation = Operation.Query)
    {
        Header header = Header.Create(Command.Read, Bench.Cluster, view: 0, replica: 0, _body.Length);
        header.ReadRequest = fields;
        header.ReadRequest.Client = Id;
        header.ReadRequest.Number = ++Number;
        header.ReadRequest.Operation = operation;
        header.SetChecksumBody(_body);
        header.SetChecksum();
        Message = new byte[Limits.HeaderSize + _body.Length];
        header.WriteTo(Message);
        _body.CopyTo(Message.AsSpan(Limits.HeaderSize));
        return Message;
    }

    /// <summary>The answers to the last read.</summary>
    public List<ClusterBench.Packet> Answers(ClusterBench bench)
    {
        UInt128 checksum = Header.Read(Message).Checksum;
        return bench.Replies.FindAll(packet => packet.Header.Command == Command.ReadReply &&
            packet.Client == Id && packet.Header.ReadReply.ReadChecksum == checksum);
    }

    /// <summary>The one answer to the last read.</summary>
    public Header Answer(ClusterBench bench)
    {
        List<ClusterBench.Packet> answers = Answers(bench);
        ClusterBench.Assert(answers.Count == 1, $"{answers.Count} answers");
        return answers[0].Header;
    }

    /// <summary>How many operations the state had that answered.</summary>
    public static ulong CountIn(ReadOnlySpan<byte> reply) =>
        BinaryPrimitives.ReadUInt64LittleEndian(reply[Limits.HeaderSize..]);
}
