namespace Deterministic.Core.Model;

/// <summary>First two bytes of every reply of the state machine: 0, or why nothing was done. Append only. A reply with
/// an error carries u16 length and UTF-8 text that names the field, the limit and the value.</summary>
public enum ErrorCode : ushort
{
    Ok = 0,

    /// <summary>The bytes of the request do not decode; a client library's bug.</summary>
    Malformed = 1,

    /// <summary>A field's value is outside what it may be.</summary>
    InvalidArgument = 2,
    NamespaceNotFound = 3,
    NamespaceNameInvalid = 4,
    AttributeNotFound = 5,
    AttributeNotFilterable = 6,
    TypeMismatch = 7,
    DimensionMismatch = 8,
    NotFinite = 9,
    DistanceMetricMissing = 10,
    DistanceMetricMismatch = 11,
    DuplicateId = 12,
    LimitExceeded = 13,
    SchemaConflict = 14,

    /// <summary>The operator or option exists in the protocol but this release does not carry it out.</summary>
    NotSupported = 15,

    /// <summary>The state has reached the size that the cluster was formatted with; deletes still work.</summary>
    StateFull = 16,

    /// <summary>The answer does not fit into one message; ask for fewer rows or attributes.</summary>
    ReplyTooLarge = 17,

    /// <summary>Retry later: the replica is at a limit that passes.</summary>
    Busy = 18,
    KeyNotFound = 19,

    /// <summary>There is an API key of that id.</summary>
    KeyExists = 20,
}
