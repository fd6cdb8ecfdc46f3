namespace Deterministic.Vsr;

public enum ReplicaStatus : byte
{
    /// <summary>Made, not opened yet.</summary>
    Closed = 0,

    /// <summary>Reading its disk; answers nobody.</summary>
    Recovering = 1,
    Normal = 2,

    /// <summary>Does nothing any more; <see cref="StopReason"/> tells why. Only a restart helps.</summary>
    Stopped = 3,

    /// <summary>Between two views: takes no requests.</summary>
    ViewChange = 4,

    /// <summary>The end of its log is damaged: it must not speak about it before it has heard from a primary.</summary>
    RecoveringHead = 5,

    /// <summary>Its data file names a newer checkpoint than the one in memory, taken from other replicas. Does nothing
    /// any more: once its disk is idle, the owner makes a new replica on the same file.</summary>
    Outdated = 6,
}

/// <summary>Why a replica stopped or did not open.</summary>
public enum StopReason : byte
{
    None = 0,
    SuperblockNotFound,
    SuperblockQuorumLost,
    SuperblockFork,
    SuperblockParentNotConnected,
    SuperblockParentSkipped,
    SuperblockNotMonotonic,
    SuperblockMixed,
    SuperblockVersionUnsupported,
    SuperblockReleaseUnsupported,
    SuperblockConfigurationInvalid,
    SuperblockNotVerified,
    WrongCluster,
    WrongReplica,
    WrongConfiguration,
    ReplicaCountUnsupported,
    JournalSlotUnreadable,
    JournalEmpty,
    JournalTooShort,
    JournalBroken,
    CheckpointRefused,
    BlockCorrupt,
    CacheTooSmall,
    GridFull,
    WriteFailed,

    /// <summary>The cluster has gone on to a release that this software does not know.</summary>
    ReleaseTooNew,

    /// <summary>The log or the checkpoint is of a release that this software does not know any more.</summary>
    ReleaseTooOld,

    /// <summary>A standby has run what is not in the log of its cluster.</summary>
    LogForked,
}

/// <summary>Text for people: what happened and what to do.</summary>
public static class StopReasons
{
    public static string Text(StopReason reason) => reason switch
    {
        StopReason.None => "running",
        StopReason.SuperblockNotFound =>
            "no superblock: this is not a data file, or its formatting did not finish; run `format` on a new file",
        StopReason.SuperblockQuorumLost =>
            "fewer than two copies of the superblock agree: the disk lost more than it may; " +
            "restore the file from a backup",
        StopReason.SuperblockFork =>
            "two superblocks with one sequence number differ: the file was changed by two processes " +
            "or a copy was mixed in; restore the file from a backup",
        StopReason.SuperblockParentNotConnected =>
            "the superblock copies do not follow from each other: parts of two files were mixed; restore from a backup",
        StopReason.SuperblockParentSkipped =>
            "a newer superblock exists whose predecessor is lost: opening would go back in time; restore from a backup",
        StopReason.SuperblockNotMonotonic =>
            "the newer superblock holds an older view or checkpoint: the file is damaged; restore from a backup",
        StopReason.SuperblockMixed => "superblock copies of different replicas are in one file; restore from a backup",
        StopReason.SuperblockVersionUnsupported =>
            "the file was written in a format of another version; start the release that wrote it",
        StopReason.SuperblockReleaseUnsupported => "the file was written by a newer release; start that release",
        StopReason.SuperblockConfigurationInvalid => "the superblock names impossible sizes; restore from a backup",
        StopReason.SuperblockNotVerified =>
            "the superblock could not be read back from three of its four places after writing it; replace the disk",
        StopReason.WrongCluster => "the data file belongs to another cluster; check the cluster number and the path",
        StopReason.WrongReplica => "the data file belongs to another replica; check the replica's index and the path",
        StopReason.WrongConfiguration =>
            "the data file was formatted with other sizes; open it with the sizes it names",
        StopReason.ReplicaCountUnsupported =>
            "a cluster has 1 to 6 replicas",
        StopReason.JournalSlotUnreadable =>
            "a journal slot that may hold an acknowledged operation is damaged and no other replica has a copy; " +
            "restore the file from a backup",
        StopReason.JournalEmpty => "no journal slot can be read; restore the file from a backup",
        StopReason.JournalTooShort =>
            "the journal ends before an operation that was durable; the disk lost writes; " +
            "restore the file from a backup",
        StopReason.JournalBroken =>
            "two neighbouring journal entries do not follow from each other; restore from a backup",
        StopReason.CheckpointRefused =>
            "the state machine could not take the checkpoint: it was written by an incompatible release; " +
            "start that release",
        StopReason.BlockCorrupt =>
            "a block of the state is damaged on disk and there is nowhere else to get it from; " +
            "recover the file from the object store or a backup",
        StopReason.CacheTooSmall =>
            "an operation needs more blocks in memory at once than this machine can give; start on one with more",
        StopReason.GridFull =>
            "the data file has no free blocks left; recover into a file formatted with a larger state size",
        StopReason.WriteFailed => "the disk did not take a write; check that it is healthy and not full, then restart",
        StopReason.ReleaseTooNew =>
            "the cluster runs a newer release than this program knows; start the newer program on the same file",
        StopReason.ReleaseTooOld =>
            "the file holds operations of a release that this program no longer knows; start an older program on " +
            "the same file first, and let the cluster upgrade",
        StopReason.LogForked =>
            "the log of the cluster is not the one that this standby has run, for its replicas were restored from an " +
            "older state; make the standby's file anew with `format --standby`",
        _ => "unknown",
    };

}
