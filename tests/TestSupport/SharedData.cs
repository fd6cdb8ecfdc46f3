using System;
using System.IO;

namespace Deterministic.TestSupport;

/// <summary>Large public data that the repository does not carry: word lists, histories, vectors. A test that wants
/// them must say when they are not there.</summary>
public static class SharedData
{
    /// <summary>The folder named by the environment, or <c>shared/data</c> beside a folder above the tests; null if
    /// there is none.</summary>
    public static string? Folder { get; } = Find();

    private static string? Find()
    {
        string? named = Environment.GetEnvironmentVariable("DETERMINISTIC_SHARED");
        if (named is not null) return Path.Combine(named, "data");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string candidate = Path.Combine(at.FullName, "shared", "data");
            if (Directory.Exists(candidate)) return candidate;
        }
        return null;
    }
}
