using System;
using System.Collections.Generic;
using Deterministic.Core.Model;

namespace Deterministic.Gateway.Security;

/// <summary>Scopes as people write them: `read,write`.</summary>
public static class KeyScopeNames
{
    private static readonly (KeyScopes Scope, string Name)[] All =
        [(KeyScopes.Read, "read"), (KeyScopes.Write, "write"), (KeyScopes.Admin, "admin")];

    public static string Of(KeyScopes scopes) => string.Join(',', List(scopes));

    public static IEnumerable<string> List(KeyScopes scopes)
    {
        foreach ((KeyScopes scope, string name) in All)
            if ((scopes & scope) != 0) yield return name;
    }

    /// <summary>False if a word is none of the scopes, or there is none.</summary>
    public static bool TryParse(string text, out KeyScopes scopes)
    {
        scopes = KeyScopes.None;
        foreach (string word in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int index = Array.FindIndex(All, one => one.Name == word);
            if (index < 0) return false;
            scopes |= All[index].Scope;
        }
        return true;
    }
}
