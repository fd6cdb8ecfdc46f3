using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;

namespace Deterministic.Tidy.Tests;

/// <summary>What a text must be like, as functions from the text to its violations.</summary>
internal static partial class TidyRules
{
    public const int FileLinesMax = 800;
    public const int MemberLinesMax = 70;
    public const int LineColumnsMax = 120;

    /// <summary>Who may refer to whom among the projects of src.</summary>
    public static readonly SortedDictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Core"] = [],
        ["Accel"] = ["Core"],
        ["Storage"] = ["Core"],
        ["StateMachine"] = ["Core", "Accel", "Storage"],
        ["Vsr"] = ["Core", "Storage"],
        ["Client"] = ["Core"],
        ["Gateway"] = ["Core", "Client"],
        ["Replica"] = ["Core", "Accel", "Storage", "StateMachine", "Vsr", "Client", "Gateway"],
        ["Simulator"] = ["Core", "Accel", "Storage", "StateMachine", "Vsr"],
    };

    public static List<string> Source(string path, string text)
    {
        List<string> violations = [];
        string[] lines = text.Split('\n');
        if (lines.Length - 1 > FileLinesMax) violations.Add($"{path}: {lines.Length - 1} lines");
        for (int i = 0; i < lines.Length; i++)
        {
            if (Unfinished().IsMatch(lines[i])) violations.Add($"{path}:{i + 1}: unfinished work");
        }
        foreach ((int line, int length) in SourceMembers.Of(SourceText.CodeOnly(text)))
        {
            if (length > MemberLinesMax) violations.Add($"{path}:{line}: a member of {length} lines");
        }
        return violations;
    }

    public static List<string> Columns(string path, string text)
    {
        List<string> violations = [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > LineColumnsMax) violations.Add($"{path}:{i + 1}: {lines[i].Length} columns");
        }
        return violations;
    }

    public static List<string> DeterministicSource(string path, string text) =>
        Find(path, text, DebugAssert(), "Debug.Assert is off in Release; use Check.That");

    public static List<string> TestSource(string path, string text)
    {
        List<string> violations = Find(path, text, Sleep(), "a test may not wait for time to pass");
        violations.AddRange(Find(path, text, Skip(), "a test may not be skipped"));
        return violations;
    }

    public static List<string> Document(string path, string text)
    {
        int headings = 0;
        bool fenced = false;
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal)) fenced = !fenced;
            else if (!fenced && line.StartsWith("# ", StringComparison.Ordinal)) headings++;
        }
        return headings == 1 ? [] : [$"{path}: {headings} headings of the first level"];
    }

    public static List<string> Project(string name, string text)
    {
        List<string> violations = [];
        if (!Arrows.TryGetValue(name, out string[]? allowed)) return [$"{name}: a project without an arrow rule"];
        foreach (Match match in ProjectReference().Matches(text))
        {
            string target = match.Groups[1].Value;
            if (Array.IndexOf(allowed, target) < 0) violations.Add($"{name} may not refer to {target}");
        }
        return violations;
    }

    /// <summary>Files none of whose types is named in any other file.</summary>
    public static List<string> DeadFiles(SortedDictionary<string, string> textByPath, Predicate<string> examined)
    {
        SortedDictionary<string, int> filesByWord = new(StringComparer.Ordinal);
        foreach (string text in textByPath.Values)
        {
            SortedSet<string> words = new(StringComparer.Ordinal);
            foreach (Match match in Word().Matches(SourceText.CodeOnly(text))) words.Add(match.Value);
            foreach (string word in words) filesByWord[word] = filesByWord.GetValueOrDefault(word) + 1;
        }
        List<string> dead = [];
        foreach ((string path, string text) in textByPath)
        {
            if (!examined(path)) continue;
            bool declares = false;
            bool used = false;
            foreach (Match match in Declaration().Matches(SourceText.CodeOnly(text)))
            {
                declares = true;
                string name = match.Groups[1].Value;
                used |= filesByWord[name] > 1
                    || name.EndsWith("Attribute", StringComparison.Ordinal)
                    && filesByWord.ContainsKey(name[..^"Attribute".Length]);
            }
            if (declares && !used) dead.Add($"{path}: nothing refers to its types");
        }
        return dead;
    }

    private static List<string> Find(string path, string text, Regex pattern, string what)
    {
        List<string> violations = [];
        string[] lines = SourceText.CodeOnly(text).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (pattern.IsMatch(lines[i])) violations.Add($"{path}:{i + 1}: {what}");
        }
        return violations;
    }

    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK|XX" + @"X)\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"\bDebug\s*\.\s*Assert\b")]
    private static partial Regex DebugAssert();

    [GeneratedRegex(@"\bThread\s*\.\s*Sleep\b|\bTask\s*\.\s*Delay\b")]
    private static partial Regex Sleep();

    [GeneratedRegex(@"\bSkip\s*=")]
    private static partial Regex Skip();

    [GeneratedRegex(@"<ProjectReference Include=""[^""]*?([A-Za-z]+)\.csproj""")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record)\s+(?:struct\s+|class\s+)?(\w+)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
