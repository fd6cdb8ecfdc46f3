using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>A line of a scenario, its words and where it stands.</summary>
internal sealed record ScenarioStep(string File, int Line, string Text)
{
    public string[] Words { get; } = Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public override string ToString() => $"{File} line {Line}: {Text}";
}

/// <summary>Steps for a cluster under a name that says what they show. <see cref="ScenarioRun"/> says what steps there
/// are. In a file each scenario begins with a line <c>scenario NAME</c>; a line that starts with # is a
/// comment.</summary>
internal sealed record Scenario(string Name, IReadOnlyList<ScenarioStep> Steps)
{
    private const string Start = "scenario ";

    /// <summary>All scenarios of the files in this folder, by name.</summary>
    public static SortedDictionary<string, Scenario> All()
    {
        SortedDictionary<string, Scenario> all = new(StringComparer.Ordinal);
        foreach (string resource in typeof(Scenario).Assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            using StreamReader reader = new(typeof(Scenario).Assembly.GetManifestResourceStream(resource)!);
            string file = resource[(typeof(Scenario).Namespace!.Length + 1)..];
            foreach (Scenario scenario in Read(file, reader.ReadToEnd()))
                if (!all.TryAdd(scenario.Name, scenario)) throw Problem(scenario.Steps[0], "another has this name");
        }
        return all;
    }

    /// <summary>The scenarios of a file. One that expects nothing shows nothing and is refused.</summary>
    public static List<Scenario> Read(string file, string text)
    {
        List<Scenario> scenarios = [];
        List<ScenarioStep> steps = [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Trim();
            if (line.Length == 0 || line[0] == '#') continue;
            ScenarioStep step = new(file, i + 1, line);
            if (line.StartsWith(Start, StringComparison.Ordinal))
            {
                steps = [];
                scenarios.Add(new Scenario(line[Start.Length..].Trim(), steps));
            }
            if (scenarios.Count == 0) throw Problem(step, "no scenario has begun");
            steps.Add(step);
        }
        foreach (Scenario scenario in scenarios)
        {
            bool expects = scenario.Steps.Any(step => step.Words[0] == "expect");
            if (!expects) throw Problem(scenario.Steps[0], "expects nothing");
        }
        return scenarios;
    }

    public static ScenarioException Problem(ScenarioStep step, string text, Exception? inner = null) =>
        new($"{step}\n{text}", inner);
}

/// <summary>A scenario that cannot be read, or did not go as it says; the text names the line.</summary>
internal sealed class ScenarioException(string text, Exception? inner = null) : Exception(text, inner);
