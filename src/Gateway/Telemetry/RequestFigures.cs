namespace Deterministic.Gateway.Telemetry;

/// <summary>What one request has moved so far; a feature of its context.</summary>
internal sealed class RequestFigures
{
    /// <summary>Of the request's body, decompressed.</summary>
    public long BytesIn { get; set; }

    /// <summary>Of the answer's body, as it was sent.</summary>
    public long BytesOut { get; set; }

    /// <summary>Whether all of the answer has been handed to the connection.</summary>
    public bool IsAnswered { get; set; }
}
