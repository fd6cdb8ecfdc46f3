using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>Harm to the disks of a cluster and to what reaches it.</summary>
internal static class ScenarioDamage
{
    private const int InHeader = 130;

    public static void Prepare(ClusterBench bench, int replica, ulong op)
    {
        DataFileLayout layout = new(bench.Configuration);
        bench.Nodes[replica].File.Corrupt(layout.PrepareOffset(layout.SlotOf(op)) + InHeader);
    }

    /// <summary>The last byte of the entry's sector, which is no part of it and always 0.</summary>
    public static void Padding(ClusterBench bench, int replica, ulong op)
    {
        DataFileLayout layout = new(bench.Configuration);
        bench.Nodes[replica].File.Corrupt(layout.PrepareOffset(layout.SlotOf(op)) + Limits.SectorSize - 1);
    }

    public static void JournalHeader(ClusterBench bench, int replica, ulong op)
    {
        DataFileLayout layout = new(bench.Configuration);
        bench.Nodes[replica].File.Corrupt(
            layout.JournalHeadersOffset + layout.SlotOf(op) * Limits.HeaderSize + InHeader);
    }

    public static void Superblock(ClusterBench bench, int replica, int copy) =>
        bench.Nodes[replica].File.Corrupt(DataFileLayout.SuperblockOffset(copy) + InHeader);

    /// <summary>The disk put the entry of one op into the slot of another, and told nobody.</summary>
    public static void Misdirect(ClusterBench bench, int replica, ulong op, ulong into)
    {
        DataFileLayout layout = new(bench.Configuration);
        Span<byte> bytes = bench.Nodes[replica].File.Bytes;
        bytes.Slice((int)layout.PrepareOffset(layout.SlotOf(op)), layout.MessageSizeMax)
            .CopyTo(bytes[(int)layout.PrepareOffset(layout.SlotOf(into))..]);
    }

    /// <summary>What a disk was told to write since then it has lost, though it said that it was done.</summary>
    public static void Revert(ClusterBench bench, int replica, ReadOnlySpan<byte> old, string what, ulong value)
    {
        DataFileLayout layout = new(bench.Configuration);
        (long offset, long size) = what switch
        {
            "prepare" => (layout.PrepareOffset(layout.SlotOf(value)), layout.MessageSizeMax),
            "header" => (layout.JournalHeadersOffset + layout.SlotOf(value) * Limits.HeaderSize, Limits.HeaderSize),
            "superblock" => (DataFileLayout.SuperblockOffset((int)value), SuperblockCopy.Size),
            _ => throw new FormatException($"{what} cannot be reverted"),
        };
        old.Slice((int)offset, (int)size).CopyTo(bench.Nodes[replica].File.Bytes.AsSpan((int)offset));
    }

    /// <summary>The root block of the checkpoint.</summary>
    public static void Root(ClusterBench bench, int replica)
    {
        MemoryFile file = bench.Nodes[replica].File;
        SuperblockCopy superblock = SuperblockCopy.Read(file.Bytes.AsSpan(0, SuperblockCopy.Size));
        ClusterBench.Assert(superblock.Checkpoint.RootAddress > 0, "there is no checkpoint");
        file.Corrupt(new DataFileLayout(bench.Configuration).BlockOffset(superblock.Checkpoint.RootAddress) + InHeader);
    }

    /// <summary>Every block that was ever written.</summary>
    public static void Blocks(ClusterBench bench, int replica)
    {
        DataFileLayout layout = new(bench.Configuration);
        for (ulong block = 1; block <= (ulong)layout.GridBlocks; block++)
            bench.Nodes[replica].File.Corrupt(layout.BlockOffset(block) + InHeader);
    }

    public static void Reply(ClusterBench bench, int replica, UInt128 client)
    {
        DataFileLayout layout = new(bench.Configuration);
        MemoryFile file = bench.Nodes[replica].File;
        for (int session = 0; session < layout.SessionsMax; session++)
        {
            Header reply = Header.Read(file.Bytes.AsSpan((int)layout.ReplyOffset(session), Limits.HeaderSize));
            if (reply.Command != Command.Reply || reply.Reply.Client != client) continue;
            file.Corrupt(layout.ReplyOffset(session) + InHeader);
            return;
        }
        throw new InvalidOperationException("there is no reply");
    }

    /// <summary>Whether the blocks and the replies on these two disks are the same, byte for byte.</summary>
    public static bool AreEqual(ClusterBench bench, int one, int other)
    {
        DataFileLayout layout = new(bench.Configuration);
        int offset = (int)layout.RepliesOffset;
        return bench.Nodes[one].File.Bytes.AsSpan(offset).SequenceEqual(
            bench.Nodes[other].File.Bytes.AsSpan(offset));
    }

    /// <summary>Bytes by chance, of messages that are none.</summary>
    public static byte[] Garbage(Random random)
    {
        byte[] bytes = new byte[Limits.HeaderSize + random.Next(4) * Limits.HeaderSize];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>A message whose checksums are right and whose fields are out of any order: all bits, most bits or a
    /// few are set.</summary>
    public static byte[] Absurd(Random random, int replicas)
    {
        byte[] body = new byte[random.Next(4) * Limits.HeaderSize];
        random.NextBytes(body);
        Header header = Header.Create((Command)random.Next(40), Bench.Cluster, (uint)random.Next(3), 0, body.Length);
        header.Replica = (byte)random.Next(replicas + 2);
        Span<byte> fields = MemoryMarshal.AsBytes(new Span<Header>(ref header))[128..];
        int kind = random.Next(3);
        if (kind == 0) fields.Fill(byte.MaxValue);
        else if (kind == 1) random.NextBytes(fields);
        else fields[random.Next(fields.Length)] = byte.MaxValue;
        header.SetChecksumBody(body);
        header.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize + body.Length];
        header.WriteTo(bytes);
        body.CopyTo(bytes.AsSpan(Limits.HeaderSize));
        return bytes;
    }

    /// <summary>The same message, sent to a cluster of another number.</summary>
    public static byte[] Foreign(ReadOnlySpan<byte> message)
    {
        byte[] bytes = message.ToArray();
        Header header = Header.Read(bytes);
        header.Cluster = Bench.Cluster + 1;
        header.SetChecksum();
        header.WriteTo(bytes);
        return bytes;
    }
}

/// <summary>A power cut after which each write in flight has left nothing, or all of it, or garbage.</summary>
internal sealed class Fate : Random
{
    private const int Written = 0;
    private const int Garbage = 2;
    private const int Old = 4;
    private readonly int _fate;

    public Fate(string fate) : base(1)
    {
        _fate = fate switch
        {
            "" => Old,
            "torn" => Garbage,
            "written" => Written,
            _ => throw new FormatException($"{fate} is no way to crash"),
        };
    }

    public override int Next(int maxValue) => _fate;
}
