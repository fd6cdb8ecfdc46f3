using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Reads one pack after another: the index, then the blocks that are needed, neighbours together.</summary>
internal sealed class PackLane
{
    private enum Step : byte
    {
        Idle,
        Tail,
        Piece,
        Ready,
    }

    private readonly ObjectRequests _requests;
    private readonly int _request;
    private readonly PackKeys _keys;
    private readonly NativeBuffer _tail;
    private readonly NativeBuffer _piece;
    private readonly byte[] _live = new byte[Manifest.BitsSize(PackFile.EntriesMax)];
    private PackIdentity _pack;
    private Step _step;
    private uint _pieceOffset;
    private int _next;
    private int _pieceEnd;

    public PackLane(StaticMemory memory, ObjectRequests requests, int request, PackKeys keys, int pieceSize)
    {
        _requests = requests;
        _request = request;
        _keys = keys;
        _tail = memory.Take(PackFile.EntriesMax * PackEntry.Size + PackFile.FooterSize);
        _piece = memory.Take(pieceSize);
    }

    public bool IsIdle => _step == Step.Idle;

    public ulong Number => _pack.Number;

    public PacksFailure Failure { get; private set; }

    public void Start(in ManifestPack pack)
    {
        Check.That(IsIdle);
        _pack = pack.Identity;
        pack.Live.CopyTo(_live);
        Failure = default;
        _step = Step.Tail;
        _requests.Get(_request, _keys.Pack(Number), _pack.IndexOffset, _tail.Part(0, _pack.TailSize));
    }

    public void Advance(in GridShape shape)
    {
        if (_step == Step.Tail && _requests.HasEnded(_request))
        {
            ObjectResult result = _requests.Take(_request);
            if (!IsWhole(in result, _pack.TailSize)) return;
            ContentProblem content = PackFile.CheckTail(_tail.Slice(0, _pack.TailSize), in _pack, in shape);
            if (content != ContentProblem.None)
            {
                Failure = new PacksFailure(PacksProblem.ObjectDamaged, _keys.Pack(Number), content);
                return;
            }
            _pieceEnd = 0;
            NextPiece();
        }
        if (_step == Step.Ready && _next == _pieceEnd) NextPiece();
        if (_step == Step.Piece && _requests.HasEnded(_request))
        {
            ObjectResult result = _requests.Take(_request);
            if (IsWhole(in result, PieceSize)) _step = Step.Ready;
        }
    }

    /// <summary>The next live block; not yet verified.</summary>
    public bool TryTake(out BlockReference block, out ReadOnlySpan<byte> bytes)
    {
        block = default;
        bytes = default;
        while (_step == Step.Ready && _next < _pieceEnd && !IsLive(_next)) _next++;
        if (_step != Step.Ready || _next == _pieceEnd) return false;
        PackEntry entry = Entry(_next++);
        block = entry.Block;
        bytes = _piece.Slice(entry.Offset - _pieceOffset, (int)entry.Bytes);
        while (_next < _pieceEnd && !IsLive(_next)) _next++;
        return true;
    }

    private int PieceSize
    {
        get
        {
            PackEntry last = Entry(_pieceEnd - 1);
            return (int)(last.Offset + last.Bytes - _pieceOffset);
        }
    }

    private PackEntry Entry(int entry) => PackEntry.Read(_tail.Slice(entry * PackEntry.Size, PackEntry.Size));

    private bool IsLive(int entry) => (_live[entry >> 3] >> (entry & 7) & 1) != 0;

    /// <summary>Asks for the next live block, and those behind it as far as there is room.</summary>
    private void NextPiece()
    {
        int first = _pieceEnd;
        while (first < _pack.Entries && !IsLive(first)) first++;
        if (first == _pack.Entries)
        {
            _step = Step.Idle;
            return;
        }
        _pieceOffset = Entry(first).Offset;
        _next = first;
        _pieceEnd = first + 1;
        long end = _pieceOffset + (long)Entry(first).Bytes;
        for (int i = first + 1; i < _pack.Entries; i++)
        {
            PackEntry entry = Entry(i);
            // The index lists blocks in the order of their places.
            if (entry.Offset != end || end + entry.Bytes - _pieceOffset > _piece.Length) break;
            end += entry.Bytes;
            if (IsLive(i)) _pieceEnd = i + 1;
        }
        _step = Step.Piece;
        _requests.Get(_request, _keys.Pack(Number), _pieceOffset, _piece.Part(0, PieceSize));
    }

    private bool IsWhole(in ObjectResult result, int size)
    {
        ObjectKey key = _keys.Pack(Number);
        Failure = ManifestReader.FailureOf(in result, in key, PacksProblem.ObjectMissing);
        if (Failure.IsNone && (result.Size != size || result.ObjectSize != _pack.Size))
            Failure = new PacksFailure(PacksProblem.ObjectDamaged, key, ContentProblem.WrongSize);
        return Failure.IsNone;
    }
}
