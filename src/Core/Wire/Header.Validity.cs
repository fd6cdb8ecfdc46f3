using System;

namespace Deterministic.Core.Wire;

public partial struct Header
{
    /// <summary>A header with its frame filled and everything else zero; checksums are still to be set.</summary>
    public static Header Create(Command command, UInt128 cluster, uint view, byte replica, int bodySize = 0)
    {
        Core.Check.That(bodySize >= 0);
        return new Header
        {
            Cluster = cluster,
            Size = (uint)(Limits.HeaderSize + bodySize),
            View = view,
            Release = ReleaseCurrent,
            Protocol = ProtocolVersion,
            Command = command,
            Replica = replica,
        };
    }

    /// <summary>What a journal slot holds that never held a prepare.</summary>
    public static Header ReservedSlot(UInt128 cluster, int slot)
    {
        Core.Check.That(slot >= 0);
        Header header = Create(Command.Reserved, cluster, view: 0, replica: 0);
        header.Release = 0;
        header.Prepare.Op = (ulong)slot;
        header.ChecksumBody = Core.Checksum.Empty;
        header.SetChecksum();
        return header;
    }

    /// <summary>The first entry of every log, the same on all replicas of a cluster.</summary>
    public static Header Root(UInt128 cluster)
    {
        Header header = Create(Command.Prepare, cluster, view: 0, replica: 0);
        header.Release = 0;
        header.Prepare.Operation = Operation.Root;
        header.ChecksumBody = Core.Checksum.Empty;
        header.SetChecksum();
        return header;
    }

    /// <summary>Null, or why no correct peer could have made this header. The checksum must have been checked
    /// before; every receiver and every reader of a disk calls this before it looks at any other field.</summary>
    /// <param name="messageSizeMax">Largest message of the cluster in bytes, header included.</param>
    public readonly string? Invalid(int messageSizeMax)
    {
        Core.Check.That(messageSizeMax >= Limits.HeaderSize);
        if (Protocol != ProtocolVersion) return "protocol version is not supported";
        if (Size < Limits.HeaderSize) return "size is below the header's";
        if (Size > (uint)messageSizeMax) return "size is above the largest message";
        if (Size == Limits.HeaderSize && ChecksumBody != Core.Checksum.Empty) return "body checksum of an empty body";
        if (InvalidFrame()) return "reserved bytes of the frame are not zero";
        return Command switch
        {
            Command.Reserved => InvalidReserved(),
            Command.PingClient or Command.PongClient => InvalidPingClient(),
            Command.Request => InvalidRequest(),
            Command.Prepare => InvalidPrepare(),
            Command.PrepareOk => InvalidPrepareOk(),
            Command.Reply => InvalidReply(),
            Command.Eviction => InvalidEviction(),
            Command.Block => InvalidBlock(),
            Command.Read => InvalidRead(),
            Command.ReadReply => InvalidReadReply(),
            Command.Hello => InvalidHello(),
            Command.GetStatus or Command.Status => InvalidStatus(),
            >= Command.Ping and <= Command.ViewConfirmed => InvalidBetweenReplicas(),
            _ => "command is not in use",
        };
    }

    private readonly bool InvalidFrame() =>
        ChecksumPadding != 0 || ChecksumBodyPadding != 0 || NonceReserved != 0 || Epoch != 0 ||
        FrameReserved0 != 0 || FrameReserved1 != 0 || Replica >= Limits.MembersMax;

    private readonly string? InvalidReserved()
    {
        PrepareFields expected = default;
        expected.Op = Prepare.Op;
        Header header = Create(Command.Reserved, Cluster, view: 0, replica: 0);
        header.Release = 0;
        header.Prepare = expected;
        header.ChecksumBody = ChecksumBody;
        header.Checksum = Checksum;
        return header.Bytes.SequenceEqual(Bytes) ? null : "reserved slot has fields set";
    }

    private readonly string? InvalidPingClient()
    {
        if (Size != Limits.HeaderSize) return "ping has a body";
        if (PingClient.Client == 0) return "client is zero";
        byte replicasMax = Command == Command.PingClient ? (byte)0 : (byte)Limits.ReplicasMax;
        if (PingClient.ReplicaCount > replicasMax) return "replica count is out of bounds";
        bool zero = PingClient.Reserved0 == 0 && PingClient.Reserved1 == 0 && PingClient.Reserved2 == 0 &&
            PingClient.Reserved3 == 0 && PingClient.Reserved4 == 0 && PingClient.Reserved5 == 0 &&
            PingClient.Reserved6 == 0 && PingClient.Reserved7 == 0 && PingClient.Reserved8 == 0;
        return zero ? null : "reserved bytes of the ping are not zero";
    }

    private readonly string? InvalidRequest()
    {
        if (Request.Client == 0) return "client is zero";
        if (Request.Timestamp != 0) return "a request's timestamp is not the client's to choose";
        bool zero = Request.ParentPadding == 0 && Request.Reserved0 == 0 && Request.Reserved1 == 0 &&
            Request.Reserved2 == 0 && Request.Reserved3 == 0 && Request.Reserved4 == 0 && Request.Reserved5 == 0;
        if (!zero) return "reserved bytes of the request are not zero";
        if (Request.Operation is Operation.Reserved or Operation.Root) return "operation is not a client's";
        if (Request.Operation == Operation.Register)
        {
            if (Size != Limits.HeaderSize) return "register has a body";
            if (Request.Session != 0) return "register has a session";
            if (Request.RequestNumber != 0) return "register has a request number";
            return Request.Parent == 0 ? null : "register has a parent";
        }
        if (Request.Session == 0) return "session is zero";
        return Request.RequestNumber == 0 ? "request number is zero" : null;
    }

    private readonly string? InvalidPrepare()
    {
        bool zero = Prepare.Reserved0 == 0 && Prepare.Reserved1 == 0 &&
            Prepare.Reserved2 == 0 && Prepare.Reserved3 == 0;
        if (!zero) return "reserved bytes of the prepare are not zero";
        if (Prepare.Operation == Operation.Root)
        {
            Header root = Root(Cluster);
            root.Checksum = Checksum;
            return root.Bytes.SequenceEqual(Bytes) ? null : "root has fields set";
        }
        if (Prepare.Op == 0) return "op is zero";
        if (Prepare.Op <= Prepare.Commit) return "op is not above commit";
        if (Release == 0) return "release is zero";
        return InvalidEntry(
            Prepare.Operation, Prepare.Client, Prepare.RequestNumber, Prepare.Timestamp, Prepare.RequestChecksum);
    }

    private readonly string? InvalidPrepareOk()
    {
        if (Size != Limits.HeaderSize) return "prepare_ok has a body";
        bool zero = PrepareOk.Reserved0 == 0 && PrepareOk.Reserved1 == 0 && PrepareOk.Reserved2 == 0 &&
            PrepareOk.Reserved3 == 0;
        if (!zero) return "reserved bytes of the prepare_ok are not zero";
        if (PrepareOk.Op == 0) return "op is zero";
        return InvalidEntry(PrepareOk.Operation, PrepareOk.Client, PrepareOk.RequestNumber, PrepareOk.Timestamp, 1);
    }

    private readonly string? InvalidReply()
    {
        bool zero = Reply.RequestChecksumPadding == 0 && Reply.Reserved0 == 0 && Reply.Reserved1 == 0 &&
            Reply.Reserved2 == 0 && Reply.Reserved3 == 0;
        if (!zero) return "reserved bytes of the reply are not zero";
        if (Reply.Op == 0) return "op is zero";
        if (Reply.Op != Reply.Commit) return "op is not commit";
        if (Reply.Client == 0) return "client is zero";
        if (Reply.Operation == Operation.Register && Size != Limits.HeaderSize) return "register's reply has a body";
        return InvalidEntry(Reply.Operation, Reply.Client, Reply.RequestNumber, Reply.Timestamp, Reply.RequestChecksum);
    }

    private static string? InvalidEntry(
        Operation operation, UInt128 client, uint requestNumber, ulong timestamp, UInt128 requestChecksum)
    {
        if (timestamp == 0) return "timestamp is zero";
        switch (operation)
        {
            case Operation.Register:
                if (client == 0) return "client is zero";
                if (requestChecksum == 0) return "request checksum is zero";
                return requestNumber == 0 ? null : "register has a request number";
            case Operation.Pulse:
            case Operation.Noop:
            case Operation.Group:
            case Operation.Upgrade:
                return client == 0 && requestNumber == 0 ? null : "an entry of the log's own has a client";
            case >= Operation.Write:
                if (client == 0) return "client is zero";
                if (requestChecksum == 0) return "request checksum is zero";
                return requestNumber == 0 ? "request number is zero" : null;
            default:
                return "operation is not in use";
        }
    }

    private readonly string? InvalidEviction()
    {
        if (Size != Limits.HeaderSize) return "eviction has a body";
        if (Eviction.Client == 0) return "client is zero";
        if (Eviction.Reason is EvictionReason.Reserved or > EvictionReason.WrongCluster) return "reason is unknown";
        bool zero = Eviction.Reserved0 == 0 && Eviction.Reserved1 == 0 && Eviction.Reserved2 == 0 &&
            Eviction.Reserved3 == 0 && Eviction.Reserved4 == 0 && Eviction.Reserved5 == 0 && Eviction.Reserved6 == 0 &&
            Eviction.Reserved7 == 0 && Eviction.Reserved8 == 0 && Eviction.Reserved9 == 0;
        return zero ? null : "reserved bytes of the eviction are not zero";
    }

    private readonly string? InvalidBlock()
    {
        if (Block.Kind is BlockKind.Reserved or > BlockKind.Filter) return "kind of block is unknown";
        if (Block.Address == 0) return "address is zero";
        bool zero = Block.Reserved0 == 0 && Block.Reserved1 == 0 && Block.Reserved2 == 0 && Block.Reserved3 == 0 &&
            Block.Reserved4 == 0 && Block.Reserved5 == 0 && Block.Reserved6 == 0 && Block.Reserved7 == 0 &&
            Block.Reserved8 == 0 && Block.Reserved9 == 0;
        return zero ? null : "reserved bytes of the block are not zero";
    }
}
