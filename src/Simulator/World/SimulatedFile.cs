using System;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>The data file on a simulated disk for those who format, look at and promote it: everything happens at
/// once.</summary>
internal readonly struct SimulatedFile(SimulatedDisk disk) : IFormatSink, IInspectionSource
{
    public void Write(long offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(disk.At(offset, bytes.Length));

    public bool TryRead(long offset, Span<byte> into)
    {
        if (offset > disk.Length - into.Length) return false;
        disk.At(offset, into.Length).CopyTo(into);
        return true;
    }

    public void Flush()
    {
    }
}
