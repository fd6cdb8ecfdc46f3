using System;
using System.Diagnostics;
using System.IO;
using Xunit;

namespace Deterministic.Simulator.Tests;

/// <summary>One seed, processes that the runtime compiles for different machines, one hash.</summary>
public sealed class DeterminismTests
{
    private const string Seed = "11";

    [Fact]
    public void The_machine_and_the_compiler_do_not_change_a_run()
    {
        string expected = HashOf("", "");
        Assert.StartsWith("hash ", expected, StringComparison.Ordinal);
        string[] switches =
        [
            "DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic", "DOTNET_TieredCompilation",
        ];
        foreach (string name in switches) Assert.Equal(expected, HashOf(name, "0"));
    }

    /// <summary>The line that a process of its own prints.</summary>
    private static string HashOf(string variable, string value)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "simulator.dll"));
        start.ArgumentList.Add(Seed);
        if (variable.Length > 0) start.Environment[variable] = value;
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
        foreach (string line in output.Split('\n'))
        {
            if (line.StartsWith("hash ", StringComparison.Ordinal)) return line;
        }
        return output;
    }
}
