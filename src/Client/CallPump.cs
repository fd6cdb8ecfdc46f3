using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>Takes waiting calls from the queue and sends as many as fit in one message: a single one plain, several
/// as a batch (u16 count, then per part operation u8, three zero bytes, size u32, body), whose reply has a status and
/// a part for each. A batch is all reads or all writes, and a change by filter goes alone.</summary>
internal sealed class CallPump(ClientOptions options, Session session, ChannelReader<Call> queue)
{
    private const int CountSize = 2;
    private const int PartHeaderSize = 8;

    /// <summary>Room for each part in the reply, enough for an error; without it a replica refuses the
    /// batch.</summary>
    private const int PartReplySize = 128;

    private readonly List<Call> _taken = [];
    private readonly Queue<Call> _again = new();
    private readonly Queue<Call> _reads = new();
    private readonly Queue<Call> _writes = new();

    /// <summary>Of the kind that was sent last; at first of none.</summary>
    private Queue<Call> _turn = new();

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                if (!await TakeAsync(stop).ConfigureAwait(false)) break;
                await SendAsync(stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposal; whoever still waits is told below.
        }
        catch (Exception exception)
        {
            FailAll(exception);
            throw;
        }
        finally
        {
            FailAll(new ObjectDisposedException(nameof(DeterministicClient)));
        }
    }

    /// <summary>Fills <see cref="_taken"/> with what goes into the next message; false when the queue is
    /// closed.</summary>
    private async Task<bool> TakeAsync(CancellationToken stop)
    {
        _taken.Clear();
        if (_again.TryDequeue(out Call? alone))
        {
            _taken.Add(alone);
            return true;
        }
        while (!Fill())
            if (!await queue.WaitToReadAsync(stop).ConfigureAwait(false)) return false;
        return true;
    }

    /// <summary>Takes calls of one kind; the other kind is next if it waits too. False if nothing waits.</summary>
    private bool Fill()
    {
        Sort();
        Queue<Call> turn = _turn == _writes ? _reads : _writes;
        if (turn.Count == 0) turn = turn == _writes ? _reads : _writes;
        _turn = turn;
        int size = CountSize;
        while (_taken.Count < options.BodySizeMax / PartReplySize && turn.TryPeek(out Call? call))
        {
            size += PartHeaderSize + call.Body.Size;
            if (_taken.Count > 0 && (size > options.BodySizeMax || call.Alone)) break;
            _taken.Add(turn.Dequeue());
            if (call.Alone) break;
        }
        return _taken.Count > 0;
    }

    /// <summary>Reads and writes do not share a message, so they wait apart.</summary>
    private void Sort()
    {
        while (_reads.Count > 0 && _reads.Peek().Abandoned) _reads.Dequeue().Body.Return();
        while (_writes.Count > 0 && _writes.Peek().Abandoned) _writes.Dequeue().Body.Return();
        while (_reads.Count + _writes.Count < options.QueueMax && queue.TryRead(out Call? call))
        {
            if (call.Abandoned) call.Body.Return();
            else if (call.Operation.Writes()) _writes.Enqueue(call);
            else _reads.Enqueue(call);
        }
    }

    private async Task SendAsync(CancellationToken stop)
    {
        try
        {
            if (_taken.Count > 1)
            {
                int size = EncodeBatch(session.Body.Span);
                ReadOnlyMemory<byte> reply = await session.RequestAsync(Operation.Batch, size, stop)
                    .ConfigureAwait(false);
                DecodeBatch(reply.Span);
                return;
            }
            Call call = _taken[0];
            if (call.Operation == Operation.Reserved)
            {
                await session.PingAsync(stop).ConfigureAwait(false);
                call.Succeed([]);
            }
            else
            {
                call.Body.Span.CopyTo(session.Body.Span);
                ReadOnlyMemory<byte> reply = await session.RequestAsync(call.Operation, call.Body.Size, stop)
                    .ConfigureAwait(false);
                call.Succeed(reply.Span);
            }
            call.Body.Return();
        }
        catch (ClientException exception)
        {
            foreach (Call call in _taken)
            {
                call.Fail(exception);
                call.Body.Return();
            }
        }
    }

    private int EncodeBatch(Span<byte> body)
    {
        WireWriter writer = new(body);
        writer.U16(_taken.Count);
        foreach (Call call in _taken)
        {
            writer.U32((byte)call.Operation);
            writer.U32((uint)call.Body.Size);
            writer.Bytes(call.Body.Span);
        }
        Core.Check.That(!writer.Overflowed);
        return writer.Position;
    }

    private void DecodeBatch(ReadOnlySpan<byte> reply)
    {
        WireReader reader = new(reply);
        ReplyStatus status = ReplyStatus.Read(ref reader);
        int count = status.Code == ErrorCode.Ok ? reader.U16() : 0;
        for (int i = 0; i < _taken.Count; i++)
        {
            Call call = _taken[i];
            ReadOnlySpan<byte> part = i < count ? reader.Bytes(reader.U32()) : default;
            if (i >= count || reader.Failed)
            {
                call.Fail(new DeterministicException(
                    ErrorCode.Malformed, "the reply to a batch does not decode; client and replica differ in release"));
            }
            else if (TooLarge(part))
            {
                // Nothing was done because the answers of the whole batch did not fit; alone it may.
                _again.Enqueue(call);
                continue;
            }
            else
            {
                call.Succeed(part);
            }
            call.Body.Return();
        }
    }

    private static bool TooLarge(ReadOnlySpan<byte> reply) =>
        reply.Length >= 2 && BinaryPrimitives.ReadUInt16LittleEndian(reply) == (ushort)ErrorCode.ReplyTooLarge;

    private void FailAll(Exception exception)
    {
        foreach (Call call in _taken) call.Fail(exception);
        foreach (Call call in _again) call.Fail(exception);
        foreach (Call call in _reads) call.Fail(exception);
        foreach (Call call in _writes) call.Fail(exception);
        while (queue.TryRead(out Call? call)) call.Fail(exception);
    }
}
