using System;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Blocks;

/// <summary>The blocks of a data file through a cache of a fixed number of frames. Nothing waits: a block that is not
/// in memory is asked for and there after a later completion. A new block is built in a frame, sealed with its checksum
/// and written; nothing refers to a block before it is sealed, and no block is changed after.</summary>
public sealed partial class Grid
{
    /// <summary>Set in the tokens of all disk operations of the grid.</summary>
    public const uint TokenBit = 1u << 31;
    private const uint WriteBit = 1u << 30;
    private const int ReadAttemptsMax = 3;

    private readonly GridOptions _options;
    private readonly Frames _frames;
    private readonly RingBuffer<int> _readQueue;
    private readonly RingBuffer<int> _writeQueue;
    private readonly int[] _reads;
    private readonly int[] _writes;
    private readonly int[] _attempts;
    private int _usable;
    private bool _lifted;
    private int _readsInFlight;
    private int _writesInFlight;

    public Grid(StaticMemory memory, GridOptions options)
    {
        Check.That(options.Offset % Limits.SectorSize == 0);
        Check.That(options.BlockSize % Limits.SectorSize == 0);
        Check.That(options.CacheFrames >= FramesMin(options.BlockSize));
        _options = options;
        Free = new FreeSet(memory, options.Blocks);
        int frames = options.CacheFramesMax > options.CacheFrames ? options.CacheFramesMax : options.CacheFrames;
        _frames = new Frames(memory, frames, options.BlockSize);
        _usable = options.CacheFrames;
        _frames.SetUsable(_usable);
        _readQueue = new RingBuffer<int>(frames);
        _writeQueue = new RingBuffer<int>(frames);
        _reads = new int[options.ReadsMax];
        _writes = new int[options.WritesMax];
        _attempts = new int[frames];
        _repairBuffer = memory.Take(options.BlockSize, Limits.SectorSize);
        _reads.AsSpan().Fill(-1);
        _writes.AsSpan().Fill(-1);
    }

    public FreeSet Free { get; }

    public int BlockSize => _options.BlockSize;

    /// <summary>Bytes of a block behind its header.</summary>
    public int BodySizeMax => _options.BlockSize - Limits.HeaderSize;

    public int CacheFrames => _options.CacheFrames;

    /// <summary>Frames of the cache whose memory is in use.</summary>
    public int CacheFramesResident => _frames.Resident;

    /// <summary>Frames that the cache may use now, from <see cref="FramesMin"/> to <see cref="CacheFrames"/>; decides
    /// nothing about the state. Setting it again gives back what could not be given back before.</summary>
    public int CacheFramesUsable
    {
        get => _usable;
        set
        {
            Check.That(value >= FramesMin(BlockSize) && value <= CacheFrames);
            _usable = value;
            if (!_lifted) _frames.SetUsable(value);
        }
    }

    /// <summary>Operations that needed more blocks at once than the cache may hold.</summary>
    public long Lifts { get; private set; }

    /// <summary>Lets an operation for which the cache is too small have more memory, until the next one. False if it is
    /// not that, or if it has all there is.</summary>
    public bool TryLift()
    {
        if (!IsStuck || _frames.Usable == _frames.Count) return false;
        Lifts++;
        Starved = false;
        _lifted = true;
        _frames.SetUsable(_frames.Count);
        return true;
    }

    /// <summary>No block is still to be written.</summary>
    public bool WritesIdle => _writesInFlight == 0 && _writeQueue.IsEmpty && !IsRepairing;

    public bool ReadsIdle => _readsInFlight == 0 && _readQueue.IsEmpty;

    /// <summary>Set while frames are so few that nothing should be read ahead.</summary>
    public bool IsTight { get; set; }

    /// <summary>No frame could be had, and no completion will free one.</summary>
    public bool IsStuck => Starved && ReadsIdle && WritesIdle && _faults == 0;

    public bool WriteFailed { get; private set; }

    /// <summary>A planted bug, see <see cref="StoragePlant.ServesRot"/>.</summary>
    internal bool ServesRot { get; set; }

    /// <summary>Since the era began a frame was needed when all were in use.</summary>
    public bool Starved { get; private set; }

    /// <summary>Values in parts have been written; their parts are not together in memory.</summary>
    public bool HasLargeValues { get; private set; }

    /// <summary>Blocks that have left the cache.</summary>
    public long Evictions => _frames.Evictions;

    public long BlocksRead { get; private set; }
    public long BlocksWritten { get; private set; }
    public long BytesWritten { get; private set; }
    public long CacheHits { get; private set; }
    public long CacheMisses { get; private set; }

    /// <summary>Frames that every operation can count on: the largest value in parts, and some to build in.</summary>
    public static int FramesMin(int blockSize) => 2 * PartsMax(blockSize) + 64;

    /// <summary>Most parts of a value.</summary>
    public static int PartsMax(int blockSize) =>
        (Tree.ValueSizeMax + blockSize - Limits.HeaderSize - 1) / (blockSize - Limits.HeaderSize);

    /// <summary>Lets go of what the operation before has touched.</summary>
    public void NextEra()
    {
        _frames.Era++;
        Starved = false;
        // What was in use as an operation ended is given back when it is found free later.
        if (_lifted || _frames.HasResidentBeyond(_usable)) _frames.SetUsable(_usable);
        _lifted = false;
    }

    /// <summary>While set, reads do not count as uses, see <see cref="Frames.Scanning"/>.</summary>
    public bool Scanning
    {
        get => _frames.Scanning;
        set => _frames.Scanning = value;
    }

    /// <summary>The body of a block that is in memory.</summary>
    public bool TryGet(scoped in BlockReference block, out ReadOnlySpan<byte> body) =>
        TryGet(in block, out body, out _);

    /// <summary>The same.</summary>
    /// <param name="block">The block.</param>
    /// <param name="body">What is behind its header.</param>
    /// <param name="examined">Since it was read, <see cref="Examined"/> was told that it makes sense.</param>
    internal bool TryGet(scoped in BlockReference block, out ReadOnlySpan<byte> body, out bool examined)
    {
        int frame = _frames.Find(block.Address);
        body = default;
        examined = false;
        if (frame < 0 || !IsReady(frame)) return false;
        Check.That(_frames.Checksum(frame) == block.Checksum);
        CacheHits++;
        _frames.Touch(frame);
        examined = _frames.IsExamined(frame);
        Span<byte> bytes = _frames.Buffer(frame).Span;
        body = bytes[Limits.HeaderSize..(int)Header.At(bytes).Size];
        return true;
    }

    /// <summary>What a block in memory says that it is.</summary>
    internal BlockKind KindOf(in BlockReference block) => Header.At(_frames.Buffer(_frames.Find(block.Address)).Span)
        .Block.Kind;

    /// <summary>Takes down whether a block in memory makes sense, and passes it on. One that does not is a fault as if
    /// it could not be read; one that is still being written is left to be judged again when it is.</summary>
    internal bool Examined(in BlockReference block, bool sound)
    {
        int frame = _frames.Find(block.Address);
        Check.That(frame >= 0 && IsReady(frame) && !_frames.IsExamined(frame));
        if (sound) _frames.SetExamined(frame);
        if (sound || _frames.State(frame) == FrameState.Dirty) return sound;
        _frames.SetState(frame, FrameState.Faulty);
        _faults++;
        return false;
    }

    /// <summary>Whether a block is in memory; then it stays for the current era.</summary>
    public bool IsResident(in BlockReference block)
    {
        int frame = _frames.Find(block.Address);
        if (frame < 0 || !IsReady(frame)) return false;
        _frames.Touch(frame);
        return true;
    }

    /// <summary>Asks for a block; true if it is there. Either way it stays for the current era.</summary>
    public bool Request(in BlockReference block)
    {
        int frame = _frames.Find(block.Address);
        if (frame >= 0)
        {
            _frames.Touch(frame);
            return IsReady(frame);
        }
        CacheMisses++;
        frame = _frames.TryTake(1);
        Starved |= frame < 0;
        if (frame < 0) return false;
        Load(frame, in block, first: true);
        _frames.Touch(frame);
        Submit();
        return false;
    }

    /// <summary>Asks for the parts of a large value; they come to lie one behind the other.</summary>
    /// <param name="references">The references, <paramref name="stride"/> bytes apart.</param>
    /// <param name="stride">Bytes from one reference to the next.</param>
    /// <param name="parts">How many.</param>
    public bool RequestRun(ReadOnlySpan<byte> references, int stride, int parts)
    {
        Check.That(parts > 0 && parts <= PartsMax(BlockSize));
        BlockReference block = BlockReference.Read(references);
        int frame = _frames.Find(block.Address);
        if (frame >= 0 && _frames.Run(frame) == parts)
        {
            _frames.Touch(frame);
            return IsReady(frame);
        }
        // Parts are written one by one, each in a frame of its own, and can be read together once all are on disk.
        for (int i = 0; i < parts; i++)
        {
            int part = _frames.Find(BlockReference.Read(references[(i * stride)..]).Address);
            if (part >= 0 && _frames.State(part) == FrameState.Dirty) return false;
        }
        if (frame >= 0) Drop(frame);
        CacheMisses++;
        frame = _frames.TryTake(parts);
        Starved |= frame < 0;
        if (frame < 0) return false;
        for (int i = 0; i < parts; i++) Load(frame + i, BlockReference.Read(references[(i * stride)..]), i == 0);
        _frames.Touch(frame);
        Submit();
        return false;
    }

    /// <summary>Whether all parts of a large value are in memory, together.</summary>
    public bool IsRunResident(in BlockReference first, int parts)
    {
        int frame = _frames.Find(first.Address);
        return frame >= 0 && _frames.Run(frame) == parts && IsResident(in first);
    }

    /// <summary>A large value whose parts are in memory.</summary>
    public ReadOnlySpan<byte> RunBody(scoped in BlockReference first, int size)
    {
        int frame = _frames.Find(first.Address);
        Check.That(frame >= 0 && IsReady(frame));
        CacheHits++;
        _frames.Touch(frame);
        return _frames.Buffer(frame, _frames.Run(frame)).Slice(Limits.HeaderSize, size);
    }

    /// <summary>Takes a frame to build a block in; -1 if none can be had before a write has completed.</summary>
    public int TryBuild()
    {
        int frame = _frames.TryTake(1);
        Starved |= frame < 0;
        if (frame >= 0) _frames.MarkResident(frame);
        return frame;
    }

    /// <summary>Of the form of blocks, not the software's: replicas with different software make equal
    /// blocks.</summary>
    private const uint BlockRelease = 1;

    /// <summary>Where the body of a block being built goes.</summary>
    public Span<byte> Body(int frame)
    {
        Check.That(_frames.State(frame) == FrameState.Building);
        return _frames.Buffer(frame).Span[Limits.HeaderSize..];
    }

    /// <summary>Seals a built block at an acquired address and has it written.</summary>
    public BlockReference Finish(int frame, ulong address, BlockKind kind, ulong op, int bodySize)
    {
        Check.That(_frames.State(frame) == FrameState.Building);
        Check.That(Free.IsAcquired(address) && bodySize >= 0 && bodySize <= BodySizeMax);
        int stale = _frames.Find(address);
        if (stale >= 0) Drop(stale);
        Span<byte> bytes = _frames.Buffer(frame).Span;
        ref Header header = ref Header.At(bytes);
        header = Header.Create(Command.Block, _options.Cluster, view: 0, replica: 0, bodySize);
        header.Release = BlockRelease;
        header.Block.Address = address;
        header.Block.Snapshot = op;
        header.Block.Kind = kind;
        header.SetChecksumBody(bytes.Slice(Limits.HeaderSize, bodySize));
        header.SetChecksum();
        int size = (int)header.Size;
        bytes[size..SectorCeiling(size)].Clear();
        HasLargeValues |= kind == BlockKind.LargeValue;
        BlockReference block = new(address, header.Checksum);
        _frames.Assign(frame, in block, FrameState.Dirty, first: true);
        _frames.SetExamined(frame);
        _frames.Touch(frame);
        Check.That(_writeQueue.TryAdd(frame));
        Submit();
        return block;
    }

    /// <summary>Gives back a frame in which nothing was built.</summary>
    public void Abandon(int frame)
    {
        Check.That(_frames.State(frame) == FrameState.Building);
        _frames.Drop(frame);
    }

    public void OnCompletion(uint token, IoResult result)
    {
        Check.That((token & TokenBit) != 0);
        int slot = (int)(token & ~(TokenBit | WriteBit));
        if ((token & WriteBit) != 0 && slot == RepairSlot) OnRepaired(result);
        else if ((token & WriteBit) != 0) OnWritten(slot, result);
        else OnRead(slot, result);
        Submit();
    }

    /// <summary>Whether a block is built or repaired and not yet on disk.</summary>
    public bool IsWriting(in BlockReference block)
    {
        if (IsRepairing && _repair.Address == block.Address) return true;
        int frame = _frames.Find(block.Address);
        return frame >= 0 && _frames.State(frame) == FrameState.Dirty;
    }

    /// <summary>Whether the bytes of a whole block are the one that is referred to.</summary>
    public bool IsSound(ReadOnlySpan<byte> bytes, in BlockReference block) =>
        IsSound(bytes, in block, _options.Cluster);

    public static bool IsSound(ReadOnlySpan<byte> bytes, in BlockReference block, UInt128 cluster)
    {
        Header header = Header.Read(bytes);
        if (header.Checksum != block.Checksum || !header.ValidChecksum()) return false;
        if (header.Invalid(bytes.Length) is not null || header.Command != Command.Block) return false;
        if (header.Cluster != cluster || header.Block.Address != block.Address) return false;
        return header.ValidChecksumBody(bytes[Limits.HeaderSize..(int)header.Size]);
    }

    public long OffsetOf(ulong address)
    {
        Check.That(address > 0 && address <= (ulong)_options.Blocks);
        return _options.Offset + (long)(address - 1) * _options.BlockSize;
    }

    private void Drop(int frame)
    {
        for (int i = frame; i < frame + _frames.Run(frame); i++)
            if (_frames.State(i) == FrameState.Faulty) _faults--;
        _frames.Drop(frame);
    }

    private bool IsReady(int frame)
    {
        for (int i = frame; i < frame + _frames.Run(frame); i++)
            if (_frames.State(i) is not (FrameState.Clean or FrameState.Dirty)) return false;
        return true;
    }

    private void Load(int frame, in BlockReference block, bool first)
    {
        _frames.Assign(frame, in block, FrameState.Loading, first);
        _attempts[frame] = 1;
        Check.That(_readQueue.TryAdd(frame));
    }

    private void Submit()
    {
        while (_readsInFlight < _reads.Length && _readQueue.TryTake(out int frame))
        {
            if (_frames.State(frame) == FrameState.Orphaned)
            {
                _frames.SetState(frame, FrameState.Free);
                continue;
            }
            int slot = _reads.AsSpan().IndexOf(-1);
            _reads[slot] = frame;
            _readsInFlight++;
            BlocksRead++;
            _frames.MarkResident(frame);
            _options.Disk.Read(TokenBit | (uint)slot, OffsetOf(_frames.Address(frame)), _frames.Buffer(frame));
        }
        while (_writesInFlight < _writes.Length && _writeQueue.TryTake(out int frame))
        {
            int slot = _writes.AsSpan().IndexOf(-1);
            _writes[slot] = frame;
            _writesInFlight++;
            NativeBuffer buffer = _frames.Buffer(frame);
            int size = SectorCeiling((int)Header.At(buffer.Span).Size);
            BlocksWritten++;
            BytesWritten += size;
            _options.Disk.Write(
                TokenBit | WriteBit | (uint)slot, OffsetOf(_frames.Address(frame)), buffer.Part(0, size));
        }
    }

    private void OnWritten(int slot, IoResult result)
    {
        int frame = _writes[slot];
        Check.That(frame >= 0 && _frames.State(frame) == FrameState.Dirty);
        _writes[slot] = -1;
        _writesInFlight--;
        if (result != IoResult.Ok) WriteFailed = true;
        _frames.SetState(frame, FrameState.Clean);
    }

    private void OnRead(int slot, IoResult result)
    {
        int frame = _reads[slot];
        Check.That(frame >= 0);
        _reads[slot] = -1;
        _readsInFlight--;
        if (_frames.State(frame) == FrameState.Orphaned)
        {
            _frames.SetState(frame, FrameState.Free);
            return;
        }
        Check.That(_frames.State(frame) == FrameState.Loading);
        BlockReference block = new(_frames.Address(frame), _frames.Checksum(frame));
        if (result == IoResult.Ok && (ServesRot || IsSound(_frames.Buffer(frame).Span, in block)))
        {
            // An index may claim that a part is longer than it is; what is behind it is the same on every disk.
            Span<byte> bytes = _frames.Buffer(frame).Span;
            bytes[(int)Header.At(bytes).Size..].Clear();
            _frames.SetState(frame, FrameState.Clean);
            int head = _frames.Head(frame);
            if (_frames.Run(head) > 1 && IsReady(head)) Join(head);
            return;
        }
        if (_attempts[frame]++ < ReadAttemptsMax)
        {
            Check.That(_readQueue.TryAdd(frame));
            return;
        }
        _frames.SetState(frame, FrameState.Faulty);
        _faults++;
    }

    /// <summary>Moves the bodies of the parts together, behind the header of the first.</summary>
    private void Join(int head)
    {
        Span<byte> bytes = _frames.Buffer(head, _frames.Run(head)).Span;
        for (int i = 1; i < _frames.Run(head); i++)
        {
            Span<byte> part = bytes.Slice(i * BlockSize, BlockSize);
            part[Limits.HeaderSize..].CopyTo(bytes[(Limits.HeaderSize + i * BodySizeMax)..]);
        }
    }

    /// <summary>Bytes that a block with a body of this size takes of a write.</summary>
    public static int SizeOnDisk(int bodySize) => SectorCeiling(Limits.HeaderSize + bodySize);

    private static int SectorCeiling(int size) =>
        (size + Limits.SectorSize - 1) / Limits.SectorSize * Limits.SectorSize;
}
