using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Blocks;

internal enum FrameState : byte
{
    Free = 0,

    /// <summary>Taken by whoever builds a new block in it.</summary>
    Building,

    /// <summary>A read is queued or under way.</summary>
    Loading,

    /// <summary>The same, but nobody wants the block any more.</summary>
    Orphaned,

    /// <summary>What was read is not the block.</summary>
    Faulty,

    /// <summary>Verified, and on disk.</summary>
    Clean,

    /// <summary>A write is queued or under way.</summary>
    Dirty,
}

/// <summary>The memory of the block cache: frames of one block each. A run of neighbouring frames holds the parts of a
/// large value. Frames that the current operation has touched or that are being written are never evicted; the others
/// go by a clock in which each use is one more round.</summary>
internal sealed class Frames
{
    private const byte UsesMax = 3;

    private readonly NativeBuffer _memory;
    private readonly StaticMemory _source;
    private readonly int _blockSize;
    private readonly FrameState[] _states;
    private readonly ulong[] _addresses;
    private readonly UInt128[] _checksums;
    private readonly ulong[] _eras;
    private readonly byte[] _uses;
    private readonly int[] _runs;
    private readonly bool[] _examined;

    /// <summary>Frames whose memory has been used and not been given back.</summary>
    private readonly bool[] _resident;
    private readonly BlockIndex _index;
    private int _hand;

    /// <summary>No frame from here on is resident.</summary>
    private int _residentEnd;

    public Frames(StaticMemory memory, int count, int blockSize)
    {
        Check.That(count > 0);
        _source = memory;
        _blockSize = blockSize;
        _memory = memory.Take((long)count * blockSize, Limits.SectorSize);
        _states = new FrameState[count];
        _addresses = new ulong[count];
        _checksums = new UInt128[count];
        _eras = new ulong[count];
        _uses = new byte[count];
        _runs = new int[count];
        _examined = new bool[count];
        _resident = new bool[count];
        _index = new BlockIndex(count);
        Usable = count;
    }

    public int Count => _states.Length;

    /// <summary>Frames in circulation, the first ones: those behind them take no block.</summary>
    public int Usable { get; private set; }

    /// <summary>Frames whose memory is in use, also those out of circulation that could not be emptied yet.</summary>
    public int Resident { get; private set; }

    /// <summary>Frames touched in the current era stay until the next.</summary>
    public ulong Era { get; set; } = 1;

    public long Evictions { get; private set; }

    public FrameState State(int frame) => _states[frame];

    public void SetState(int frame, FrameState state) => _states[frame] = state;

    public ulong Address(int frame) => _addresses[frame];

    public UInt128 Checksum(int frame) => _checksums[frame];

    /// <summary>Whether the block has been seen to make sense.</summary>
    public bool IsExamined(int frame) => _examined[frame];

    public void SetExamined(int frame) => _examined[frame] = true;

    /// <summary>Frames of the run that begins here; 0 inside of one.</summary>
    public int Run(int frame) => _runs[frame];

    public NativeBuffer Buffer(int frame) => _memory.Part((long)frame * _blockSize, _blockSize);

    /// <summary>The memory of a whole run.</summary>
    public NativeBuffer Buffer(int frame, int run) => _memory.Part((long)frame * _blockSize, (long)run * _blockSize);

    /// <summary>First frame of the block or run, or -1.</summary>
    public int Find(ulong address) => _index.Find(address);

    /// <summary>The first frame of the run that a frame is in.</summary>
    public int Head(int frame)
    {
        while (_runs[frame] == 0) frame--;
        return frame;
    }

    /// <summary>While set, touches keep blocks for the era but do not count as uses: a long scan does not drive out
    /// what is used often.</summary>
    public bool Scanning { get; set; }

    public void Touch(int frame)
    {
        _eras[frame] = Era;
        if (!Scanning && _uses[frame] < UsesMax) _uses[frame]++;
    }

    /// <summary>Takes frames into circulation, or out of it. The memory of those that are out is given back as soon as
    /// they can be emptied: call again for what is in use now.</summary>
    public void SetUsable(int frames)
    {
        Check.That(frames > 0 && frames <= Count);
        Usable = frames;
        if (_hand >= frames) _hand = 0;
        int end = frames;
        for (int frame = _residentEnd - 1; frame >= frames; frame--)
            if (_resident[frame] && !TryGiveBack(frame) && end == frames) end = frame + 1;
        if (_residentEnd > end) _residentEnd = end;
        Check.That(Resident >= 0);
    }

    public bool HasResidentBeyond(int frames) => _residentEnd > frames;

    /// <summary>The memory of a frame is about to be used.</summary>
    public void MarkResident(int frame)
    {
        if (_resident[frame]) return;
        _resident[frame] = true;
        Resident++;
        if (frame >= _residentEnd) _residentEnd = frame + 1;
    }

    private bool TryGiveBack(int frame)
    {
        if (_states[frame] == FrameState.Clean && IsEvictable(Head(frame))) Evict(Head(frame));
        if (_states[frame] != FrameState.Free) return false;
        _source.GiveBack(Buffer(frame));
        _resident[frame] = false;
        Resident--;
        return true;
    }

    /// <summary>Takes a run of frames for the caller alone; -1 if none can be had now.</summary>
    public int TryTake(int run)
    {
        Check.That(run > 0);
        int frame = run == 1 ? FindOne() : FindRun(run);
        if (frame < 0) return -1;
        for (int i = frame; i < frame + run; i++) if (_states[i] == FrameState.Clean) Evict(Head(i));
        for (int i = frame; i < frame + run; i++)
        {
            Check.That(_states[i] == FrameState.Free);
            _states[i] = FrameState.Building;
            _runs[i] = 0;
            _uses[i] = 0;
            _eras[i] = 0;
            _examined[i] = false;
        }
        _runs[frame] = run;
        return frame;
    }

    /// <summary>Gives a taken frame its block; only the first of a run can be found.</summary>
    public void Assign(int frame, in BlockReference block, FrameState state, bool first)
    {
        Check.That(_states[frame] == FrameState.Building);
        _addresses[frame] = block.Address;
        _checksums[frame] = block.Checksum;
        _states[frame] = state;
        if (first) _index.Add(block.Address, frame);
    }

    /// <summary>Lets a run go. A read under way still fills its frame, which is free only after that.</summary>
    public void Drop(int frame)
    {
        int run = _runs[frame];
        Check.That(run > 0);
        if (_addresses[frame] != 0) _index.Remove(_addresses[frame]);
        for (int i = frame; i < frame + run; i++)
        {
            Check.That(_states[i] != FrameState.Dirty);
            _states[i] = _states[i] == FrameState.Loading ? FrameState.Orphaned : FrameState.Free;
            _addresses[i] = 0;
            _runs[i] = 1;
        }
    }

    private void Evict(int frame)
    {
        Check.That(IsEvictable(frame));
        Evictions++;
        Drop(frame);
    }

    /// <summary>Asked of the first frame of a run.</summary>
    private bool IsEvictable(int frame)
    {
        if (_eras[frame] == Era) return false;
        for (int i = frame; i < frame + _runs[frame]; i++) if (_states[i] != FrameState.Clean) return false;
        return true;
    }

    private int FindOne()
    {
        for (int step = 0; step < Usable * (UsesMax + 2); step++)
        {
            int frame = _hand;
            if (++_hand == Usable) _hand = 0;
            if (_states[frame] == FrameState.Free) return frame;
            if (_states[frame] != FrameState.Clean) continue;
            int head = Head(frame);
            if (!IsEvictable(head)) continue;
            if (_uses[head] == 0) return frame;
            if (frame == head) _uses[head]--;
        }
        return -1;
    }

    private int FindRun(int run)
    {
        int length = 0;
        for (int step = 0; step < 2 * Usable; step++)
        {
            if (_hand == 0) length = 0;
            int frame = _hand;
            if (++_hand == Usable) _hand = 0;
            bool usable = _states[frame] == FrameState.Free ||
                (_states[frame] == FrameState.Clean && IsEvictable(Head(frame)));
            length = usable ? length + 1 : 0;
            if (length == run) return frame - run + 1;
        }
        return -1;
    }
}
