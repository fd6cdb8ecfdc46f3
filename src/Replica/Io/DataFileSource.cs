using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Vsr;

namespace Deterministic.Replica.Io;

/// <summary>Reads a data file for inspection: any span, through an aligned buffer of its own, as direct I/O wants
/// it.</summary>
internal sealed class DataFileSource(DataFile file) : IInspectionSource, IDisposable
{
    private const int BufferSize = 1 << 20;

    private readonly StaticMemory _memory = new();
    private NativeBuffer _buffer;

    public bool TryRead(long offset, Span<byte> into)
    {
        Check.That(offset % Limits.SectorSize == 0);
        if (_buffer.IsEmpty) _buffer = _memory.Take(BufferSize, Limits.SectorSize);
        while (into.Length > 0)
        {
            int size = int.Min(into.Length, BufferSize);
            int sectors = (size + Limits.SectorSize - 1) / Limits.SectorSize * Limits.SectorSize;
            if (!file.TryRead(offset, _buffer.Part(0, sectors))) return false;
            _buffer.Slice(0, size).CopyTo(into);
            into = into[size..];
            offset += size;
        }
        return true;
    }

    public void Dispose() => _memory.Dispose();
}
