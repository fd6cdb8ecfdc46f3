using System;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Replica.Tests.Process;

/// <summary>What <c>load</c> prints, to its end and when it is interrupted.</summary>
public sealed class LoadTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("deterministic-load-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ALoadSaysHowMuchAndHowFastAndDrawsNoBarIntoAFile()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync();
        string path = Path.Combine(_folder, "three.jsonl");
        File.WriteAllText(path, "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
        CommandResult result = await CommandResult.RunAsync(
            "load", "-n", "n", "--addresses", replica.Address.ToString(), "--cluster", "1", path);
        Assert.Equal(0, result.ExitCode);
        Assert.Matches(@"^loaded 3 documents in \d+\.\d\d s, \d+ documents/s\n$", result.Output);
        Assert.Equal("", result.Errors);
    }

    /// <summary>The file is a pipe that is written for as long as somebody reads it.</summary>
    [Fact]
    public async Task AnInterruptedLoadSaysWhatIsSafeAndHowToGoOn()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "1GiB");
        await replica.StartAsync();
        string path = Path.Combine(_folder, "pipe.jsonl");
        await ToolAsync("mkfifo", path);
        using System.Diagnostics.Process load = ChildReplica.Run(
            "load", "-n", "n", "--addresses", replica.Address.ToString(), "--cluster", "1", "--batch", "10", path);
        Task<string> errors = load.StandardError.ReadToEndAsync();
        Task feeding = Task.Run(() => Feed(path));
        await using DeterministicClient client = Documents.Connect(replica);
        while (await CountAsync(client) == 0 && !load.HasExited) await Task.Yield();
        // A process that was started in the background may have been told to ignore Ctrl+C; SIGTERM means the same.
        await ToolAsync("sh", "-c", $"kill -TERM {load.Id}");
        await load.WaitForExitAsync();
        await feeding;

        Assert.Equal(1, load.ExitCode);
        System.Text.RegularExpressions.Match safe = System.Text.RegularExpressions.Regex.Match(await errors,
            @"interrupted\nstopped: the first (\d+) documents are safe; continue with --skip \1\n$");
        Assert.True(safe.Success, await errors);
        ulong count = ulong.Parse(safe.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        Filter first = Filter.Compare("id", FilterOperator.Lt, Value.Of(count));
        Assert.Equal(count, await CountAsync(client, first));
    }

    /// <summary>More documents than a load takes in before it is told to stop, so that a deaf one fails and does not
    /// hang.</summary>
    private static void Feed(string path)
    {
        try
        {
            using StreamWriter pipe = new(path);
            for (int id = 0; id < 1_000_000; id++) pipe.Write($"{{\"id\":{id}}}\n");
        }
        catch (IOException)
        {
            // The reader is gone, as it should be.
        }
    }

    private static async Task<ulong> CountAsync(DeterministicClient client, Filter? filter = null)
    {
        try
        {
            QueryReply reply = await client.QueryAsync(new QueryRequest
            {
                Namespace = "n",
                Queries = [new Query { Aggregates = [new("count", AggregateFunction.Count)], Filter = filter }],
            });
            return reply.Results[0].Aggregates[0].Value.AsUint;
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.NamespaceNotFound)
        {
            return 0;
        }
    }

    private static async Task ToolAsync(string name, params string[] arguments)
    {
        using System.Diagnostics.Process tool = System.Diagnostics.Process.Start(name, arguments);
        await tool.WaitForExitAsync();
        Assert.Equal(0, tool.ExitCode);
    }
}
