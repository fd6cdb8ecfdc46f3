using System;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>Lays a data file out on a simulated disk, at once.</summary>
internal struct FormatSink(SimulatedDisk disk) : IFormatSink
{
    public readonly void Write(long offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(disk.At(offset, bytes.Length));

    public readonly void Flush()
    {
    }
}
