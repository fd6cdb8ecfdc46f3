using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Xunit;

namespace Deterministic.Vsr.Tests;

public sealed class HeaderValidityTests
{
    private const int MessageSizeMax = 1 << 20;

    /// <summary>Byte ranges that must be zero behind the frame, by command.</summary>
    private static readonly (Command, (int From, int To)[])[] Reserved =
    [
        (Command.Request, [(144, 160), (197, 200), (204, 256)]),
        (Command.Prepare, [(221, 256)]),
        (Command.PrepareOk, [(221, 256)]),
        (Command.Reply, [(144, 160), (221, 256)]),
        (Command.Eviction, [(145, 256)]),
        (Command.PingClient, [(160, 256)]),
        (Command.PongClient, [(161, 256)]),
        (Command.Block, [(144, 224), (241, 256)]),
        (Command.Reserved, [(128, 192), (200, 256)]),
        (Command.Ping, [(168, 256)]),
        (Command.Pong, [(161, 256)]),
        (Command.Commit, [(184, 256)]),
        (Command.ExitView, [(128, 256)]),
        (Command.JoinView, [(188, 256)]),
        (Command.GetView, [(144, 256)]),
        (Command.View, [(168, 256)]),
        (Command.GetHeaders, [(144, 256)]),
        (Command.Headers, [(128, 256)]),
        (Command.GetPrepare, [(152, 256)]),
        (Command.GetReply, [(168, 256)]),
        (Command.GetBlocks, [(128, 256)]),
        (Command.Read, [(166, 256)]),
        (Command.ReadReply, [(187, 256)]),
        (Command.ConfirmView, [(136, 256)]),
        (Command.ViewConfirmed, [(136, 256)]),
        (Command.Hello, [(194, 208), (224, 256)]),
        (Command.GetStatus, [(152, 256)]),
        (Command.Status, [(204, 256)]),
    ];

    private static int BodySize(Command command) => command switch
    {
        Command.JoinView or Command.Headers => 3 * Limits.HeaderSize,
        Command.View => Header.ViewCheckpointSize + 3 * Limits.HeaderSize,
        Command.GetBlocks => 2 * BlockReference.Size,
        _ => 0,
    };

    private static Header Valid(Command command)
    {
        if (command == Command.Reserved) return Header.ReservedSlot(7, 3);
        Header header = Header.Create(command, cluster: 7, view: 2, replica: 1, BodySize(command));
        switch (command)
        {
            case Command.Request:
                header.Request = new RequestFields
                {
                    Client = 5, Session = 2, RequestNumber = 1, Operation = Operation.Write,
                };
                break;
            case Command.Prepare:
                header.Prepare = new PrepareFields
                {
                    Client = 5, Op = 4, Commit = 3, Timestamp = 1, RequestNumber = 1, RequestChecksum = 9,
                    Operation = Operation.Write,
                };
                break;
            case Command.PrepareOk:
                header.PrepareOk = new PrepareOkFields
                {
                    Client = 5, Op = 4, Timestamp = 1, RequestNumber = 1, Operation = Operation.Write,
                };
                break;
            case Command.Reply:
                header.Reply = new ReplyFields
                {
                    Client = 5, Op = 4, Commit = 4, Timestamp = 1, RequestNumber = 1, RequestChecksum = 9,
                    Operation = Operation.Write,
                };
                break;
            case Command.Eviction:
                header.Eviction = new EvictionFields { Client = 5, Reason = EvictionReason.NoSession };
                break;
            case Command.Block:
                header.Block = new BlockFields { Address = 4096, Snapshot = 1, Kind = BlockKind.Entries };
                break;
            case Command.Commit:
                header.Commit = new CommitFields { Commit = 5, CheckpointOp = 3, Timestamp = 1 };
                break;
            case Command.JoinView:
                header.JoinView = new JoinViewFields
                {
                    Op = 9, CommitMin = 7, CheckpointOp = 3, LogView = 1, Present = 0b011, Nack = 0b100,
                };
                break;
            case Command.View:
                header.ViewChange = new ViewFields { Op = 9, CommitMax = 7, CheckpointOp = 3 };
                break;
            case Command.GetHeaders or Command.GetPrepare or Command.GetReply:
                SetRepairFields(ref header);
                break;
            case Command.Read or Command.ReadReply or Command.ConfirmView or Command.ViewConfirmed:
                SetReadFields(ref header);
                break;
            case Command.Ping or Command.Hello or Command.GetStatus or Command.Status:
                SetConnectionFields(ref header);
                break;
            case Command.Pong or Command.ExitView or Command.GetView or Command.Headers or
                Command.GetBlocks:
                break;
            default:
                header.PingClient = new PingClientFields { Client = 5 };
                break;
        }
        header.SetChecksumBody(new byte[BodySize(command)]);
        header.SetChecksum();
        return header;
    }

    private static void SetConnectionFields(ref Header header)
    {
        if (header.Command == Command.Ping)
            header.Ping = new PingFields { ReleaseMin = 1, ReleaseMax = 2 };
        else if (header.Command == Command.Hello)
            header.Hello = new HelloFields { NonceLow = 1, ProofHigh = 1, Step = HelloStep.Answer, Configuration = 1 };
        else if (header.Command == Command.Status)
            header.Status = new StatusFields { Client = 5, Role = ReplicaRole.Backup, ReplicaCount = 3 };
        else
            header.Status = new StatusFields { Client = 5 };
    }

    private static void SetRepairFields(ref Header header)
    {
        switch (header.Command)
        {
            case Command.GetHeaders:
                header.GetHeaders = new GetHeadersFields { OpMin = 4, OpMax = 4 };
                break;
            case Command.GetPrepare:
                header.GetPrepare = new GetPrepareFields { PrepareChecksum = 1, Op = 4 };
                break;
            default:
                header.GetReply = new GetReplyFields { ReplyChecksum = 1, Client = 5, Op = 4 };
                break;
        }
    }

    private static void SetReadFields(ref Header header)
    {
        switch (header.Command)
        {
            case Command.Read:
                header.ReadRequest = new ReadFields
                {
                    Client = 5, Number = 1, Operation = Operation.Query, Consistency = ReadConsistency.Strong,
                };
                break;
            case Command.ReadReply:
                header.ReadReply = new ReadReplyFields
                {
                    ReadChecksum = 9, Client = 5, Number = 1, Commit = 4, Timestamp = 1, Operation = Operation.Query,
                    Consistency = ReadConsistency.Strong, Result = ReadResult.Answered,
                };
                break;
            default:
                header.ConfirmView = new ConfirmViewFields { Round = 1 };
                break;
        }
    }

    [Fact]
    public void Every_command_has_a_valid_header_and_any_reserved_byte_spoils_it()
    {
        foreach ((Command command, (int From, int To)[] ranges) in Reserved)
        {
            Header valid = Valid(command);
            Assert.Null(valid.Invalid(MessageSizeMax));
            byte[] bytes = new byte[Limits.HeaderSize];
            List<(int From, int To)> all = [(16, 32), (48, 80), (100, 104), (116, 128), .. ranges];
            foreach ((int from, int to) in all)
            {
                for (int at = from; at < to; at++)
                {
                    valid.WriteTo(bytes);
                    bytes[at] ^= 1;
                    Assert.True(Header.Read(bytes).Invalid(MessageSizeMax) is not null, $"{command}, byte {at}");
                }
            }
        }
    }

    [Fact]
    public void Any_changed_byte_spoils_the_checksum()
    {
        byte[] bytes = new byte[Limits.HeaderSize];
        Header valid = Valid(Command.Prepare);
        for (int at = 0; at < bytes.Length; at++)
        {
            valid.WriteTo(bytes);
            bytes[at] ^= 0x80;
            Header changed = Header.Read(bytes);
            Assert.Equal(at is >= 16 and < 256, changed.Checksum == valid.Checksum);
            Assert.False(changed.ValidChecksum());
        }
    }

    [Fact]
    public void Commands_without_rules_are_refused()
    {
        for (int number = 0; number <= byte.MaxValue; number++)
        {
            bool known = Array.Exists(Reserved, entry => entry.Item1 == (Command)number);
            Header header = Valid(known ? (Command)number : Command.PingClient);
            header.Command = (Command)number;
            Assert.Equal(known, header.Invalid(MessageSizeMax) is null);
        }
    }

    [Fact]
    public void Messages_between_replicas_that_contradict_themselves_are_refused()
    {
        Assert.Equal("the range of releases is empty", Changed(Command.Ping, (ref Header h) => h.Ping.ReleaseMin = 3));
        Assert.Equal("message has a body", Changed(Command.ExitView, (ref Header h) => h.Size++));
        Assert.Equal("body is not a list", Changed(Command.Headers, (ref Header h) => h.Size++));
        Assert.Equal("body is not a list", Changed(Command.View, (ref Header h) => h.Size = 256 + 512));
        Assert.Equal("body has too many items", Changed(Command.Headers, (ref Header h) => h.Size = 130 * 256));
        Assert.Equal("commit is below the checkpoint", Changed(Command.Commit, (ref Header h) => h.Commit.Commit = 2));
        Assert.Equal("timestamp is zero", Changed(Command.Commit, (ref Header h) => h.Commit.Timestamp = 0));
        Assert.Equal("a bit is set for no header", Changed(Command.JoinView, (ref Header h) => h.JoinView.Nack = 8));
        Assert.Equal(
            "an entry is both present and refused", Changed(Command.JoinView, (ref Header h) => h.JoinView.Nack = 1));
        Assert.Equal(
            "log view is not below the view", Changed(Command.JoinView, (ref Header h) => h.JoinView.LogView = 2));
        Assert.Equal("op is below commit", Changed(Command.JoinView, (ref Header h) => h.JoinView.Op = 6));
        Assert.Equal("op is below commit", Changed(Command.View, (ref Header h) => h.ViewChange.Op = 6));
        Assert.Equal(
            "the range of ops is empty", Changed(Command.GetHeaders, (ref Header h) => h.GetHeaders.OpMin = 5));
        Assert.Equal(
            "checksum is zero", Changed(Command.GetPrepare, (ref Header h) => h.GetPrepare.PrepareChecksum = 0));
        Assert.Equal("client is zero", Changed(Command.GetReply, (ref Header h) => h.GetReply.Client = 0));
    }

    [Fact]
    public void Reads_that_contradict_themselves_are_refused()
    {
        Assert.Equal("client is zero", Unread((ref ReadFields r) => r.Client = 0));
        Assert.Equal("operation does not read", Unread((ref ReadFields r) => r.Operation = Operation.Write));
        Assert.Equal("consistency is unknown", Unread((ref ReadFields r) => r.Consistency = default));
        Assert.Equal("a strong read has bounds", Unread((ref ReadFields r) => r.CommitLeast = 1));
        Assert.Equal("a strong read has bounds", Unread((ref ReadFields r) => r.AgeMaxMilliseconds = 1));
        Assert.Equal("checksum is zero", Refused((ref ReadReplyFields r) => r.ReadChecksum = 0));
        Assert.Equal("result is unknown", Refused((ref ReadReplyFields r) => r.Result = default));
        Assert.Equal("timestamp is zero", Refused((ref ReadReplyFields r) => r.Timestamp = 0));
        Assert.Equal("a refusal has a body", Changed(Command.ReadReply, (ref Header h) =>
        {
            h.ReadReply.Result = ReadResult.TooOld;
            h.Size++;
        }));
        Assert.Equal("round is zero", Changed(Command.ConfirmView, (ref Header h) => h.ConfirmView.Round = 0));
        Assert.Equal("a yes or no is neither", Changed(Command.Pong, (ref Header h) => h.Pong.IsNormal = 2));
    }

    private delegate void ChangeRead(ref ReadFields read);

    private static string? Unread(ChangeRead change) =>
        Changed(Command.Read, (ref Header h) => change(ref h.ReadRequest));

    private delegate void ChangeReply(ref ReadReplyFields reply);

    private static string? Refused(ChangeReply change) =>
        Changed(Command.ReadReply, (ref Header h) => change(ref h.ReadReply));

    [Fact]
    public void A_hello_says_what_its_step_needs_and_no_more()
    {
        const string wrong = "nonce and proof do not fit the step";
        Assert.Equal(wrong, Changed(Command.Hello, (ref Header h) => h.Hello.Step = HelloStep.Call));
        Assert.Equal(wrong, Changed(Command.Hello, (ref Header h) => h.Hello.Step = HelloStep.Confirm));
        Assert.Equal(wrong, Changed(Command.Hello, (ref Header h) => h.Hello.Step = HelloStep.Reserved));
        Assert.Equal(wrong, Changed(Command.Hello, (ref Header h) => h.Hello.ProofHigh = 0));
        Assert.Equal("no such replica", Changed(Command.Hello, (ref Header h) => h.Hello.Receiver = 12));
        Assert.Null(Changed(Command.Hello, (ref Header h) => h.Hello.Receiver = 11));
        Assert.Equal("the configuration belongs to the proof",
            Changed(Command.Hello, (ref Header h) => h.Hello.Configuration = 0));
        Assert.Equal(
            "a replica does not connect to itself", Changed(Command.Hello, (ref Header h) => h.Hello.Receiver = 1));
    }

    [Fact]
    public void A_status_that_no_replica_can_have_is_refused()
    {
        Assert.Equal("role is unknown", Changed(Command.Status, (ref Header h) => h.Status.Role = 0));
        Assert.Equal(
            "replica count is out of bounds", Changed(Command.Status, (ref Header h) => h.Status.ReplicaCount = 7));
        Assert.Equal("no such replica", Changed(Command.Status, (ref Header h) =>
        {
            h.Status.ReplicaCount = 1;
            h.Replica = 7;
        }));
        const string voice = "a standby has no voice";
        Assert.Equal(voice, Changed(Command.Status, (ref Header h) => h.Status.ReplicaCount = 1));
        Assert.Equal(voice, Changed(Command.Status, (ref Header h) => h.Status.Role = ReplicaRole.Standby));
        Assert.Null(Changed(Command.Status, (ref Header h) =>
        {
            h.Status.ReplicaCount = 1;
            h.Status.Role = ReplicaRole.Standby;
        }));
        Assert.Equal(
            "connected to a replica that is not there",
            Changed(Command.Status, (ref Header h) => h.Status.Connected = 1 << 9));
        Assert.Equal("replica count is out of bounds",
            Changed(Command.PingClient, (ref Header h) => h.PingClient.ReplicaCount = 1));
    }

    private delegate void Change(ref Header header);

    private static string? Changed(Command command, Change change)
    {
        Header header = Valid(command);
        change(ref header);
        return header.Invalid(MessageSizeMax);
    }

    [Fact]
    public void Fields_that_contradict_each_other_are_refused()
    {
        Assert.Equal("size is above the largest message", Changed(Command.Reply, (ref Header h) => h.Size = 2 << 20));
        Assert.Equal("size is below the header's", Changed(Command.Reply, (ref Header h) => h.Size = 255));
        Assert.Equal("protocol version is not supported", Changed(Command.Reply, (ref Header h) => h.Protocol++));
        Assert.Equal("client is zero", Changed(Command.Request, (ref Header h) => h.Request.Client = 0));
        Assert.Equal("session is zero", Changed(Command.Request, (ref Header h) => h.Request.Session = 0));
        Assert.Equal("request number is zero", Changed(Command.Request, (ref Header h) => h.Request.RequestNumber = 0));
        Assert.Equal(
            "register has a session",
            Changed(Command.Request, (ref Header h) => h.Request.Operation = Operation.Register));
        Assert.Equal("op is not above commit", Changed(Command.Prepare, (ref Header h) => h.Prepare.Commit = 4));
        Assert.Equal(
            "root has fields set", Changed(Command.Prepare, (ref Header h) => h.Prepare.Operation = Operation.Root));
        Assert.Equal("op is not commit", Changed(Command.Reply, (ref Header h) => h.Reply.Commit = 5));
        Assert.Equal("reason is unknown", Changed(Command.Eviction, (ref Header h) => h.Eviction.Reason = 0));
        Assert.Equal("address is zero", Changed(Command.Block, (ref Header h) => h.Block.Address = 0));
        Assert.Null(Header.Root(7).Invalid(MessageSizeMax));
    }
}
