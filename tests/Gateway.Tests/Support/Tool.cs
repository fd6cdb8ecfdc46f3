using System;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>Programs that are not part of .NET and that some tests need: where one is missing its tests check nothing
/// and say so, unless DETERMINISTIC_TOOLS_REQUIRED names it (names separated by commas): then they fail.</summary>
internal static class Tool
{
    private const string RequiredVariable = "DETERMINISTIC_TOOLS_REQUIRED";

    /// <summary>Says what was not checked.</summary>
    /// <param name="name">Of the program: node, chromium or curl.</param>
    /// <param name="unchecked">What was not done.</param>
    /// <param name="output">Of the test.</param>
    public static void IsMissing(string name, string @unchecked, ITestOutputHelper output)
    {
        string required = Environment.GetEnvironmentVariable(RequiredVariable) ?? "";
        Assert.False(IsAmong(name, required), $"{name} is required here, but {@unchecked}");
        output.WriteLine(@unchecked);
    }

    public static bool IsAmong(string name, string names) =>
        Array.IndexOf(names.Split(',', StringSplitOptions.TrimEntries), name) >= 0;
}
