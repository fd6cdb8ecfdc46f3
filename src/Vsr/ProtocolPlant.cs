namespace Deterministic.Vsr;

/// <summary>Bugs of the protocol that tests plant, one at a time, to see that the checkers of the simulator catch
/// them.</summary>
internal enum ProtocolPlant : byte
{
    None = 0,

    /// <summary>An entry is acknowledged as soon as it is known.</summary>
    AcknowledgesEarly,

    /// <summary>In a change of view a damaged entry is said never to have been acknowledged.</summary>
    DeniesDamaged,

    /// <summary>A view is spoken of before it is durable.</summary>
    ForgetsView,

    /// <summary>The view whose log is held is not made durable.</summary>
    ForgetsLogView,

    /// <summary>The superblock does not say how the log of its view ended.</summary>
    ForgetsHead,

    /// <summary>The log is cut where a single replica denies an entry.</summary>
    TruncatesFreely,

    /// <summary>An entry is committed with one acknowledgement too few.</summary>
    ReplicationTooSmall,

    /// <summary>An entry is carried out, and its client answered, as soon as the primary has made it.</summary>
    AnswersBeforeCommit,

    /// <summary>The log of a view is decided with one replica too few.</summary>
    ViewChangeTooSmall,

    /// <summary>A request that was carried out is carried out again.</summary>
    RepeatsRequests,

    /// <summary>Entries are run though what lies between them and the head is not known to be one log.</summary>
    CommitsWithoutChain,

    /// <summary>What another view's primary says to be committed is taken for what the log has there.</summary>
    CommitsForeignLog,

    /// <summary>Entries of a primary of an earlier view are taken.</summary>
    AcceptsOldEntries,

    /// <summary>Acknowledgements given before a change of view count after it.</summary>
    KeepsAcknowledgements,

    /// <summary>After a start blocks are free before a quorum has the checkpoint.</summary>
    FreesAtStart,

    /// <summary>The sessions of the checkpoint are not taken at a start.</summary>
    DropsSessions,

    /// <summary>A replica that does not know where its log ends takes part all the same.</summary>
    SpeaksInDoubt,

    /// <summary>A primary goes on in its view after a crash.</summary>
    KeepsPrimacy,

    /// <summary>An entry has the time of the machine, even if that went back.</summary>
    TrustsClock,

    /// <summary>A strong read is answered though nobody has confirmed that the view still stands.</summary>
    SkipsConfirmation,

    /// <summary>A replica with a new disk takes part as if it had forgotten nothing.</summary>
    TrustsNewDisk,

    /// <summary>A replica with a new disk comes back in the view that the others are in.</summary>
    ReturnsToView,

    /// <summary>The release of the log rises with the software of the primary.</summary>
    UpgradesAlone,

    /// <summary>An entry is run with the newest release that the software knows.</summary>
    RunsNewestRelease,

    /// <summary>What a standby holds counts as what a replica holds.</summary>
    StandbyAcknowledges,

    /// <summary>A standby that was promoted takes part as if it had done all that the lost replica did.</summary>
    TrustsPromoted,

    Count,
}
