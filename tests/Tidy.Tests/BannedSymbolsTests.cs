using System;
using System.Diagnostics;
using System.IO;
using Deterministic.TestSupport;
using Xunit;

namespace Deterministic.Tidy.Tests;

/// <summary>The first net: the analyzer of banned symbols, as the properties of this repository switch it on.</summary>
public sealed class BannedSymbolsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("planted").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void APlantedUseOfEachBannedSymbolIsAnErrorInADeterministicProject()
    {
        string[] planted =
        [
            "System.DateTime.UtcNow.Ticks", "System.Environment.TickCount64", "new System.Random(1).Next()",
            "System.Guid.NewGuid().ToByteArray()[0]", "System.Math.Log(x)", "System.MathF.Exp(1f)",
            "double.Pow(x, x)", "double.FusedMultiplyAdd(x, x, x)",
            "System.HashCode.Combine(1, 2)", "\"a\".GetHashCode()",
            "new System.Collections.Generic.Dictionary<int, int>().Count",
            "new System.Collections.Generic.HashSet<int>().Count",
            "System.Threading.Volatile.Read(ref Field)", "System.Linq.Enumerable.Count(new int[1])",
            "System.IO.File.ReadAllBytes(\"a\").Length", "System.Numerics.Vector<int>.Count",
            "System.Diagnostics.Stopwatch.GetTimestamp()", "System.Buffers.ArrayPool<byte>.Shared.Rent(1).Length",
        ];
        string output = Compile(planted, out int exitCode);
        Assert.NotEqual(0, exitCode);
        for (int i = 0; i < planted.Length; i++)
        {
            bool caught = output.Contains($"Line{i}.cs(1,", StringComparison.Ordinal);
            Assert.True(caught, $"not caught: {planted[i]}\n{output}");
        }
        Assert.Contains("error RS0030", output, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsAllowedCompiles()
    {
        string output = Compile(["double.Sqrt(x)", "System.BitConverter.DoubleToInt64Bits(x)"], out int exitCode);
        Assert.True(exitCode == 0, output);
    }

    private string Compile(string[] expressions, out int exitCode)
    {
        for (int i = 0; i < expressions.Length; i++)
        {
            File.WriteAllText(
                Path.Combine(_folder, $"Line{i}.cs"),
                $"public sealed class C{i} {{ public int Field; public object Run(double x) => {expressions[i]}; }}\n");
        }
        string project = Path.Combine(_folder, "Planted.csproj");
        File.WriteAllText(project, """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <DeterministicCore>true</DeterministicCore>
              </PropertyGroup>
            </Project>
            """);
        ProcessStartInfo start = new("dotnet") { WorkingDirectory = _folder, RedirectStandardOutput = true };
        string[] arguments =
        [
            "build", project, "-nologo", "-v", "q", "-nodeReuse:false", "-p:UseSharedCompilation=false",
            "-p:RestorePackagesWithLockFile=false", "-p:RestoreLockedMode=false",
            $"-p:DirectoryBuildPropsPath={Repository.Root}/Directory.Build.props",
            $"-p:DirectoryBuildTargetsPath={Repository.Root}/Directory.Build.targets",
            $"-p:DirectoryPackagesPropsPath={Repository.Root}/Directory.Packages.props",
        ];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        exitCode = process.ExitCode;
        return output;
    }
}
