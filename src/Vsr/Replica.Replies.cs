using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Answers once more to requests that were answered already.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Checksum of the reply that is being read.</summary>
    private System.UInt128 _replyWanted;

    private void Resend(int index)
    {
        ref readonly Header reply = ref _sessions.At(index).Reply;
        _options.Marks.Hit(Mark.DuplicateAnswered);
        if (reply.Size > Limits.HeaderSize && _replies.InMemory(index) is Message kept)
        {
            SendToClient(reply.Reply.Client, kept);
            return;
        }
        if (reply.Size > Limits.HeaderSize && !_replies.CanRead) return;
        if (_messages.TryTake() is not Message message) return;
        if (reply.Size > Limits.HeaderSize)
        {
            _replyWanted = reply.Checksum;
            _replies.Read(index, reply.Size, message);
            return;
        }
        message.Header = reply;
        SendToClient(reply.Reply.Client, message);
        message.Release();
    }

    private bool AdvanceReplyRead()
    {
        if (!_replies.TryTakeRead(out int index, out Message message)) return false;
        ref readonly ClientSession session = ref _sessions.At(index);
        bool sound = message.Header.Checksum == session.Reply.Checksum && message.Header.ValidChecksum() &&
            message.Header.ValidChecksumBody(message.Body);
        if (!IsPrimary)
        {
            message.Release();
            return true;
        }
        if (sound) SendToClient(session.Client, message);
        // Better that the client learns that its session is over than that it waits for
        // ever.
        else if (_replies.InMemory(index) is null && session.Reply.Checksum == _replyWanted)
        {
            SendEviction(session.Client, EvictionReason.NoSession);
        }
        message.Release();
        return true;
    }
}
