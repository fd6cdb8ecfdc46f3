using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>Readers in a cluster under faults. A strong read sees every operation that was answered, and every state
/// that a strong read has shown, before it was sent; a stale one sees some state that there has been, and one as new as
/// it asked for.</summary>
internal sealed class ChaosReads(Random random, string name)
{
    private sealed class Reader(UInt128 id)
    {
        public TestReader Messages { get; } = new(id);
        public ulong Floor { get; set; }
        public bool Answered { get; set; } = true;
        public int Age { get; set; }
    }

    private const int Patience = 300;
    private readonly Reader[] _readers = [new(100), new(101), new(102)];

    /// <summary>The greatest op whose effect somebody was told of.</summary>
    private ulong _known;

    public int Strong { get; private set; }
    public int Stale { get; private set; }

    /// <summary>Sends a new read, or one that has no answer yet to somebody else.</summary>
    public void Send(ClusterBench bench, byte replica)
    {
        Reader reader = _readers[random.Next(_readers.Length)];
        if (!reader.Answered && reader.Age++ < Patience / 10)
        {
            bench.Send(replica, reader.Messages.Message);
            return;
        }
        reader.Answered = false;
        reader.Age = 0;
        bool strong = random.Next(3) > 0;
        reader.Floor = strong ? _known : (ulong)random.Next(2) * _known;
        bench.Send(replica, strong ? reader.Messages.Strong() : reader.Messages.Stale(commitLeast: reader.Floor));
    }

    /// <summary>A client was answered by a log entry.</summary>
    public void Answered(in Header reply) => _known = ulong.Max(_known, reply.Reply.Op);

    public void Take(ClusterBench bench, ClusterBench.Packet packet)
    {
        ReadReplyFields reply = packet.Header.ReadReply;
        Reader reader = _readers[(int)(ulong)reply.Client - 100];
        if (reply.ReadChecksum != Header.Read(reader.Messages.Message).Checksum) return;
        if (reply.Result != ReadResult.Answered || reader.Answered) return;
        reader.Answered = true;
        UInt128 hash = BinaryPrimitives.ReadUInt128LittleEndian(packet.Bytes.AsSpan(Limits.HeaderSize + 8));
        ClusterBench.Assert(bench.IsState(reply.Commit, hash), $"{name}: a state that never was, op {reply.Commit}");
        ClusterBench.Assert(reply.Commit >= reader.Floor,
            $"{name}: a {reply.Consistency} read saw op {reply.Commit}, {reader.Floor} was known before");
        if (reply.Consistency == ReadConsistency.Strong)
        {
            _known = ulong.Max(_known, reply.Commit);
            Strong++;
        }
        else
        {
            Stale++;
        }
    }
}
