using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using Deterministic.Core;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Io;
using Deterministic.Vsr;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic format`: makes the data file of one replica.</summary>
internal static class FormatCommand
{
    /// <summary>Below this not even one full message fits beside the accounting's slack.</summary>
    private const long StateSizeMin = 8L << 20;

    internal static readonly Option<UInt128> Cluster = new("--cluster")
    {
        Description = "Number of the cluster, the same for all its replicas and clients", Required = true,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (!UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 cluster))
                result.AddError($"--cluster: \"{text}\" is not a whole number from 0 to 2^128 - 1");
            return cluster;
        },
    };
    internal static readonly Option<byte> Replica = new("--replica")
        { Description = "Index of this replica, from 0", Required = true };
    private static readonly Option<byte?> ReplicaIfAny = new("--replica")
        { Description = "Index of this replica, from 0" };
    private static readonly Option<byte?> Standby = new("--standby")
    {
        Description = "In the place of --replica: number of this standby, from 0. It follows the log and has no " +
            "voice in it; a cluster may have them beside its replicas, or get them later",
    };
    internal static readonly Option<byte> ReplicaCount = new("--replica-count")
        { Description = $"Replicas of the cluster, 1 to {Limits.ReplicasMax}", Required = true };
    internal static readonly Option<string> StateSize = new("--state-size")
    {
        Description = "How large the state may grow; the file takes four times this and 2.2 GiB",
        DefaultValueFactory = _ => "1GiB",
    };
    internal static readonly Option<bool> Quick = new("--quick")
    {
        Description = "Only reserve the space of the journal: the file is made at once, but until the journal has " +
            "gone round, large writes are slower",
    };
    private static readonly Argument<string> Path = new("FILE") { Description = "Data file to make; must not exist" };

    public static Command Create()
    {
        Command command = new("format",
            "Make the data file of one replica. All its space is reserved now, so that a full disk is found out " +
            "here.\n\n" +
            "Example: deterministic format --cluster 7 --replica 0 --replica-count 1 ./data.deterministic")
        {
            Cluster, ReplicaIfAny, Standby, ReplicaCount, StateSize, Quick, Path,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        string path = arguments.GetRequiredValue(Path);
        byte? replica = arguments.GetValue(ReplicaIfAny);
        byte? standby = arguments.GetValue(Standby);
        if ((replica is null) == (standby is null))
            return Fail("--replica, --standby: a data file is of a replica or of a standby; give one of them",
                ExitCode.Usage);
        if (replica is byte index) return Make(arguments, index, path, lost: false);
        byte count = arguments.GetRequiredValue(ReplicaCount);
        if (standby < Limits.StandbysMax && count <= Limits.ReplicasMax)
            return Make(arguments, (byte)(count + standby.Value), path, lost: false, isStandby: true);
        return Fail($"--standby: {standby} is not below {Limits.StandbysMax}, the standbys that a cluster may have",
            ExitCode.Usage);
    }

    /// <summary>Makes a data file as the options say.</summary>
    /// <param name="arguments">With <see cref="Cluster"/>, <see cref="ReplicaCount"/> and
    /// <see cref="StateSize"/>.</param>
    /// <param name="index">Whose it is.</param>
    /// <param name="path">The file, which must not exist.</param>
    /// <param name="lost">In the place of one that is lost: the cluster runs and has the data.</param>
    /// <param name="isStandby">And that one is a standby.</param>
    internal static int Make(ParseResult arguments, byte index, string path, bool lost, bool isStandby = false)
    {
        string sizeText = arguments.GetRequiredValue(StateSize);
        if (!SizeText.TryParse(sizeText, out long stateSize))
            return Fail($"--state-size: \"{sizeText}\" is not a size; write it like 512MiB or 4GiB", ExitCode.Usage);
        if (stateSize < StateSizeMin || stateSize % Limits.SectorSize != 0)
        {
            return Fail(
                $"--state-size: {sizeText} is {stateSize} bytes; it must be a multiple of " +
                $"{Limits.SectorSize} and at least {SizeText.Format(StateSizeMin)}", ExitCode.Usage);
        }
        byte count = arguments.GetRequiredValue(ReplicaCount);
        if (count is 0 or > Limits.ReplicasMax)
            return Fail($"--replica-count: {count} is not from 1 to {Limits.ReplicasMax}", ExitCode.Usage);
        if (index >= count && !isStandby)
            return Fail($"--replica: {index} is not below --replica-count {count}", ExitCode.Usage);

        Configuration production = Configuration.Production;
        Configuration configuration = new(
            production.MessageSizeMax, production.JournalSlots, production.PipelineMax, production.SessionsMax,
            production.BarOps, production.JournalWritesMax, production.JournalReadsMax, stateSize,
            production.BlockSize, production.MemtableSize);
        DataFileLayout layout = new(configuration);
        using DataFile? file = DataFile.TryCreate(path, layout.Size, out string error);
        if (file is null) return Fail(error, ExitCode.Failed);
        try
        {
            if (!arguments.GetValue(Quick)) Fill(file, layout);
            FormatSink sink = new(file);
            ReplicaOptions options = new()
            {
                Cluster = arguments.GetRequiredValue(Cluster), ReplicaIndex = index, ReplicaCount = count,
                StandbyCount = (byte)int.Max(0, index + 1 - count), Configuration = configuration,
            };
            StopReason refused = lost
                ? DataFileFormat.WriteLost(options, ref sink, DataFileIdentity.NewNonce())
                : DataFileFormat.Write(options, ref sink, DataFileIdentity.NewNonce());
            if (refused != StopReason.None) return Fail($"{path}: {StopReasons.Text(refused)}", ExitCode.Failed);
        }
        catch (IOException exception)
        {
            return Fail($"{path}: formatting failed: {exception.Message}; delete the file and try again",
                ExitCode.Failed);
        }
        string size = SizeText.Format(layout.Size);
        string what = lost ? "made for a replica that gets its data from the others" : "formatted";
        Console.WriteLine($"{path}: {what}, {size}, state up to {SizeText.Format(stateSize)}");
        return ExitCode.Ok;
    }

    /// <summary>The journal and the replies, which writes wait for.</summary>
    private static void Fill(DataFile file, DataFileLayout layout)
    {
        long start = layout.JournalPreparesOffset, length = layout.GridOffset - start;
        bool tells = !Console.IsErrorRedirected;
        file.WriteZeroes(start, length, done =>
        {
            if (tells) Console.Error.Write($"\r{file.Path}: {100 * done / length} %");
        });
        if (tells) Console.Error.Write($"\r{new string(' ', file.Path.Length + 7)}\r");
    }

    private static int Fail(string error, int code)
    {
        Console.Error.WriteLine(error);
        return code;
    }
}
