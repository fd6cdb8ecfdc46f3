using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>One client session as it stands in the table and in a checkpoint. A free slot is all zero.</summary>
[StructLayout(LayoutKind.Explicit, Size = ClientSession.Size)]
public struct ClientSession
{
    public const int Size = 512;

    /// <summary>Header of the last reply: names the client, the request and the op.</summary>
    [FieldOffset(0)] public Header Reply;

    /// <summary>The op that registered it; 0 if the slot is free.</summary>
    [FieldOffset(256)] public ulong Session;
    [FieldOffset(264)] public ulong Reserved0;
    [FieldOffset(272)] public ClientSessionReserved Reserved1;

    public readonly bool Free => Session == 0;
    public readonly UInt128 Client => Reply.Reply.Client;
}

[System.Runtime.CompilerServices.InlineArray(240)]
public struct ClientSessionReserved
{
    private byte _element;
}

/// <summary>Who is registered and what each was answered last. Changes only by committed entries, so it is equal on
/// every replica at the same op. A session's index is its slot in the replies zone.</summary>
public sealed class ClientSessions
{
    private readonly ClientSession[] _sessions;

    public ClientSessions(int sessionsMax)
    {
        Check.That(sessionsMax > 0);
        _sessions = new ClientSession[sessionsMax];
    }

    public int Capacity => _sessions.Length;
    public int Count { get; private set; }

    public static int TableSize(int sessionsMax) => checked(sessionsMax * ClientSession.Size);

    public ref readonly ClientSession At(int index) => ref _sessions[index];

    /// <summary>Index of the client's session, or -1.</summary>
    public int Find(UInt128 client)
    {
        Check.That(client != 0);
        for (int i = 0; i < _sessions.Length; i++)
        {
            if (!_sessions[i].Free && _sessions[i].Reply.Reply.Client == client) return i;
        }
        return -1;
    }

    /// <summary>Commits a register. A full table gives up the session whose last request is oldest in the log;
    /// <paramref name="evicted"/> is its client, or 0.</summary>
    public int Register(in Header reply, out UInt128 evicted)
    {
        Check.That(reply.Command == Command.Reply && reply.Reply.Operation == Operation.Register);
        Check.That(reply.Reply.Op > 0);
        int index = Find(reply.Reply.Client);
        evicted = 0;
        if (index < 0)
        {
            index = FreeOrOldest();
            if (_sessions[index].Free) Count++;
            else evicted = _sessions[index].Client;
        }
        _sessions[index] = new ClientSession { Reply = reply, Session = reply.Reply.Op };
        return index;
    }

    /// <summary>Commits a request of a registered client.</summary>
    public void Update(int index, in Header reply)
    {
        Check.That(!_sessions[index].Free);
        Check.That(_sessions[index].Client == reply.Reply.Client);
        Check.That(_sessions[index].Reply.Reply.Op < reply.Reply.Op);
        Check.That(_sessions[index].Reply.Reply.RequestNumber + 1 == reply.Reply.RequestNumber, "carried out once");
        _sessions[index].Reply = reply;
    }

    public void WriteTo(Span<byte> table)
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(_sessions.AsSpan());
        Check.That(table.Length == bytes.Length);
        bytes.CopyTo(table);
    }

    /// <summary>Takes a table from a checkpoint; false if it cannot be one.</summary>
    public bool Read(ReadOnlySpan<byte> table, UInt128 cluster, int messageSizeMax)
    {
        if (table.Length != TableSize(_sessions.Length)) return false;
        table.CopyTo(MemoryMarshal.AsBytes(_sessions.AsSpan()));
        Count = 0;
        for (int i = 0; i < _sessions.Length; i++)
        {
            ReadOnlySpan<byte> bytes = table.Slice(i * ClientSession.Size, ClientSession.Size);
            if (_sessions[i].Free)
            {
                if (bytes.ContainsAnyExcept((byte)0)) return false;
                continue;
            }
            Count++;
            ref readonly Header reply = ref _sessions[i].Reply;
            if (!reply.ValidChecksum() || reply.Invalid(messageSizeMax) is not null) return false;
            if (reply.Command != Command.Reply || reply.Cluster != cluster) return false;
            if (reply.Reply.Op < _sessions[i].Session || bytes[264..].ContainsAnyExcept((byte)0)) return false;
            if (Find(reply.Reply.Client) != i) return false;
        }
        return true;
    }

    private int FreeOrOldest()
    {
        int oldest = 0;
        for (int i = 0; i < _sessions.Length; i++)
        {
            if (_sessions[i].Free) return i;
            if (_sessions[i].Reply.Reply.Op < _sessions[oldest].Reply.Reply.Op) oldest = i;
        }
        return oldest;
    }
}
