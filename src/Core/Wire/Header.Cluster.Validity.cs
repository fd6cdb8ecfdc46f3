using System;

namespace Deterministic.Core.Wire;

public partial struct Header
{
    /// <summary>Most headers in one message: as many as the sets of a <see cref="JoinViewFields"/> have bits.</summary>
    public const int HeadersMax = 128;

    private const int FieldsOffset = 128;

    /// <summary>Bytes of the checkpoint at the front of a <see cref="Command.View"/>'s body.</summary>
    public const int ViewCheckpointSize = 512;

    /// <summary>What only replicas say to each other.</summary>
    private readonly string? InvalidBetweenReplicas() => Command switch
    {
        Command.Ping => InvalidFields(used: 40) ?? InvalidBody(0, 0, 1) ?? InvalidPing(),
        Command.Pong => InvalidFields(used: 33) ?? InvalidBody(0, 0, 1) ?? InvalidPong(),
        Command.Commit => InvalidFields(used: 56) ?? InvalidBody(0, 0, 1) ?? InvalidCommit(),
        Command.ExitView => InvalidFields(used: 0) ?? InvalidBody(0, 0, 1),
        Command.JoinView => InvalidFields(used: 60) ?? InvalidBody(0, HeadersMax, HeaderSize) ?? InvalidJoinView(),
        Command.GetView => InvalidFields(used: 16) ?? InvalidBody(0, 0, 1),
        Command.View =>
            InvalidFields(used: 40) ?? InvalidBody(ViewCheckpointSize, HeadersMax, HeaderSize) ?? InvalidView(),
        Command.GetHeaders => InvalidFields(used: 16) ?? InvalidBody(0, 0, 1) ?? InvalidGetHeaders(),
        Command.Headers => InvalidFields(used: 0) ?? InvalidBody(0, HeadersMax, HeaderSize),
        Command.GetPrepare => InvalidFields(used: 24) ?? InvalidBody(0, 0, 1) ?? InvalidGetPrepare(),
        Command.GetReply => InvalidFields(used: 40) ?? InvalidBody(0, 0, 1) ?? InvalidGetReply(),
        Command.GetBlocks => InvalidFields(used: 0) ?? InvalidBody(0, HeadersMax, BlockReference.Size),
        Command.ConfirmView or Command.ViewConfirmed =>
            InvalidFields(used: 8) ?? InvalidBody(0, 0, 1) ?? InvalidConfirmView(),
        _ => "command is not in use",
    };

    private const int HeaderSize = Limits.HeaderSize;

    private readonly string? InvalidFields(int used) =>
        Bytes[(FieldsOffset + used)..].ContainsAnyExcept((byte)0) ? "reserved bytes are not zero" : null;

    /// <summary>A fixed part, then one to some items; no body at all where no item may be.</summary>
    private readonly string? InvalidBody(int fixedSize, int itemsMax, int itemSize)
    {
        long items = (long)Size - HeaderSize - fixedSize;
        if (itemsMax == 0) return items == 0 ? null : "message has a body";
        if (items <= 0 || items % itemSize != 0) return "body is not a list";
        return items / itemSize <= itemsMax ? null : "body has too many items";
    }

    private readonly string? InvalidPing() =>
        Ping.ReleaseMin == 0 || Ping.ReleaseMin > Ping.ReleaseMax ? "the range of releases is empty" : null;

    private readonly string? InvalidPong() => Pong.IsNormal > 1 ? "a yes or no is neither" : null;

    private readonly string? InvalidConfirmView() => ConfirmView.Round == 0 ? "round is zero" : null;

    private readonly string? InvalidCommit()
    {
        if (Commit.Commit < Commit.CheckpointOp) return "commit is below the checkpoint";
        return Commit.Timestamp == 0 ? "timestamp is zero" : null;
    }

    private readonly string? InvalidJoinView()
    {
        int count = (int)((Size - HeaderSize) / HeaderSize);
        UInt128 all = count == HeadersMax ? UInt128.MaxValue : (UInt128.One << count) - 1;
        if ((JoinView.Present | JoinView.Nack) > all) return "a bit is set for no header";
        if ((JoinView.Present & JoinView.Nack) != 0) return "an entry is both present and refused";
        if (JoinView.LogView >= View) return "log view is not below the view";
        if (JoinView.CommitMin < JoinView.CheckpointOp) return "commit is below the checkpoint";
        if (JoinView.Op < JoinView.CommitMin) return "op is below commit";
        return (ulong)count > JoinView.Op + 1 ? "more headers than the log has" : null;
    }

    private readonly string? InvalidView()
    {
        int count = (int)((Size - HeaderSize - ViewCheckpointSize) / HeaderSize);
        if (ViewChange.CommitMax < ViewChange.CheckpointOp) return "commit is below the checkpoint";
        if (ViewChange.Op < ViewChange.CommitMax) return "op is below commit";
        return (ulong)count > ViewChange.Op + 1 ? "more headers than the log has" : null;
    }

    private readonly string? InvalidGetHeaders() =>
        GetHeaders.OpMin > GetHeaders.OpMax ? "the range of ops is empty" : null;

    private readonly string? InvalidGetPrepare()
    {
        if (GetPrepare.PrepareChecksum == 0) return "checksum is zero";
        return GetPrepare.Op == 0 ? "op is zero" : null;
    }

    private readonly string? InvalidGetReply()
    {
        if (GetReply.ReplyChecksum == 0) return "checksum is zero";
        if (GetReply.Client == 0) return "client is zero";
        return GetReply.Op == 0 ? "op is zero" : null;
    }
}
