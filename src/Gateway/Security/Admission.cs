using System;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Routes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Deterministic.Gateway.Security;

/// <summary>Lets those requests through that may be served: a token of a key, the scope that the route wants, a
/// namespace of the key's prefix, and no more of them than the key may send. All of it is decided without asking the
/// cluster.</summary>
/// <param name="keys">Null: any token will do.</param>
internal sealed class Admission(KeyRing? keys)
{
    private const string Bearer = "Bearer ";

    public async Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        RouteAccess access = context.GetEndpoint()?.Metadata.GetMetadata<RouteAccess>() ?? RouteAccess.Cluster;
        if (!access.IsOpen)
        {
            (Caller? caller, Refusal refusal) = Identify(context.Request.Headers.Authorization.ToString());
            refusal = caller is null ? refusal : Judge(caller, access, context.GetRouteValue(Router.NameKey) as string);
            if (refusal.Status != 0)
            {
                if (refusal.Status == 401) context.Response.Headers.WWWAuthenticate = "Bearer";
                await Answer.RefuseAsync(context, refusal).ConfigureAwait(false);
                return;
            }
            context.Features.Set(caller);
        }
        await next(context).ConfigureAwait(false);
    }

    /// <summary>The same words whether the namespace exists or not.</summary>
    public static RequestException NotFor(string name) => new(403, NotForText(name));

    public static RequestException WithoutScope(KeyScopes scope) => new(403, WithoutScopeText(scope));

    private (Caller? Caller, Refusal Refusal) Identify(string authorization)
    {
        if (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            || authorization.AsSpan(Bearer.Length).IsWhiteSpace())
            return (null, new Refusal(401, "the header `Authorization: Bearer <API key>` is missing"));
        if (keys is null) return (Caller.Anyone, default);
        if (keys.Current is not KeySet current)
            return (null, new Refusal(503, "the API keys of the cluster cannot be read now; try again later"));
        Caller? caller = current.Find(authorization.AsSpan(Bearer.Length).Trim());
        return (caller, caller is null ? new Refusal(401, "the API key is not valid") : default);
    }

    private static Refusal Judge(Caller caller, RouteAccess access, string? name)
    {
        if (caller.Bucket?.TryTake() == false)
        {
            uint most = caller.Bucket.PerSecond;
            return new Refusal(429, $"this API key may send {most} requests a second, which it has; try again later");
        }
        if (!caller.May(access.Scope)) return new Refusal(403, WithoutScopeText(access.Scope));
        if (access.IsOfCluster && caller.Prefix.Length > 0)
            return new Refusal(403, "this API key is for some namespaces only, not for the cluster");
        return name is null || caller.Sees(name) ? default : new Refusal(403, NotForText(name));
    }

    private static string NotForText(string name) => $"this API key is not for namespace '{name}'";

    private static string WithoutScopeText(KeyScopes scope) =>
        $"this API key has not the scope `{KeyScopeNames.Of(scope)}`";
}
