using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Deterministic.TestSupport;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>The commands that documents show, as they would be pasted into a shell.</summary>
internal static partial class CurlExamples
{
    private const string Indent = "    ";

    /// <summary>All that begin with curl, each with the lines that its quotes take, and the document that has
    /// it.</summary>
    public static IEnumerable<(string Document, string Command)> All() =>
        Documents().SelectMany(path => Of(File.ReadAllText(path)), static (path, command) => (path, command));

    /// <summary>Those of one document: from a line of code that begins with curl to where its quotes are closed and
    /// nothing goes on.</summary>
    public static IEnumerable<string> Of(string document)
    {
        string? command = null;
        foreach (string line in document.Split('\n'))
        {
            if (command is null && !Start().IsMatch(line)) continue;
            string code = line.StartsWith(Indent, StringComparison.Ordinal) ? line[Indent.Length..] : line;
            command = command is null ? code : $"{command}\n{code}";
            if (command.Count(static sign => sign == '\'') % 2 == 1 || command.EndsWith('\\')) continue;
            yield return command;
            command = null;
        }
        if (command is not null) yield return command;
    }

    private static IEnumerable<string> Documents() =>
    [
        Path.Combine(Repository.Root, "README.md"),
        .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Order(StringComparer.Ordinal),
    ];

    [GeneratedRegex(@"^( {4})?curl ")]
    private static partial Regex Start();
}
