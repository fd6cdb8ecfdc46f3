using Deterministic.Core.Model;

namespace Deterministic.Gateway.Routes;

/// <summary>What a request to a route has to bring; a route that does not say wants what is about the whole cluster,
/// from an administrator.</summary>
internal sealed class RouteAccess
{
    /// <summary>Whoever reaches the port.</summary>
    public static readonly RouteAccess Open = new(KeyScopes.None) { IsOpen = true };

    /// <summary>Any key.</summary>
    public static readonly RouteAccess AnyKey = new(KeyScopes.All);
    public static readonly RouteAccess Read = new(KeyScopes.Read);
    public static readonly RouteAccess Write = new(KeyScopes.Write);

    /// <summary>What is told is not about namespaces of one prefix.</summary>
    public static readonly RouteAccess Cluster = new(KeyScopes.Admin) { IsOfCluster = true };

    private RouteAccess(KeyScopes scope) => Scope = scope;

    /// <summary>One of these is enough.</summary>
    public KeyScopes Scope { get; }

    public bool IsOpen { get; private init; }

    /// <summary>Wants a key of all namespaces.</summary>
    public bool IsOfCluster { get; private init; }
}
