using System;
using System.Collections.Generic;
using System.IO;
using Deterministic.TestSupport;
using Xunit;

namespace Deterministic.Tidy.Tests;

/// <summary>The third net: habits that neither the compiler nor the scan of assemblies can see.</summary>
public sealed class TidyTests
{
    private static readonly string[] CodeFolders = ["src", "tests", "fuzz", "bench"];
    private static readonly string[] DeterministicFolders =
        ["src/Core", "src/Accel", "src/Storage", "src/StateMachine", "src/Vsr", "src/Simulator"];

    [Fact]
    public void SourceFilesKeepTheirSizes() =>
        AssertNone(Repository.Files(CodeFolders, ".cs"), TidyRules.Source);

    [Fact]
    public void LinesFit() => AssertNone(Repository.Files(CodeFolders, ".cs"), TidyRules.Columns);

    [Fact]
    public void DeterministicSourcesAssertWithCheck() =>
        AssertNone(Repository.Files(DeterministicFolders, ".cs"), TidyRules.DeterministicSource);

    [Fact]
    public void TestsDoNotSleepOrSkip() => AssertNone(Repository.Files(["tests"], ".cs"), TidyRules.TestSource);

    [Fact]
    public void ADocumentHasOneTitle()
    {
        List<string> documents = Repository.Files(["docs"], ".md");
        documents.AddRange(Directory.GetFiles(Repository.Root, "*.md"));
        AssertNone(documents, TidyRules.Document);
    }

    [Fact]
    public void ProjectsFollowTheArrows()
    {
        List<string> projects = Repository.Files(["src"], ".csproj");
        Assert.Equal(TidyRules.Arrows.Count, projects.Count);
        AssertNone(projects, (path, text) => TidyRules.Project(Path.GetFileNameWithoutExtension(path), text));
    }

    [Fact]
    public void NoFileIsDead()
    {
        SortedDictionary<string, string> texts = new(StringComparer.Ordinal);
        foreach (string path in Repository.Files(CodeFolders, ".cs")) texts[path] = File.ReadAllText(path);
        List<string> dead = TidyRules.DeadFiles(texts, path =>
            path.StartsWith(Path.Combine(Repository.Root, "src"), StringComparison.Ordinal));
        Assert.True(dead.Count == 0, string.Join('\n', dead));
    }

    [Fact]
    public void APlantedLongFileIsCaught() =>
        Assert.Contains("a.cs: 801 lines", TidyRules.Source("a.cs", new string('\n', 801)));

    [Fact]
    public void APlantedLongLineIsCaught() =>
        Assert.Contains("a.cs:2: 121 columns", TidyRules.Columns("a.cs", "\n" + new string('x', 121)));

    [Fact]
    public void APlantedLongMethodIsCaughtAndALongTypeIsNot()
    {
        string body = string.Concat(System.Linq.Enumerable.Repeat("        Call(\"}\"); // }\n", 68));
        string fits = "class A\n{\n    void B()\n    {\n" + body[..^1] + "\n    }\n}\n";
        Assert.Contains("a.cs:3: a member of 71 lines", TidyRules.Source("a.cs", fits));
        string shorter = fits.Replace("        Call(\"}\"); // }\n    }\n}", "    }\n}", StringComparison.Ordinal);
        Assert.Empty(TidyRules.Source("a.cs", shorter));
    }

    [Fact]
    public void PlantedUnfinishedWorkIsCaught() =>
        Assert.Contains("a.cs:1: unfinished work", TidyRules.Source("a.cs", "// TO" + "DO later"));

    [Fact]
    public void APlantedDebugAssertIsCaught() =>
        Assert.Single(TidyRules.DeterministicSource("a.cs", "// Debug.Assert(x)\nDebug.Assert(true);"));

    [Fact]
    public void APlantedSleepIsCaught() =>
        Assert.Equal(2, TidyRules.TestSource("a.cs", "Thread.Sleep(1);\n\"Thread.Sleep\";\nTask.Delay(1);").Count);

    [Fact]
    public void APlantedSkipIsCaught() => Assert.Single(TidyRules.TestSource("a.cs", "[Fact(Skip = \"slow\")]"));

    [Fact]
    public void APlantedSecondTitleIsCaughtAndAFencedOneIsNot()
    {
        Assert.Single(TidyRules.Document("a.md", "# A\n# B\n"));
        Assert.Single(TidyRules.Document("a.md", "text\n"));
        Assert.Empty(TidyRules.Document("a.md", "# A\n```\n# comment\n```\n"));
    }

    [Fact]
    public void APlantedArrowIsCaught()
    {
        const string reference = "<ProjectReference Include=\"../StateMachine/StateMachine.csproj\" />";
        Assert.Contains("Vsr may not refer to StateMachine", TidyRules.Project("Vsr", reference));
        Assert.Empty(TidyRules.Project("Simulator", reference));
        Assert.Single(TidyRules.Project("Unheard", reference));
    }

    [Fact]
    public void APlantedDeadFileIsCaught()
    {
        SortedDictionary<string, string> texts = new(StringComparer.Ordinal)
        {
            ["a.cs"] = "class Used;", ["b.cs"] = "// Dead\nclass Other : Used;", ["c.cs"] = "class Dead { Other o; }",
        };
        Assert.Equal(["c.cs: nothing refers to its types"], TidyRules.DeadFiles(texts, _ => true));
    }

    private static void AssertNone(List<string> files, Func<string, string, List<string>> rule)
    {
        List<string> violations = [];
        foreach (string file in files)
            violations.AddRange(rule(Path.GetRelativePath(Repository.Root, file), File.ReadAllText(file)));
        Assert.NotEmpty(files);
        Assert.True(violations.Count == 0, string.Join('\n', violations));
    }
}
