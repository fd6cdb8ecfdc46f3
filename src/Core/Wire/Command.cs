namespace Deterministic.Core.Wire;

/// <summary>What a message is. Numbers are on disk and on the wire: append only, never reuse a retired one (12, 21 to
/// 23).</summary>
public enum Command : byte
{
    Reserved = 0,
    Ping = 1,
    Pong = 2,
    PingClient = 3,
    PongClient = 4,
    Request = 5,
    Prepare = 6,
    PrepareOk = 7,
    Reply = 8,
    Commit = 9,
    ExitView = 10,
    JoinView = 11,
    GetView = 13,
    GetHeaders = 14,
    GetPrepare = 15,
    GetReply = 16,
    Headers = 17,
    Eviction = 18,
    GetBlocks = 19,
    Block = 20,
    View = 24,

    /// <summary>A client asks outside of the log.</summary>
    Read = 25,
    ReadReply = 26,
    ConfirmView = 27,
    ViewConfirmed = 28,

    /// <summary>A replica opens a connection to another one, see <see cref="HelloFields"/>.</summary>
    Hello = 29,

    /// <summary>Anybody asks a replica how it stands.</summary>
    GetStatus = 30,
    Status = 31,
}

/// <summary>Who may say what.</summary>
public static class CommandRights
{
    /// <summary>What a replica listens to from anybody who reaches it.</summary>
    public static bool IsFromClient(this Command command) =>
        command is Command.PingClient or Command.Request or Command.Read or Command.GetStatus;

    /// <summary>What a replica listens to only from one that has proved to be a replica of the cluster.</summary>
    public static bool IsFromReplica(this Command command) =>
        command is Command.Request || !(IsFromClient(command) || IsToClient(command) || command == Command.Hello);

    /// <summary>What a replica passes on as another has made it, so that the header names that one.</summary>
    public static bool IsPassedOn(this Command command) =>
        command is Command.Request or Command.Prepare or Command.Reply or Command.Block;

    /// <summary>What a standby says to the replicas: it asks, and vouches for nothing.</summary>
    public static bool IsFromStandby(this Command command) =>
        command is Command.Ping or Command.GetView or Command.GetHeaders or Command.GetPrepare or
            Command.GetReply or Command.GetBlocks;

    /// <summary>What a standby is told: the log, how far it is committed, and what it has asked for.</summary>
    public static bool IsToStandby(this Command command) =>
        command is Command.Prepare or Command.Commit or Command.View or Command.Headers or Command.Reply or
            Command.Block or Command.Pong;

    private static bool IsToClient(Command command) =>
        command is Command.PongClient or Command.Eviction or Command.ReadReply or Command.Status;
}

/// <summary>What a request asks for. Below 128 the log's own operations, from 128 on the state machine's.</summary>
public enum Operation : byte
{
    Reserved = 0,
    Root = 1,
    Register = 2,
    Reconfigure = 3,
    Pulse = 4,
    Upgrade = 5,
    Noop = 6,

    /// <summary>Requests of several clients in one entry.</summary>
    Group = 7,

    Write = 128,
    Query = 129,
    ListNamespaces = 130,
    Metadata = 131,
    Schema = 132,
    UpdateSchema = 133,
    DeleteNamespace = 134,

    /// <summary>Several state-machine operations in one message, run in order, each with its own reply part.</summary>
    Batch = 135,

    /// <summary>API keys, which the gateways in front of the cluster go by.</summary>
    CreateKey = 136,
    ListKeys = 137,
    RevokeKey = 138,

    /// <summary>How a query is carried out.</summary>
    Explain = 139,

    /// <summary>A new namespace that is what another one is.</summary>
    Branch = 140,
}

/// <summary>What the state machine's operations do.</summary>
public static class OperationKinds
{
    /// <summary>Whether it is one of the state machine's, alone or as a part of a batch.</summary>
    public static bool IsPart(this Operation operation) => operation.Reads() || operation.Writes();

    /// <summary>Whether it changes nothing. A batch does what its parts do.</summary>
    public static bool Reads(this Operation operation) => operation is Operation.Query or Operation.ListNamespaces
        or Operation.Metadata or Operation.Schema or Operation.ListKeys or Operation.Explain;

    /// <summary>Whether it may change something.</summary>
    public static bool Writes(this Operation operation) => operation is Operation.Write or Operation.UpdateSchema
        or Operation.DeleteNamespace or Operation.CreateKey or Operation.RevokeKey or Operation.Branch;
}

/// <summary>Why a primary refuses a client's session for good.</summary>
public enum EvictionReason : byte
{
    Reserved = 0,
    NoSession = 1,
    ReleaseTooLow = 2,
    ReleaseTooHigh = 3,
    InvalidOperation = 4,
    InvalidBody = 5,
    InvalidBodySize = 6,
    SessionTooLow = 7,
    SessionReleaseMismatch = 8,

    /// <summary>The replica is of another cluster, the one in the eviction's header.</summary>
    WrongCluster = 9,
}
