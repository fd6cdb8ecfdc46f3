using System;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Memory;

/// <summary>Values above <see cref="Page.InlineSizeMax"/>, in size classes of four steps per doubling. Chunks of
/// one size go
/// to whichever class needs them. Every class is dense: freeing a value moves the last one of its class into the hole,
/// so at most one chunk per class is not full and no order of frees can fragment the heap.</summary>
internal sealed unsafe class ValueHeap
{
    public const int ChunkSize = 4 << 20;
    public const int UnitSize = 256;
    public const int SizeMax = 5 << 18;
    public const int Classes = 41;
    private const int ChunkUnits = ChunkSize / UnitSize;
    private const int ChunkValuesMax = 4096;
    private const int ClassBitsMin = 10;

    private readonly NativeBuffer _memory;
    private readonly NativeBuffer _owners;
    private readonly StaticMemory _source;
    private readonly int[] _previousChunk;
    private readonly int[] _tailChunk = new int[Classes];
    private readonly int[] _tailCount = new int[Classes];
    private int _fresh;
    private int _free;

    /// <summary>Chunks up to here may have been used and not been given back.</summary>
    private int _residentEnd;

    public ValueHeap(StaticMemory memory, int chunksMax)
    {
        Check.That(chunksMax > 0);
        Check.That(ClassOf(SizeMax) == Classes - 1);
        _source = memory;
        _memory = memory.Take((long)chunksMax * ChunkSize, 4096);
        _owners = memory.Take((long)chunksMax * ChunkValuesMax * sizeof(uint));
        _previousChunk = new int[chunksMax];
        Clear();
    }

    public int UsedChunks { get; private set; }

    public byte* Pointer(uint reference) => unchecked(_memory.Pointer + (nuint)reference * UnitSize);

    public static int ClassOf(int size)
    {
        Check.That(size > Page.InlineSizeMax && size <= SizeMax);
        int bits = BitOperations.Log2((uint)size - 1);
        return (bits - ClassBitsMin) * 4 + ((size - 1 - (1 << bits)) >> (bits - 2));
    }

    public static int ClassSize(int sizeClass)
    {
        int bits = ClassBitsMin + sizeClass / 4;
        return (1 << bits) + ((sizeClass % 4 + 1) << (bits - 2));
    }

    public static int ClassPerChunk(int sizeClass) => ChunkSize / ClassSize(sizeClass);

    public uint Allocate(int size, uint owner)
    {
        int sizeClass = ClassOf(size);
        if (_tailChunk[sizeClass] < 0 || _tailCount[sizeClass] == ClassPerChunk(sizeClass))
        {
            int chunk = TakeChunk();
            _previousChunk[chunk] = _tailChunk[sizeClass];
            _tailChunk[sizeClass] = chunk;
            _tailCount[sizeClass] = 0;
        }
        uint reference = ReferenceOf(sizeClass, _tailChunk[sizeClass], _tailCount[sizeClass]++);
        SetOwner(reference, size, owner);
        return reference;
    }

    /// <summary>Frees a value. True: the value <paramref name="moved"/> of page <paramref name="owner"/> is now
    /// where the
    /// freed one was.</summary>
    public bool Free(uint reference, int size, out uint moved, out uint owner)
    {
        int sizeClass = ClassOf(size);
        int tail = _tailChunk[sizeClass];
        Check.That(tail >= 0 && _tailCount[sizeClass] > 0);
        moved = ReferenceOf(sizeClass, tail, --_tailCount[sizeClass]);
        owner = Owner(moved, size);
        if (moved != reference)
        {
            int slotSize = ClassSize(sizeClass);
            new ReadOnlySpan<byte>(Pointer(moved), slotSize).CopyTo(new Span<byte>(Pointer(reference), slotSize));
            SetOwner(reference, size, owner);
        }
        if (_tailCount[sizeClass] == 0)
        {
            _tailChunk[sizeClass] = _previousChunk[tail];
            _tailCount[sizeClass] = _tailChunk[sizeClass] < 0 ? 0 : ClassPerChunk(sizeClass);
            _previousChunk[tail] = _free;
            _free = tail;
            UsedChunks--;
        }
        return moved != reference;
    }

    public uint Owner(uint reference, int size) => *OwnerPointer(reference, size);

    public void SetOwner(uint reference, int size, uint owner) => *OwnerPointer(reference, size) = owner;

    /// <summary>Frees all values. Chunks that this filling did not use go back to the system.</summary>
    public void Clear()
    {
        if (_fresh < _residentEnd)
            _source.GiveBack(_memory.Part((long)_fresh * ChunkSize, (long)(_residentEnd - _fresh) * ChunkSize));
        _residentEnd = _fresh;
        _tailChunk.AsSpan().Fill(-1);
        _tailCount.AsSpan().Clear();
        _fresh = 0;
        _free = -1;
        UsedChunks = 0;
    }

    /// <summary>Values that the classes hold, counted from their chunks.</summary>
    public long CountValues()
    {
        long count = 0;
        for (int sizeClass = 0; sizeClass < Classes; sizeClass++)
        {
            int chunk = _tailChunk[sizeClass];
            if (chunk < 0) continue;
            count += _tailCount[sizeClass];
            for (chunk = _previousChunk[chunk]; chunk >= 0; chunk = _previousChunk[chunk])
            {
                count += ClassPerChunk(sizeClass);
            }
        }
        return count;
    }

    public bool Contains(byte* pointer) => pointer >= _memory.Pointer && pointer < _memory.Pointer + _memory.Length;

    private int TakeChunk()
    {
        UsedChunks++;
        if (_free >= 0)
        {
            int chunk = _free;
            _free = _previousChunk[chunk];
            return chunk;
        }
        Check.That(_fresh < _previousChunk.Length);
        if (_fresh == _residentEnd) _residentEnd++;
        return _fresh++;
    }

    private static uint ReferenceOf(int sizeClass, int chunk, int index) =>
        (uint)((long)chunk * ChunkUnits + index * (ClassSize(sizeClass) / UnitSize));

    private uint* OwnerPointer(uint reference, int size)
    {
        long chunk = reference / ChunkUnits;
        long index = reference % ChunkUnits / (ClassSize(ClassOf(size)) / UnitSize);
        return (uint*)_owners.Pointer + (chunk * ChunkValuesMax + index);
    }
}
