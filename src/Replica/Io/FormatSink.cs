using System;
using Deterministic.Vsr;

namespace Deterministic.Replica.Io;

/// <summary>Lays out a data file that was just made.</summary>
internal readonly struct FormatSink(DataFile file) : IFormatSink
{
    public void Write(long offset, ReadOnlySpan<byte> bytes) => file.WriteBuffered(offset, bytes);

    public void Flush() => file.Synchronize();
}
