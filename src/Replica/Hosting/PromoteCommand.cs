using System;
using System.CommandLine;
using System.IO;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Io;
using Deterministic.Vsr;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic promote`: makes the data file of a standby that of a replica which is gone for
/// good.</summary>
internal static class PromoteCommand
{
    private static readonly Option<byte> Replica = new("--replica")
        { Description = "Index of the replica that is gone", Required = true };
    private static readonly Argument<string> Path = new("FILE")
        { Description = "Data file of a standby that is stopped" };

    public static Command Create()
    {
        Command command = new("promote",
            "Make the data file of a standby that of a replica which is gone for good, with all its data. The " +
            "replica that it takes the place of must never start again on its own file. Started with the replica's " +
            "place in --addresses now its own, the promoted one first waits until the others have told it the log; " +
            "a cluster of three or more is needed.\n\n" +
            "Example: deterministic promote --replica 1 ./standby.deterministic")
        {
            Replica, Path,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        string path = arguments.GetRequiredValue(Path);
        byte replica = arguments.GetRequiredValue(Replica);
        using DataFile? file = DataFile.TryOpenExisting(path, writable: true, out string error);
        if (file is null) return Fail(error, ExitCode.Failed);
        using DataFileSource source = new(file);
        SuperblockReport report = DataFileInspection.Superblock(source);
        if (report.Problem != StopReason.None)
            return Fail($"{path}: {StopReasons.Text(report.Problem)}", ExitCode.Failed);
        SuperblockCopy standby = report.Working;
        byte count = standby.ReplicaCount;
        if (standby.ReplicaIndex < count)
        {
            return Fail($"{path}: the data file is replica {standby.ReplicaIndex} of a cluster of {count}, " +
                "and only a standby can be promoted", ExitCode.Failed);
        }
        if (replica >= count)
        {
            return Fail($"--replica: {replica} is not below {count}, the replicas of the standby's cluster",
                ExitCode.Usage);
        }
        if (count < DataFileFormat.LostReplicaCountMin)
        {
            return Fail($"{path}: the cluster has {count} replicas; it takes {DataFileFormat.LostReplicaCountMin} " +
                "for the others to go on until the promoted one knows the log", ExitCode.Failed);
        }
        try
        {
            using StaticMemory memory = new();
            AlignedSink sink = new(file, memory.Take(SuperblockCopy.Size, Limits.SectorSize));
            StopReason refused = DataFilePromotion.Write(source, ref sink, replica);
            if (refused != StopReason.None) return Fail($"{path}: {StopReasons.Text(refused)}", ExitCode.Failed);
        }
        catch (IOException exception)
        {
            return Fail($"{path}: promoting failed: {exception.Message}; try again", ExitCode.Failed);
        }
        Console.WriteLine($"{path}: standby {standby.ReplicaIndex - count} of cluster {standby.Cluster} is replica " +
            $"{replica} now; never start the old replica {replica} again");
        return ExitCode.Ok;
    }

    /// <summary>Whole sectors into a file that may be open past the page cache; each write is durable when it
    /// returns.</summary>
    private readonly struct AlignedSink(DataFile file, NativeBuffer buffer) : IFormatSink
    {
        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            Check.That(bytes.Length == buffer.Length);
            bytes.CopyTo(buffer.Span);
            if (!file.TryWrite(offset, buffer, out string error)) throw new IOException(error);
        }

        public void Flush()
        {
        }
    }

    private static int Fail(string error, int code)
    {
        Console.Error.WriteLine(error);
        return code;
    }
}
