using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>The last reply of every session on disk, one slot each. A newer reply replaces one that still waits.
/// Replies without a body are not written: the session table has their header.</summary>
internal sealed class ClientReplies<TDisk> where TDisk : IDisk
{
    private readonly DataFileLayout _layout;
    private readonly Message?[] _waiting;
    private readonly Message?[] _writing;
    private readonly int _writesMax;
    private TDisk _disk;
    private int _waitingCount;
    private int _writingCount;
    private Message? _reading;
    private int _readingIndex = -1;
    private bool _readDone;

    public ClientReplies(TDisk disk, DataFileLayout layout, int writesMax)
    {
        Check.That(writesMax > 0);
        _disk = disk;
        _layout = layout;
        _writesMax = writesMax;
        _waiting = new Message?[layout.SessionsMax];
        _writing = new Message?[layout.SessionsMax];
    }

    public bool WriteFailed { get; private set; }

    /// <summary>Everything handed over is durable.</summary>
    public bool Flushed => _waitingCount == 0 && _writingCount == 0;
    public bool CanRead => _reading is null;

    public void Write(int index, Message reply)
    {
        Check.That(reply.Header.Command == Command.Reply);
        if (_waiting[index] is Message older)
        {
            older.Release();
            _waiting[index] = null;
            _waitingCount--;
        }
        if (reply.Header.Size == Limits.HeaderSize) return;
        _waiting[index] = reply.Reference();
        _waitingCount++;
        Submit();
    }

    /// <summary>The newest reply of the slot if it is still in memory; the caller takes its own reference.</summary>
    public Message? InMemory(int index) => _waiting[index] ?? _writing[index];

    /// <summary>Starts to read the slot into <paramref name="into"/>; see <see cref="TryTakeRead"/>.</summary>
    public void Read(int index, uint size, Message into)
    {
        Check.That(CanRead);
        Check.That(InMemory(index) is null);
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
        Message written = _writing[index]!;
        _writing[index] = null;
        _writingCount--;
        written.Release();
        if (result != IoResult.Ok) WriteFailed = true;
        else Submit();
    }

    /// <summary>A slot has one operation in flight at a time, so that no two of them overlap on the disk.</summary>
    private void Submit()
    {
        for (int i = 0; i < _waiting.Length && _waitingCount > 0 && _writingCount < _writesMax; i++)
        {
            if (_waiting[i] is not Message reply || _writing[i] is not null || _readingIndex == i) continue;
            _waiting[i] = null;
            _waitingCount--;
            _writing[i] = reply;
            _writingCount++;
            int padded = DataFileLayout.SectorCeiling((int)reply.Header.Size);
            reply.Buffer.Slice(reply.Header.Size, padded - (int)reply.Header.Size).Clear();
            _disk.Write(Token.Of(TokenKind.ReplyWrite, i), _layout.ReplyOffset(i), reply.Buffer.Part(0, padded));
        }
    }
}
