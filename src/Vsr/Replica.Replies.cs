using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Answers once more to requests that were answered already.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Checksum of the reply that is being read.</summary>
    private System.UInt128 _replyWanted;

    /// <summary>Who wants the reply that is being read: a replica, or the client.</summary>
    private byte _replyAsker = NoReplica;
    private const byte NoReplica = byte.MaxValue;

    /// <summary>This replica itself wants to know whether the reply is sound.</summary>
    private const byte Scrubber = byte.MaxValue - 1;

    /// <summary>The reply is damaged here, or came with a checkpoint, without its body.</summary>
    private void SendGetReply(in Header reply)
    {
        Check.That(reply.Size > Limits.HeaderSize);
        if (NewMessage(Command.GetReply) is not Message message) return;
        _options.Marks.Hit(Mark.ReplyRepaired);
        message.Header.View = View;
        message.Header.GetReply = new GetReplyFields
        {
            ReplyChecksum = reply.Checksum, Client = reply.Reply.Client, Op = reply.Reply.Op,
        };
        SealAndBroadcast(message);
    }

    private void OnGetReply(in Header get)
    {
        int index = _sessions.Find(get.GetReply.Client);
        if (index < 0) return;
        ref readonly Header reply = ref _sessions.At(index).Reply;
        if (reply.Checksum != get.GetReply.ReplyChecksum || reply.Size == Limits.HeaderSize) return;
        if (reply.View > _superblock.Working.View) return;
        if (!_replies.IsInMemory(index) && !_replies.CanRead) return;
        if (_messages.TryTake() is not Message message) return;
        if (_replies.TryCopy(index, message))
        {
            SendToReplica(get.Replica, message);
            message.Release();
            return;
        }
        _replyAsker = get.Replica;
        _replies.Read(index, reply.Size, message);
    }

    /// <summary>Another replica has sent a reply that this one lacked.</summary>
    private void OnReply(Message message)
    {
        int index = _sessions.Find(message.Header.Reply.Client);
        if (index < 0 || _sessions.At(index).Reply.Checksum != message.Header.Checksum) return;
        if (!_replies.IsInMemory(index) && !_replies.TryKeep(index, in message.Header, message.Body))
            _replies.Write(index, message);
        if (IsPrimary && ViewIsDurable) SendToClient(message.Header.Reply.Client, message);
    }

    private void Resend(int index)
    {
        ref readonly Header reply = ref _sessions.At(index).Reply;
        _options.Marks.Hit(Mark.DuplicateAnswered);
        bool reads = reply.Size > Limits.HeaderSize && !_replies.IsInMemory(index);
        if (reads && !_replies.CanRead) return;
        if (_messages.TryTake() is not Message message) return;
        if (reads)
        {
            _replyWanted = reply.Checksum;
            _replyAsker = NoReplica;
            _replies.Read(index, reply.Size, message);
            return;
        }
        bool copied = reply.Size > Limits.HeaderSize && _replies.TryCopy(index, message);
        if (!copied) message.Header = reply;
        SendToClient(reply.Reply.Client, message);
        message.Release();
    }

    private bool AdvanceReplyRead()
    {
        if (!_replies.TryTakeRead(out int index, out Message message)) return false;
        ref readonly ClientSession session = ref _sessions.At(index);
        bool sound = message.Header.Checksum == session.Reply.Checksum && message.Header.ValidChecksum() &&
            message.Header.ValidChecksumBody(message.Body);
        byte asker = _replyAsker;
        if (asker == Scrubber)
        {
            bool missing = !sound && session.Reply.Checksum == _replyWanted && !_replies.IsInMemory(index);
            if (missing) SendGetReply(in session.Reply);
            message.Release();
            return true;
        }
        if (asker != NoReplica || !IsPrimary)
        {
            if (sound && asker != NoReplica) SendToReplica(asker, message);
            message.Release();
            return true;
        }
        if (sound) SendToClient(session.Client, message);
        else if (session.Reply.Checksum == _replyWanted)
        {
            // What was answered before the checkpoint that all files were made out of, nobody has.
            bool kept = session.Reply.Reply.Op > _superblock.Working.JournalStart;
            if (!_isSingle && kept) SendGetReply(in session.Reply);
            // Better that the client learns that its session is over than that it waits for
            // ever.
            else if (!_replies.IsInMemory(index)) SendEviction(session.Client, EvictionReason.NoSession);
        }
        message.Release();
        return true;
    }
}
