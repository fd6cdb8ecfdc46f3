using System;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Hosting;
using Deterministic.Storage.Packs;
using Spectre.Console;

namespace Deterministic.Replica.Checkpoints;

/// <summary>`deterministic recover`: makes a data file out of a checkpoint in an object store.</summary>
internal static class RecoverCommand
{
    private static readonly Option<string> Store = new("--object-store")
        { Description = "Where the checkpoints are: dir:PATH or s3://BUCKET/PREFIX[?endpoint=URL]", Required = true };
    private static readonly Option<string> Checkpoint = new("--checkpoint")
        { Description = "latest, the op of a checkpoint, or the name of a snapshot", Required = true };
    private static readonly Option<byte?> ReplicaIndex = new("--replica")
    {
        Description = "Make the file of this replica of the cluster, whichever replica put the checkpoint there " +
            "(default: of that one)",
    };
    private static readonly Argument<string> File = new("FILE") { Description = "Data file to make; must not exist" };

    public static Command Create()
    {
        Command command = new("recover",
            "Make a data file out of a checkpoint in an object store. What was written after the checkpoint is not " +
            "in it. In a cluster make the files of all replicas out of one checkpoint; one that alone has lost its " +
            "file gets a new one by `replace`.\n\n" +
            "Example: deterministic recover --object-store dir:/backup/objects --checkpoint latest " +
            "./data.deterministic")
        {
            Store, Checkpoint, ReplicaIndex, File,
        };
        command.SetAction((arguments, _) => RunAsync(arguments));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments)
    {
        string path = arguments.GetRequiredValue(File);
        string text = arguments.GetRequiredValue(Checkpoint);
        if (!CheckpointChoice.TryParse(Encoding.UTF8.GetBytes(text), out CheckpointChoice choice))
        {
            string wrong = $"--checkpoint: \"{text}\" is not latest, an op above 0, or the name of a snapshot";
            return await FailAsync(wrong, ExitCode.Usage).ConfigureAwait(false);
        }
        if (System.IO.File.Exists(path))
        {
            string exists =
                $"{path}: exists already; recovery makes a new file: choose another name or delete it first";
            return await FailAsync(exists, ExitCode.Failed).ConfigureAwait(false);
        }
        long started = Stopwatch.GetTimestamp();
        using ObjectStoreSession? session =
            ObjectStoreSession.TryOpen(arguments.GetRequiredValue(Store), out string error);
        if (session is null) return await FailAsync(error, ExitCode.Failed).ConfigureAwait(false);
        Recovery recovery = new(session, path, arguments.GetValue(ReplicaIndex));
        bool done = false;
        await WithProgressAsync(recovery, () => done = recovery.TryRun(choice, out error)).ConfigureAwait(false);
        if (!done) return await FailAsync(error, ExitCode.Failed).ConfigureAwait(false);
        ManifestHead head = recovery.Head;
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{path}: recovered checkpoint {head.Op}, {head.LiveBlocks:N0} blocks, {head.LiveBytes:N0} bytes in " +
            $"{seconds:0.00} s, root checksum {head.Root.Checksum:x32}, file of {SizeText.Format(recovery.FileSize)}"));
        return ExitCode.Ok;
    }

    /// <summary>A bar on stderr if it is a terminal.</summary>
    private static async Task WithProgressAsync(Recovery recovery, Action work)
    {
        AnsiConsoleSettings settings = new() { Out = new AnsiConsoleOutput(Console.Error) };
        IAnsiConsole console = AnsiConsole.Create(settings);
        Task running = Task.Run(work);
        if (Console.IsErrorRedirected || !console.Profile.Capabilities.Interactive)
        {
            await running.ConfigureAwait(false);
            return;
        }
        await console.Progress().AutoClear(true).StartAsync(async context =>
        {
            ProgressTask bar = context.AddTask("recovering", maxValue: 1);
            while (await Task.WhenAny(running, Task.Delay(100)).ConfigureAwait(false) != running)
            {
                bar.Value = recovery.Progress;
                bar.Description = string.Create(CultureInfo.InvariantCulture, $"{recovery.BlocksDone:N0} blocks");
            }
        }).ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    private static async Task<int> FailAsync(string error, int code)
    {
        await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
        return code;
    }
}
