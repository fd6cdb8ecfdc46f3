using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>The last reply of every session on disk, one slot each. A newer reply replaces one that still waits.
/// Replies without a body are not written: the session table has their header. Small ones stay in memory, a sector for
/// each session, until the next checkpoint: before it, the log makes them again.</summary>
internal sealed class ClientReplies<TDisk> where TDisk : IDisk
{
    private readonly DataFileLayout _layout;
    private readonly Message?[] _waiting;
    private readonly Message?[] _writing;
    private readonly NativeBuffer _sectors;
    private readonly SectorState[] _states;
    private readonly int _writesMax;
    private TDisk _disk;
    private int _waitingCount;
    private int _writingCount;
    private Message? _reading;
    private int _readingIndex = -1;
    private bool _readDone;

    /// <summary>What a session's sector in memory holds.</summary>
    private enum SectorState : byte
    {
        None,

        /// <summary>The last reply, which is not on disk.</summary>
        Kept,

        /// <summary>The last reply, which is to be written.</summary>
        Waiting,
        Writing,

        /// <summary>The last reply, which is on disk too.</summary>
        Durable,
    }

    public ClientReplies(StaticMemory memory, TDisk disk, DataFileLayout layout, int writesMax)
    {
        Check.That(writesMax > 0);
        _disk = disk;
        _layout = layout;
        _writesMax = writesMax;
        _waiting = new Message?[layout.SessionsMax];
        _writing = new Message?[layout.SessionsMax];
        _states = new SectorState[layout.SessionsMax];
        _sectors = memory.Take((long)layout.SessionsMax * Limits.SectorSize, Limits.SectorSize);
    }

    public bool WriteFailed { get; private set; }

    /// <summary>Everything that <see cref="Write"/> and <see cref="Flush"/> have begun is durable.</summary>
    public bool Flushed => _waitingCount == 0 && _writingCount == 0;
    public bool CanRead => _reading is null;

    private NativeBuffer Sector(int index) => _sectors.Part((long)index * Limits.SectorSize, Limits.SectorSize);

    /// <summary>Keeps a reply in memory; false if it is too large for that and has to be written.</summary>
    public bool TryKeep(int index, in Header reply, ReadOnlySpan<byte> body)
    {
        Check.That(reply.Command == Command.Reply && reply.Size == Limits.HeaderSize + body.Length);
        Check.That(_states[index] is not (SectorState.Waiting or SectorState.Writing));
        if (reply.Size > Limits.SectorSize) return false;
        Forget(index);
        if (body.Length == 0) return true;
        Span<byte> sector = Sector(index).Span;
        reply.WriteTo(sector);
        body.CopyTo(sector[Limits.HeaderSize..]);
        sector[(int)reply.Size..].Clear();
        _states[index] = SectorState.Kept;
        return true;
    }

    /// <summary>Writes the replies that are in memory alone.</summary>
    public void Flush()
    {
        for (int i = 0; i < _states.Length; i++)
        {
            if (_states[i] != SectorState.Kept) continue;
            _states[i] = SectorState.Waiting;
            _waitingCount++;
        }
        Submit();
    }

    public void Write(int index, Message reply)
    {
        Check.That(reply.Header.Command == Command.Reply && reply.Header.Size > Limits.HeaderSize);
        Check.That(_states[index] is not (SectorState.Waiting or SectorState.Writing));
        Forget(index);
        _waiting[index] = reply.Reference();
        _waitingCount++;
        Submit();
    }

    /// <summary>What the slot had before is of no interest any more.</summary>
    private void Forget(int index)
    {
        _states[index] = SectorState.None;
        if (_waiting[index] is not Message older) return;
        older.Release();
        _waiting[index] = null;
        _waitingCount--;
    }

    public bool IsInMemory(int index) =>
        _states[index] != SectorState.None || _waiting[index] is not null || _writing[index] is not null;

    /// <summary>Copies the newest reply of the slot if it is in memory.</summary>
    public bool TryCopy(int index, Message into)
    {
        if (!IsInMemory(index)) return false;
        Message? message = _waiting[index] ?? _writing[index];
        Span<byte> reply = _states[index] != SectorState.None ? Sector(index).Span : message!.Bytes;
        uint size = Header.At(reply).Size;
        reply[..(int)size].CopyTo(into.Buffer.Span);
        return true;
    }

    /// <summary>Starts to read the slot into <paramref name="into"/>; see <see cref="TryTakeRead"/>.</summary>
    public void Read(int index, uint size, Message into)
    {
        Check.That(CanRead);
        Check.That(!IsInMemory(index));
        _reading = into;
        _readingIndex = index;
        _readDone = false;
        NativeBuffer buffer = into.Buffer.Part(0, DataFileLayout.SectorCeiling((int)size));
        _disk.Read(Token.Of(TokenKind.ReplyRead, index), _layout.ReplyOffset(index), buffer);
    }

    public bool TryTakeRead(out int index, out Message message)
    {
        index = _readingIndex;
        message = _reading!;
        if (_reading is null || !_readDone) return false;
        _reading = null;
        _readingIndex = -1;
        Submit();
        return true;
    }

    public void OnReadCompletion(IoResult result)
    {
        Check.That(_reading is not null && !_readDone);
        if (result != IoResult.Ok) _reading.Buffer.Slice(0, Limits.HeaderSize).Clear();
        _readDone = true;
    }

    public void OnWriteCompletion(int index, IoResult result)
    {
        if (_writing[index] is Message written)
        {
            _writing[index] = null;
            written.Release();
        }
        else
        {
            Check.That(_states[index] == SectorState.Writing);
            _states[index] = SectorState.Durable;
        }
        _writingCount--;
        if (result != IoResult.Ok) WriteFailed = true;
        else Submit();
    }

    /// <summary>A slot has one operation in flight at a time, so that no two of them overlap on the disk.</summary>
    private void Submit()
    {
        for (int i = 0; i < _waiting.Length && _waitingCount > 0 && _writingCount < _writesMax; i++)
        {
            if (_writing[i] is not null || _states[i] == SectorState.Writing || _readingIndex == i) continue;
            if (_states[i] == SectorState.Waiting)
            {
                _states[i] = SectorState.Writing;
                _disk.Write(Token.Of(TokenKind.ReplyWrite, i), _layout.ReplyOffset(i), Sector(i));
            }
            else if (_waiting[i] is Message reply)
            {
                _waiting[i] = null;
                _writing[i] = reply;
                int padded = DataFileLayout.SectorCeiling((int)reply.Header.Size);
                reply.Buffer.Slice(reply.Header.Size, padded - (int)reply.Header.Size).Clear();
                _disk.Write(Token.Of(TokenKind.ReplyWrite, i), _layout.ReplyOffset(i), reply.Buffer.Part(0, padded));
            }
            else continue;
            _waitingCount--;
            _writingCount++;
        }
    }
}
