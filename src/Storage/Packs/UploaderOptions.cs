using System;
using Deterministic.Core;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Which blocks go where, and how much may be under way.</summary>
public sealed class UploaderOptions
{
    public required IObjectStore Store { get; init; }

    /// <summary>Empty, or ends with a slash.</summary>
    public required ObjectKey Prefix { get; init; }

    /// <summary>Tokens of requests are this and a little more, see <see cref="CheckpointUploader.Owns"/>.</summary>
    public uint TokenBase { get; init; }
    public required IDisk Disk { get; init; }

    /// <summary>Where the first block is in the data file.</summary>
    public required long GridOffset { get; init; }
    public required GridShape Shape { get; init; }

    /// <summary>Identity of the data file: all that it ever commits is one history.</summary>
    public required UInt128 History { get; init; }

    /// <summary>Drawn anew for every run of the process; never 0.</summary>
    public required UInt128 Writer { get; init; }

    /// <summary>Go on also after checkpoints of another history.</summary>
    public bool TakeOver { get; init; }

    /// <summary>Checkpoints kept beside the named snapshots.</summary>
    public int Keep { get; init; } = 8;

    /// <summary>Checkpoints that may be durable on disk and not in the object store before
    /// <see cref="CheckpointUploader.HoldsBack"/>.</summary>
    public int LagCheckpointsMax { get; init; } = 4;

    /// <summary>Bytes and blocks of a pack at most.</summary>
    public int PackSize { get; init; } = 8 << 20;
    public int PackBlocks { get; init; } = 1024;

    /// <summary>Packs at most; 0: as many as the grid can need.</summary>
    public int PacksMax { get; init; }

    /// <summary>Blocks being read from the disk at a time.</summary>
    public int ReadsMax { get; init; } = 16;

    /// <summary>What is not needed is looked for after so many checkpoints.</summary>
    public int GarbageInterval { get; init; } = 4;

    internal int PacksLimit
    {
        get
        {
            long perPack = long.Max(1, long.Min(PackBlocks, PackSize / Shape.BlockSize));
            return PacksMax > 0 ? PacksMax : (int)(8 * Shape.Blocks / perPack) + 256;
        }
    }
}
