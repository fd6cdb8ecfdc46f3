using System;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Where checkpoints are read from, and with how much memory.</summary>
public sealed class RestorerOptions
{
    public required IObjectStore Store { get; init; }

    /// <summary>Empty, or ends with a slash.</summary>
    public required ObjectKey Prefix { get; init; }
    public required UInt128 Cluster { get; init; }

    /// <summary>Tokens of requests are this and a little more, see <see cref="CheckpointRestorer.Owns"/>.</summary>
    public uint TokenBase { get; init; }

    /// <summary>Packs read at a time.</summary>
    public int Lanes { get; init; } = 16;

    /// <summary>Bytes of one read; no less than a block.</summary>
    public int PieceSize { get; init; } = 1 << 20;

    /// <summary>Room for a manifest.</summary>
    public long ManifestSizeMax { get; init; } = 64 << 20;
}
