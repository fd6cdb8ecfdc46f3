namespace Deterministic.Core.Randomness;

/// <summary>Who draws from a tape. Each has a stream of its own, so that one more draw here changes nothing there.
/// Numbers are in saved tapes: append only.</summary>
public enum TapeConsumer : byte
{
    /// <summary>Sizes, rates and switches of a whole run, drawn before it starts.</summary>
    Parameters = 0,

    /// <summary>What happens next, when several things could.</summary>
    Schedule = 1,
    Disk = 2,
    DiskFaults = 3,
    Network = 4,
    Clock = 5,
    Crashes = 6,

    /// <summary>When and how clients call.</summary>
    Clients = 7,

    /// <summary>The requests: schemas, documents, filters, queries.</summary>
    Workload = 8,
    ObjectStore = 9,

    /// <summary>Structure of a fuzzer's input.</summary>
    Input = 10,

    /// <summary>Damage done to an input that was valid.</summary>
    Mutation = 11,

    /// <summary>The second machine that runs the same log.</summary>
    Twin = 12,

    /// <summary>When and how readers outside of the log ask.</summary>
    Reads = 13,

    /// <summary>Which machine of a cluster loses its disk, and when.</summary>
    Replacements = 14,

    /// <summary>When replicas get other software.</summary>
    Releases = 15,

    /// <summary>How many standbys there are, and what happens to them alone.</summary>
    Standbys = 16,

    Count = 17,
}
