using System;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Memory;

/// <summary>Native memory in three phases: take regions, seal, release. After <see cref="Seal"/> nothing can be taken,
/// so whatever a replica will ever use is known before its first request. Regions are sector-aligned on demand, as
/// direct disk access needs; they start zeroed.</summary>
public sealed unsafe class StaticMemory : IDisposable
{
    private readonly System.Collections.Generic.List<nint> _regions = [];
    private bool _sealed;

    public long TakenBytes { get; private set; }

    /// <summary>Told of parts of regions whose content is not needed any more, to let the system have their pages until
    /// they are written again. Without it they stay.</summary>
    public System.Action<NativeBuffer>? PagesReturn { get; set; }

    /// <summary>Takes a zeroed region. Large regions cost address space at once and memory only when touched.</summary>
    public NativeBuffer Take(long size, int alignment = 64)
    {
        Check.That(!_sealed);
        Check.That(size > 0);
        Check.That(alignment > 0 && (alignment & (alignment - 1)) == 0);
        // calloc leaves fresh pages untouched, so the zeroes of a large region cost nothing until they are used.
        nuint padded = checked((nuint)size + (nuint)alignment);
        nint region = (nint)NativeMemory.AllocZeroed(padded);
        _regions.Add(region);
        TakenBytes += size;
        nuint start = ((nuint)region + (nuint)alignment - 1) & ~((nuint)alignment - 1);
        return new NativeBuffer((byte*)start, size);
    }

    /// <summary>What a part of a region holds is not needed any more; it may read as zeroes from now on.</summary>
    public void GiveBack(NativeBuffer part) => PagesReturn?.Invoke(part);

    public void Seal()
    {
        Check.That(!_sealed);
        _sealed = true;
    }

    public void Dispose()
    {
        foreach (nint region in _regions) NativeMemory.Free((void*)region);
        _regions.Clear();
    }
}

/// <summary>A region of native memory: a pointer and a length in bytes. Valid until its <see cref="StaticMemory"/> is
/// disposed.</summary>
public readonly unsafe struct NativeBuffer(byte* pointer, long length)
{
    public byte* Pointer { get; } = pointer;
    public long Length { get; } = length;
    public bool IsEmpty => Length == 0;

    public Span<byte> Span => new(Pointer, checked((int)Length));

    public Span<byte> Slice(long offset, int size)
    {
        Check.That(offset >= 0 && size >= 0 && offset <= Length - size);
        return new Span<byte>(Pointer + offset, size);
    }

    public NativeBuffer Part(long offset, long size)
    {
        Check.That(offset >= 0 && size >= 0 && offset <= Length - size);
        return new NativeBuffer(Pointer + offset, size);
    }

    /// <summary>The region as elements of <typeparamref name="T"/>.</summary>
    public Span<T> As<T>() where T : unmanaged => new(Pointer, checked((int)(Length / sizeof(T))));
}
