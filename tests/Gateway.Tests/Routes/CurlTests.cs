using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Gateway.Tests.Routes;

/// <summary>What the documents show works when it is pasted: all commands with curl, by a shell, in their order,
/// against a real cluster.</summary>
[Collection(RunningGateway.Collection)]
public sealed class CurlTests(RunningGateway gateway, ITestOutputHelper output)
{
    /// <summary>Where the documents say that a gateway listens.</summary>
    private const string Shown = "http://127.0.0.1:8080";
    private const int ExamplesLeast = 4;

    [Fact]
    public async Task EveryCommandThatIsShownWorks()
    {
        (string Document, string Command)[] examples = [.. CurlExamples.All()];
        Assert.True(examples.Length >= ExamplesLeast, $"only {examples.Length} commands with curl are shown");
        if (!await IsThereAsync())
        {
            Tool.IsMissing("curl", "curl is not installed: the documents' commands were not run", output);
            return;
        }
        foreach ((string document, string command) in examples)
        {
            Assert.True(command.Contains(Shown, StringComparison.Ordinal), $"{document}: asks elsewhere: {command}");
            string here = command.Replace(Shown, gateway.Url, StringComparison.Ordinal);
            // A refusal ends a command with a code of its own; its text is shown all the same.
            (int code, string said) = await RunAsync(here.Replace("curl ", "curl --fail-with-body ",
                StringComparison.Ordinal));
            output.WriteLine($"{command}\n{said}\n");
            Assert.True(code == 0, $"{document}: {command}\nended with {code}: {said}");
            JsonObject answer = JsonNode.Parse(said)!.AsObject();
            Assert.True(answer["status"] is null || (string?)answer["status"] == "OK", said);
        }
    }

    /// <summary>What the README's queries promise.</summary>
    [Fact]
    public async Task TheAnswersOfTheReadmeAreThoseOfItsRows()
    {
        if (!await IsThereAsync())
        {
            Tool.IsMissing("curl", "curl is not installed: the documents' commands were not run", output);
            return;
        }
        string[] commands = [.. CurlExamples.All().Select(static one => one.Command)
            .Where(static command => command.Contains("/birds", StringComparison.Ordinal))
            .Select(command => command.Replace(Shown, gateway.Url, StringComparison.Ordinal))];
        Assert.Equal(3, commands.Length);
        Assert.Equal(2, (int?)JsonNode.Parse((await RunAsync(commands[0])).Output)!["rows_affected"]);
        JsonNode nearest = JsonNode.Parse((await RunAsync(commands[1])).Output)!["rows"]!;
        Assert.Equal("Atlantic puffin", (string?)Assert.Single(nearest.AsArray())!["name"]);
        JsonNode fused = JsonNode.Parse((await RunAsync(commands[2])).Output)!["results"]![0]!["rows"]!;
        Assert.Equal(2, fused.AsArray().Count);
    }

    [Fact]
    public void ACommandGoesOnToWhereItsQuotesEnd()
    {
        const string document = """
            Text with curl in it.

                curl -s http://a -d '{
                  "x": 1 }'

                curl -s \
                  http://b
                deterministic start
            """;
        Assert.Equal(["curl -s http://a -d '{\n  \"x\": 1 }'", "curl -s \\\n  http://b"], CurlExamples.Of(document));
    }

    private static async Task<bool> IsThereAsync()
    {
        try
        {
            return (await RunAsync("curl --version")).Code == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static async Task<(int Code, string Output)> RunAsync(string command)
    {
        ProcessStartInfo start = new("sh", ["-c", command])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using System.Diagnostics.Process process = System.Diagnostics.Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said + await errors);
    }
}
