using System;
using Deterministic.Core.Model;

namespace Deterministic.Gateway.Security;

/// <summary>Who sends a request, and what that one may do.</summary>
/// <param name="key">As the cluster has it.</param>
/// <param name="bucket">Null if its requests are not limited.</param>
internal sealed class Caller(ApiKey key, TokenBucket? bucket)
{
    /// <summary>Whoever reaches a gateway in development.</summary>
    public static readonly Caller Anyone = new(new ApiKey { Id = "", Hash = [], Scopes = KeyScopes.All }, null);

    public string Id => key.Id;
    public ReadOnlySpan<byte> Hash => key.Hash;
    public TokenBucket? Bucket => bucket;

    /// <summary>What the names of all namespaces that it may know of begin with.</summary>
    public string Prefix => key.Prefix;

    public bool May(KeyScopes scope) => (key.Scopes & (scope | KeyScopes.Admin)) != 0;

    /// <summary>Whether a namespace is its business. What else there is it cannot find out, so it is answered without
    /// asking whether it exists.</summary>
    public bool Sees(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Of the names that begin with <paramref name="prefix"/>, those that it may know of all begin with the
    /// result; null if there are none.</summary>
    public string? Narrow(string prefix)
    {
        if (Sees(prefix)) return prefix;
        return Prefix.StartsWith(prefix, StringComparison.Ordinal) ? Prefix : null;
    }
}
