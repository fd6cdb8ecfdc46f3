using System;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>Everything that a client reports on purpose; the message says what happened and what to do.</summary>
public abstract class ClientException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The database refused the request (or the client did, before sending): nothing was changed.</summary>
public class DeterministicException(ErrorCode code, string message) : ClientException(message)
{
    public ErrorCode Code { get; } = code;
}

/// <summary>No replica could be reached before the request was sent: nothing was changed.</summary>
public sealed class ConnectionException(string message, Exception? inner = null) : ClientException(message, inner);

/// <summary>The cluster ended this session. Whether the request took effect is unknown; the next call gets a new
/// session.</summary>
public sealed class SessionEvictedException(EvictionReason reason)
    : ClientException($"the cluster ended this client's session ({Explain(reason)}); " +
        "whether the request took effect is unknown, the next call starts a new session")
{
    public EvictionReason Reason { get; } = reason;

    private static string Explain(EvictionReason reason) => reason switch
    {
        EvictionReason.NoSession => "no session: more clients than the cluster holds sessions, or another data file",
        EvictionReason.ReleaseTooLow => "this client's release is too old, upgrade the client",
        EvictionReason.ReleaseTooHigh => "this client's release is newer than the cluster's, upgrade that first",
        EvictionReason.InvalidOperation => "the replica does not know the operation",
        EvictionReason.InvalidBody => "the replica could not decode the request",
        EvictionReason.InvalidBodySize => "the size of the request does not fit its operation",
        EvictionReason.SessionTooLow => "another session with this client's id is newer",
        EvictionReason.SessionReleaseMismatch => "the session belongs to another release",
        EvictionReason.WrongCluster => "the replica belongs to another cluster",
        _ => $"reason {(byte)reason}",
    };
}

/// <summary>No answer in time. The request may have taken effect or may still do so.</summary>
public sealed class RequestTimeoutException(string message) : ClientException(message);
