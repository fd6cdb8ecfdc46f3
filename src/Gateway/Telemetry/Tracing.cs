using System.Diagnostics;

namespace Deterministic.Gateway.Telemetry;

/// <summary>Spans of requests and of the calls to the cluster within them.</summary>
internal static class Tracing
{
    public const string SourceName = "Deterministic.Gateway";

    public static readonly ActivitySource Source = new(SourceName);
}
