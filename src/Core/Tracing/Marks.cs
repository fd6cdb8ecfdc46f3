namespace Deterministic.Core.Tracing;

/// <summary>A rare path that a test wants to know was really run. Append only.</summary>
public enum Mark : byte
{
    /// <summary>A prepare in the journal was half written.</summary>
    JournalTorn = 0,

    /// <summary>A slot of the journal was found damaged though it had been whole.</summary>
    JournalCorrupt = 1,

    /// <summary>The header ring was repaired from the prepares.</summary>
    JournalHeaderRepaired = 2,

    /// <summary>A slot was written for the second time.</summary>
    JournalWrapped = 3,

    /// <summary>The log after the last checkpoint was run again on opening.</summary>
    JournalReplayed = 4,

    /// <summary>The end of the log was cut because it had never been acknowledged.</summary>
    JournalTruncated = 5,
    SuperblockRepaired = 6,

    /// <summary>Copies of the superblock of different age were found: a write had not come to its end.</summary>
    SuperblockTorn = 7,
    CheckpointWritten = 8,

    /// <summary>On opening the log had reached a checkpoint that was not durable.</summary>
    CheckpointInterrupted = 9,
    SessionRegistered = 10,
    SessionEvicted = 11,

    /// <summary>A request that had been answered came again and got the stored reply.</summary>
    DuplicateAnswered = 12,

    /// <summary>A request came again while it was in the pipeline.</summary>
    DuplicateInFlight = 13,
    ReplyRepaired = 14,
    PipelineFull = 15,
    PoolExhausted = 16,

    /// <summary>The clock of the machine went back; the log's time did not.</summary>
    ClockWentBack = 17,
    MessageInvalid = 18,
    PrefetchWaited = 19,

    /// <summary>A write was refused because the state is full.</summary>
    StateFull = 20,
    ReplyTooLarge = 21,
    NamespaceCollected = 22,

    ViewChanged = 23,
    PrimarySuspected = 24,

    /// <summary>The end of the log was cut in a change of view.</summary>
    LogTruncated = 25,

    /// <summary>An entry that may have been committed is nowhere to be found.</summary>
    LogLost = 26,

    /// <summary>An entry came before others that had to be repaired.</summary>
    LogGap = 27,
    PrepareRepaired = 28,

    /// <summary>A replica of a cluster opened without knowing where its log ends.</summary>
    HeadUncertain = 29,

    /// <summary>A replica asked others for a block that its disk lacks.</summary>
    BlockRepaired = 30,

    /// <summary>A replica took a checkpoint from others, for the log did not reach back to its own.</summary>
    CheckpointTaken = 31,

    /// <summary>Every block of a checkpoint that was taken is here.</summary>
    CheckpointComplete = 32,

    /// <summary>A primary that could not go on made way for another.</summary>
    PrimaryAbdicated = 33,

    /// <summary>A quorum has said that the primary's view stands.</summary>
    ViewConfirmed = 34,
    ReadsFull = 35,

    /// <summary>A replica's state was older than a stale read allowed.</summary>
    ReadTooOld = 36,

    /// <summary>A damaged slot of the journal that held nothing of the log was emptied.</summary>
    JournalSlotCleaned = 37,

    /// <summary>Requests of several clients went into the log as one entry.</summary>
    RequestsGrouped = 38,

    /// <summary>The log went on with another release of the state machine.</summary>
    ReleaseEntered = 39,

    Count = 40,
}

/// <summary>Counts how often each <see cref="Mark"/> was hit. One per replica or run, handed to those who hit; there is
/// no global one.</summary>
public sealed class Marks
{
    private readonly ulong[] _counts = new ulong[(int)Mark.Count];

    public void Hit(Mark mark)
    {
        Check.That(mark < Mark.Count);
        _counts[(int)mark]++;
    }

    public ulong Count(Mark mark)
    {
        Check.That(mark < Mark.Count);
        return _counts[(int)mark];
    }

    /// <summary>Adds the counts of another run.</summary>
    public void Add(Marks other)
    {
        for (int i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
    }
}
