using System;

namespace Deterministic.Storage;

/// <summary>Bugs that tests plant, to see that the checkers catch them.</summary>
[Flags]
internal enum StoragePlant : ushort
{
    None = 0,

    /// <summary>A released block is free at once, although the durable checkpoint still needs it.</summary>
    FreesEarly = 1,

    /// <summary>A checkpoint holds the free set as it was before its own blocks were acquired.</summary>
    SavesFreeSetEarly = 2,

    /// <summary>What a flush writes lacks the tombstones.</summary>
    FlushDropsTombstones = 4,

    /// <summary>Of equal keys the oldest is kept.</summary>
    MergeKeepsOldest = 8,

    /// <summary>A merge drops tombstones although older entries lie below.</summary>
    MergeDropsTombstones = 16,

    /// <summary>A checkpoint is said to be on disk while its blocks are still being written.</summary>
    SignsEarly = 32,

    /// <summary>A merge that had to wait for a read cuts its table there.</summary>
    MergeFollowsReads = 64,

    /// <summary>What was read is taken for the block that was asked for.</summary>
    ServesRot = 128,

    /// <summary>A manifest does not wait for the packs that it names.</summary>
    NamesMissingPacks = 256,
}
