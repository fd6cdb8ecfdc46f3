namespace Deterministic.Gateway.Routes;

/// <summary>What a request to a route has to bring; without it a route wants a token.</summary>
internal sealed class RouteAccess
{
    /// <summary>Whoever reaches the port.</summary>
    public static readonly RouteAccess Open = new();
}
