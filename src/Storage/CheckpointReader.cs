using System;
using System.Buffers.Binary;
using System.IO.Hashing;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>Takes in the stream of a <see cref="CheckpointWriter"/>. The bytes are not trusted: whatever is wrong makes
/// <see cref="End"/> return false and nothing else.</summary>
internal sealed unsafe class CheckpointReader(Forest forest)
{
    private enum Stage { Header, Key, Value, End, Done, Failed }

    private readonly XxHash128 _hash = new();
    private readonly byte[] _staged = new byte[CheckpointWriter.EndSize + Tree.KeySizeMax];
    private readonly byte[] _lastKey = new byte[Tree.KeySizeMax];
    private Stage _stage;
    private int _stagedSize;
    private int _stagedWanted;
    private int _tree;
    private int _lastKeySize;
    private byte* _value;
    private int _valueLeft;
    private ulong _entries;

    public void Start()
    {
        _hash.Reset();
        _tree = -1;
        _lastKeySize = 0;
        _entries = 0;
        Expect(Stage.Header, 1);
        _stagedSize = 0;
    }

    public void Write(ReadOnlySpan<byte> part)
    {
        while (part.Length > 0 && _stage != Stage.Failed)
        {
            if (_stage == Stage.Value)
            {
                int size = part.Length < _valueLeft ? part.Length : _valueLeft;
                part[..size].CopyTo(new Span<byte>(_value, size));
                _hash.Append(part[..size]);
                _value += size;
                _valueLeft -= size;
                part = part[size..];
                if (_valueLeft == 0) ExpectHeader();
                continue;
            }
            if (_stage == Stage.Done)
            {
                _stage = Stage.Failed;
                return;
            }
            int missing = _stagedWanted - _stagedSize;
            int taken = part.Length < missing ? part.Length : missing;
            part[..taken].CopyTo(_staged.AsSpan(_stagedSize));
            _stagedSize += taken;
            part = part[taken..];
            if (_stagedSize == _stagedWanted) Advance();
        }
    }

    public bool End() => _stage == Stage.Done;

    private void Expect(Stage stage, int wanted)
    {
        _stage = stage;
        _stagedWanted = wanted;
    }

    private void ExpectHeader()
    {
        Expect(Stage.Header, 1);
        _stagedSize = 0;
    }

    private void Advance()
    {
        switch (_stage)
        {
            case Stage.Header when _stagedWanted == 1:
                bool end = _staged[0] == CheckpointWriter.EndMark;
                if (end) Expect(Stage.End, CheckpointWriter.EndSize);
                else Expect(Stage.Header, CheckpointWriter.EntryHeaderSize);
                break;
            case Stage.Header:
                if (SizesValid()) Expect(Stage.Key, CheckpointWriter.EntryHeaderSize + KeySize);
                else _stage = Stage.Failed;
                if (_stage == Stage.Key && KeySize == 0) TakeKey();
                break;
            case Stage.Key:
                TakeKey();
                break;
            case Stage.End:
                _stage = EndValid() ? Stage.Done : Stage.Failed;
                break;
            default:
                Check.Unreachable();
                break;
        }
    }

    private int KeySize => BinaryPrimitives.ReadUInt16LittleEndian(_staged.AsSpan(1));

    private uint ValueSize => BinaryPrimitives.ReadUInt32LittleEndian(_staged.AsSpan(3));

    private bool SizesValid() =>
        _staged[0] < forest.TreeCount && _staged[0] >= _tree && KeySize <= Tree.KeySizeMax &&
        ValueSize <= Tree.ValueSizeMax && forest.Room(Forest.EntryOverheadSize + KeySize + (long)ValueSize);

    private void TakeKey()
    {
        ReadOnlySpan<byte> key = _staged.AsSpan(CheckpointWriter.EntryHeaderSize, KeySize);
        bool ascending = _staged[0] > _tree || key.SequenceCompareTo(_lastKey.AsSpan(0, _lastKeySize)) > 0;
        if (!ascending)
        {
            _stage = Stage.Failed;
            return;
        }
        _hash.Append(_staged.AsSpan(0, _stagedSize));
        _tree = _staged[0];
        key.CopyTo(_lastKey);
        _lastKeySize = key.Length;
        _entries++;
        _valueLeft = (int)ValueSize;
        _value = forest[_tree].Place(key, _valueLeft, keep: false);
        _stage = Stage.Value;
        if (_valueLeft == 0) ExpectHeader();
    }

    private bool EndValid()
    {
        int size = CheckpointWriter.EndSize - CheckpointWriter.ChecksumSize;
        _hash.Append(_staged.AsSpan(0, size));
        return BinaryPrimitives.ReadUInt64LittleEndian(_staged.AsSpan(1)) == _entries &&
            BinaryPrimitives.ReadUInt64LittleEndian(_staged.AsSpan(9)) == (ulong)forest.SizeBytes &&
            BinaryPrimitives.ReadUInt128LittleEndian(_staged.AsSpan(size)) == _hash.GetCurrentHashAsUInt128();
    }
}
