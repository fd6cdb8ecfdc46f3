using System;
using System.CommandLine;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary>A command could not do its work; the message says what to do.</summary>
public sealed class CommandException(string message) : Exception(message);

/// <summary>Exit codes of every command.</summary>
public static class ExitCode
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
}

/// <summary>The options of every command that talks to a cluster, and how such a command runs and fails.</summary>
public sealed class ConnectionOptions
{
    private readonly Option<string> _addresses = new("--addresses")
    {
        Description = "Replicas to talk to, host:port separated by commas; a bare port is on this machine.",
        HelpName = "A[,B…]",
        DefaultValueFactory = _ => "127.0.0.1:3001",
    };

    private readonly Option<string> _cluster = new("--cluster")
    {
        Description = "The cluster number that the data file was formatted with.",
        HelpName = "N",
        DefaultValueFactory = _ => "0",
    };

    private readonly Option<double> _timeout = new("--timeout")
    {
        Description = "Seconds to wait for an answer.",
        HelpName = "SECONDS",
        DefaultValueFactory = _ => 60,
    };

    private readonly Option<int> _messageSizeMax = new("--message-size-max")
    {
        Description = "Bytes of the largest message, as the cluster was formatted.",
        HelpName = "BYTES",
        DefaultValueFactory = _ => Configuration.Production.MessageSizeMax,
    };

    /// <summary>Adds these options to <paramref name="command"/> and makes <paramref name="run"/> its
    /// action.</summary>
    public void Attach(Command command, Func<ParseResult, DeterministicClient, Task<int>> run) =>
        Attach(command, (parse, client, _) => run(parse, client));

    /// <summary>The same for an action that ends itself when the user interrupts it.</summary>
    public void Attach(Command command, Func<ParseResult, DeterministicClient, CancellationToken, Task<int>> run)
    {
        AddTo(command);
        command.SetAction((parse, stop) => GuardAsync(async () =>
        {
            await using DeterministicClient client = new(Read(parse));
            return await run(parse, client, stop).ConfigureAwait(false);
        }));
    }

    /// <summary>Only the options; what they say is in <see cref="Read"/>.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_addresses);
        command.Options.Add(_cluster);
        command.Options.Add(_timeout);
        command.Options.Add(_messageSizeMax);
    }

    /// <summary>The client options that the command line says.</summary>
    public ClientOptions Read(ParseResult parse)
    {
        string? number = parse.GetValue(_cluster);
        if (!UInt128.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out UInt128 cluster))
            throw new UsageException("--cluster takes a number from 0 to 2^128-1");
        double seconds = parse.GetValue(_timeout);
        if (seconds is not (> 0 and <= 86_400)) throw new UsageException("--timeout takes seconds from 0.001 to 86400");
        int messageSizeMax = parse.GetValue(_messageSizeMax);
        if (messageSizeMax is < 2 * Limits.SectorSize or > 1 << 30)
            throw new UsageException($"--message-size-max takes {2 * Limits.SectorSize} to {1 << 30} bytes");
        try
        {
            return new ClientOptions
            {
                Addresses = ClientOptions.ParseAddresses(parse.GetValue(_addresses)!), Cluster = cluster,
                RequestTimeout = TimeSpan.FromSeconds(seconds), MessageSizeMax = messageSizeMax,
            };
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--addresses: {exception.Message}");
        }
    }

    /// <summary>Runs a command and turns what may go wrong into one line on stderr and an exit code.</summary>
    public static async Task<int> GuardAsync(Func<Task<int>> run)
    {
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (UsageException exception)
        {
            return Say(exception.Message, ExitCode.Usage);
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.DistanceMetricMissing)
        {
            string hint = "add --distance-metric or \"distance_metric\": cosine_distance or euclidean_squared";
            return Say($"{exception.Message} ({hint})", ExitCode.Failed);
        }
        catch (Exception exception) when (exception is ClientException or CommandException or IOException
            or UnauthorizedAccessException or InvalidDataException)
        {
            return Say(exception.Message, ExitCode.Failed);
        }
    }

    /// <summary>Prints one JSON value and a line end on stdout.</summary>
    public static void Print(Action<Utf8JsonWriter> write)
    {
        using MemoryStream buffer = new();
        JsonWriterOptions options = new()
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using (Utf8JsonWriter writer = new(buffer, options)) write(writer);
        Console.Out.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>An argument that is JSON itself, the name of a file, or "-" for standard input.</summary>
    public static byte[] JsonOrFile(string argument)
    {
        if (argument == "-") return Encoding.UTF8.GetBytes(Console.In.ReadToEnd());
        string trimmed = argument.TrimStart();
        if (trimmed.StartsWith('{') || trimmed.StartsWith('[')) return Encoding.UTF8.GetBytes(argument);
        if (File.Exists(argument)) return File.ReadAllBytes(argument);
        throw new UsageException($"\"{argument}\" is neither JSON (it starts with no brace) nor a file");
    }

    private static int Say(string message, int code)
    {
        Console.Error.WriteLine($"deterministic: {message}");
        return code;
    }
}

/// <summary>The command line itself is wrong.</summary>
public sealed class UsageException(string message) : Exception(message);
