using System;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Deterministic.TestSupport;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Gateway.Tests.Conformance;

/// <summary>turbopuffer's own client, from npm, against a gateway: the tests are in tests/Gateway.Conformance. Without
/// node, or without a way to fetch the client, they say so and check nothing.</summary>
[Collection(RunningGateway.Collection)]
public sealed class ConformanceTests(RunningGateway gateway, ITestOutputHelper output)
{
    private const int TestsLeast = 59;

    [Fact]
    public async Task TheOfficialClientWorksUnchanged()
    {
        string folder = Path.Combine(Repository.Root, "tests", "Gateway.Conformance");
        if (await RunAsync(folder, "node", "--version") is null)
        {
            Tool.IsMissing(
                "node", "node is not installed: the official client was not run against the gateway", output);
            return;
        }
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "@turbopuffer", "turbopuffer"))
            && await RunAsync(folder, "npm", "ci", "--no-audit", "--no-fund") is not (0, _))
        {
            Tool.IsMissing(
                "node", "npm cannot fetch the official client: it was not run against the gateway", output);
            return;
        }
        (int code, string said) = (await RunAsync(folder, "node", "--test", "--test-reporter=tap"))!.Value;
        output.WriteLine(said);
        Assert.True(code == 0, said);
        Assert.Contains("# fail 0", said, StringComparison.Ordinal);
        int at = said.IndexOf("# pass ", StringComparison.Ordinal) + "# pass ".Length;
        Assert.True(int.Parse(said.AsSpan(at, said.IndexOf('\n', at) - at)) >= TestsLeast, said);
    }

    /// <summary>Exit code and output; null if there is no such program.</summary>
    private async Task<(int Code, string Output)?> RunAsync(string folder, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["TURBOPUFFER_BASE_URL"] = gateway.Url;
        try
        {
            using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string said = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return (process.ExitCode, said + await errors);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
