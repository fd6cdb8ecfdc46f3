using System;

namespace Deterministic.SystemTests.Faults;

/// <summary>What happens to bytes in one direction of a link.</summary>
internal sealed record LinkFault
{
    public static LinkFault None { get; } = new();

    /// <summary>Nothing arrives, and the sender is not told.</summary>
    public static LinkFault Blackhole { get; } = new() { Swallows = true };

    public bool Swallows { get; init; }

    /// <summary>Of each piece that is read from the stream, one after the other: bandwidth suffers too.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Of so many pieces one has a bit flipped; 0 for none.</summary>
    public int CorruptOneIn { get; init; }

    /// <summary>Whether a stream that went through it has lost or wrong bytes.</summary>
    public bool Breaks => Swallows || CorruptOneIn > 0;
}
