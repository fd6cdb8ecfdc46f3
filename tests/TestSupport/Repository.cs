using System;
using System.Collections.Generic;
using System.IO;

namespace Deterministic.TestSupport;

/// <summary>The source tree that the tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Paths of all files below <paramref name="folders"/> with one of the endings, in ordinal order, without
    /// what builds leave behind.</summary>
    public static List<string> Files(string[] folders, params string[] endings)
    {
        List<string> files = [];
        foreach (string folder in folders)
        {
            string path = Path.Combine(Root, folder);
            if (!Directory.Exists(path)) continue;
            files.AddRange(Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories));
        }
        files.RemoveAll(file =>
            !Array.Exists(endings, file.EndsWith)
            || file.Contains("/bin/", StringComparison.Ordinal) || file.Contains("/obj/", StringComparison.Ordinal));
        files.Sort(StringComparer.Ordinal);
        return files;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Deterministic.sln"))) return at.FullName;
        }
        throw new DirectoryNotFoundException("no folder with Deterministic.sln above " + AppContext.BaseDirectory);
    }
}
