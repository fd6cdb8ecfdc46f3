using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What clients send: requests become log entries, or are answered from what is known, or are
/// dropped.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Takes a message of at least a header in its buffer. The caller keeps its own reference; the replica
    /// takes one while it needs the message, and a request that enters the log has its header rewritten in place, so
    /// the caller must not read it afterwards. Bytes may be anything: what is not sound is dropped.</summary>
    public void OnMessage(Message message)
    {
        Check.That(message.References > 0);
        Check.That(message.Buffer.Length == _configuration.MessageSizeMax);
        if (!Running || Status == ReplicaStatus.Recovering || _taking) return;
        ref Header header = ref message.Header;
        bool sound = header.ValidChecksum() && header.Invalid(_configuration.MessageSizeMax) is null &&
            header.ValidChecksumBody(message.Body);
        if (!sound)
        {
            _options.Marks.Hit(Mark.MessageInvalid);
            return;
        }
        if (header.Cluster != _options.Cluster)
        {
            OnWrongCluster(in header);
            Advance();
            return;
        }
        if (header.Command is Command.PingClient or Command.Request) OnClientMessage(message);
        else if (header.Command == Command.Read) OnRead(message);
        else if (IsOfPeer(in header)) OnReplicaMessage(message);
        Advance();
    }

    private void OnClientMessage(Message message)
    {
        if (Status != ReplicaStatus.Normal) return;
        if (message.Header.Command == Command.PingClient) OnPingClient(in message.Header);
        else if (IsPrimary && KnowsSessions) OnRequest(message);
        else if (IsPrimary) _options.Marks.Hit(Mark.PipelineFull);
        else if (ViewIsDurable && !_isStandby) SendToReplica(PrimaryOf(_view), message);
    }

    /// <summary>Every entry that an earlier primary may have answered has been run, so that a session that is not found
    /// is none.</summary>
    private bool KnowsSessions => _primaryReady && CommitMin >= _inheritedOp;

    /// <summary>What is kept for long names who made it, which may have been this replica; who sends it now does not
    /// matter.</summary>
    private bool IsOfPeer(in Header header)
    {
        if (header.Replica >= _memberCount) return false;
        if (header.Replica >= _replicaCount)
        {
            bool acknowledges = Has(ProtocolPlant.StandbyAcknowledges) && header.Command == Command.PrepareOk;
            return !_isStandby && (acknowledges || header.Command.IsFromStandby());
        }
        if (_isStandby) return header.Command.IsToStandby();
        bool passedOn = header.Command is Command.Prepare or Command.Block or Command.Reply;
        return !_isSingle && (passedOn || header.Replica != _self);
    }

    private void OnReplicaMessage(Message message)
    {
        Heard(in message.Header);
        bool tooNew = message.Header.Command == Command.Prepare && message.Header.Release > _options.ReleaseMax;
        if (tooNew && !HeedRelease(message.Header.Release)) return;
        ref Header header = ref message.Header;
        bool tellsOfView = header.Command is Command.Prepare or Command.Commit;
        tellsOfView &= !(Has(ProtocolPlant.CommitsForeignLog) && header.Command == Command.Commit);
        if (tellsOfView && header.View > _view && Status != ReplicaStatus.RecoveringHead) EnterViewChange(header.View);
        switch (header.Command)
        {
            case Command.Prepare: OnPrepare(message); break;
            case Command.PrepareOk: OnPrepareOk(in header); break;
            case Command.Commit: OnCommit(in header); break;
            case Command.ExitView: OnExitView(in header); break;
            case Command.JoinView: OnJoinView(message); break;
            case Command.View: OnView(message); break;
            case Command.GetView: OnGetView(in header); break;
            case Command.GetHeaders: OnGetHeaders(in header); break;
            case Command.Headers: OnHeaders(message); break;
            case Command.GetPrepare: OnGetPrepare(in header); break;
            case Command.GetBlocks: OnGetBlocks(message); break;
            case Command.Block: OnBlock(message); break;
            case Command.GetReply: OnGetReply(in header); break;
            case Command.Reply: OnReply(message); break;
            case Command.Ping: OnPing(in header); break;
            case Command.Pong: OnPong(in header); break;
            case Command.ConfirmView: OnConfirmView(in header); break;
            case Command.ViewConfirmed: OnViewConfirmed(in header); break;
            default: break;
        }
    }

    /// <summary>A client with a wrong address is told so, rather than left waiting.</summary>
    private void OnWrongCluster(in Header header)
    {
        if (Status != ReplicaStatus.Normal) return;
        if (header.Command == Command.PingClient) SendEviction(header.PingClient.Client, EvictionReason.WrongCluster);
        else if (header.Command == Command.Request) SendEviction(header.Request.Client, EvictionReason.WrongCluster);
        else if (header.Command == Command.Read) SendEviction(header.ReadRequest.Client, EvictionReason.WrongCluster);
    }

    private void OnPingClient(in Header ping)
    {
        if (_messages.TryTake() is not Message pong) return;
        ref Header header = ref pong.Header;
        header = Header.Create(Command.PongClient, _options.Cluster, View, _self);
        header.PingClient.Client = ping.PingClient.Client;
        header.PingClient.Timestamp = ping.PingClient.Timestamp;
        header.PingClient.ReplicaCount = _replicaCount;
        int index = _sessions.Find(ping.PingClient.Client);
        if (index >= 0) header.PingClient.Session = _sessions.At(index).Session;
        header.SetChecksumBody([]);
        header.SetChecksum();
        SendToClient(header.PingClient.Client, pong);
        pong.Release();
    }

    private void OnRequest(Message message)
    {
        ref Header header = ref message.Header;
        UInt128 client = header.Request.Client;
        Tell(TraceCode.RequestReceived, header.Request.RequestNumber, header.Checksum);
        if (InPipeline(client))
        {
            _options.Marks.Hit(Mark.DuplicateInFlight);
            return;
        }
        if (header.Release < _options.ReleaseMin) SendEviction(client, EvictionReason.ReleaseTooLow);
        else if (header.Release > HeadRelease) SendEviction(client, EvictionReason.ReleaseTooHigh);
        else if (header.Request.Operation == Operation.Register) OnRegister(message);
        else if (header.Request.Operation < Operation.Write) SendEviction(client, EvictionReason.InvalidOperation);
        else OnOperation(message);
    }

    private void OnRegister(Message message)
    {
        ref Header header = ref message.Header;
        int index = _sessions.Find(header.Request.Client);
        if (index < 0)
        {
            TryPrepare(message);
            return;
        }
        ref readonly Header reply = ref _sessions.At(index).Reply;
        // Later ones are copies that were late on the network: the client has its session.
        if (reply.Reply.RequestNumber == 0 && reply.Reply.RequestChecksum == header.Checksum) Resend(index);
    }

    private void OnOperation(Message message)
    {
        ref Header header = ref message.Header;
        UInt128 client = header.Request.Client;
        int index = _sessions.Find(client);
        if (index < 0)
        {
            SendEviction(client, EvictionReason.NoSession);
            return;
        }
        ref readonly ClientSession session = ref _sessions.At(index);
        if (header.Request.Session < session.Session)
        {
            SendEviction(client, EvictionReason.SessionTooLow);
            return;
        }
        if (header.Request.Session > session.Session) return;
        uint last = session.Reply.Reply.RequestNumber;
        if (Has(ProtocolPlant.RepeatsRequests) && header.Request.RequestNumber == last)
        {
            TryPrepare(message);
            return;
        }
        if (header.Request.RequestNumber == last)
        {
            if (session.Reply.Reply.RequestChecksum == header.Checksum) Resend(index);
            return;
        }
        // One request in flight, and each names the reply before it: anything else is old or not this client's history.
        if (header.Request.RequestNumber < last || header.Request.RequestNumber - last != 1) return;
        if (header.Request.Parent != session.Reply.Reply.Context) return;
        if (!_stateMachine.Accepts(header.Request.Operation, message.Body))
        {
            SendEviction(client, EvictionReason.InvalidBody);
            return;
        }
        Order(message, index);
    }

    private bool InPipeline(UInt128 client)
    {
        int session = _sessions.Find(client);
        if (IsGathered(client) || (session >= 0 && _orderedOps[session] > CommitMin)) return true;
        // One without a session may be about to register.
        for (ulong op = CommitMin + 1; op <= Op; op++)
        {
            if (_journal.TryKnown(op, out Header header) && header.Prepare.Client == client) return true;
        }
        return false;
    }

    private void SendEviction(UInt128 client, EvictionReason reason)
    {
        if (_messages.TryTake() is not Message message)
        {
            _options.Marks.Hit(Mark.PoolExhausted);
            return;
        }
        _options.Marks.Hit(Mark.SessionEvicted);
        Tell(TraceCode.SessionEvicted, unchecked((ulong)client), (UInt128)(byte)reason);
        ref Header header = ref message.Header;
        header = Header.Create(Command.Eviction, _options.Cluster, View, _self);
        header.Eviction.Client = client;
        header.Eviction.Reason = reason;
        header.SetChecksumBody([]);
        header.SetChecksum();
        SendToClient(client, message);
        message.Release();
    }
}
