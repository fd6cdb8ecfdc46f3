using System.Text.RegularExpressions;
using Deterministic.Core;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>What may be the name of a namespace.</summary>
internal static partial class NamespaceName
{
    /// <exception cref="RequestException">With turbopuffer's plain text.</exception>
    public static void CheckPath(string name)
    {
        if (name.Length > Limits.NamespaceNameSizeMax)
        {
            throw RequestException.InvalidUrl(
                $"Namespace is too long, limit is currently {Limits.NamespaceNameSizeMax} characters");
        }
        if (!IsValid(name))
            throw RequestException.InvalidUrl("Namespace contains invalid characters, must be [A-Za-z0-9-_.]");
    }

    public static bool IsValid(string name) => name.Length <= Limits.NamespaceNameSizeMax && Name().IsMatch(name);

    [GeneratedRegex(@"\A[A-Za-z0-9\-_.]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Name();
}
