using System;
using System.CommandLine;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway;
using Deterministic.Replica.Commands;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic gateway`: turbopuffer's HTTP API in front of a cluster, in a process of its own.</summary>
internal static class GatewayCommand
{
    private const string Help = """
        Serve turbopuffer's HTTP API in front of a running cluster, to those who bring an API key of it
        (deterministic keys create). Prints "http on URL" once it serves; SIGTERM stops it cleanly.

        Example:
          deterministic gateway --addresses 127.0.0.1:3001 --http 127.0.0.1:8080 --development
          deterministic gateway --addresses 10.0.0.1:3001,10.0.0.2:3001,10.0.0.3:3001 --http 10.0.0.9:443 \
            --tls-certificate server.pem --tls-key server-key.pem
        """;

    public static Command Create()
    {
        Command command = new("gateway", Help);
        ConnectionOptions connection = new();
        HttpOptions http = new(addressDefault: "127.0.0.1:8080");
        connection.AddTo(command);
        http.AddTo(command);
        command.SetAction((parse, stop) => ConnectionOptions.GuardAsync(() =>
            RunAsync(http.Read(parse, connection.Read(parse))!, stop)));
        return command;
    }

    private static async Task<int> RunAsync(GatewayOptions options, CancellationToken stop)
    {
        using ILoggerFactory loggers = LoggerFactory.Create(ConsoleLog.AddTo);
        GatewayServer? server;
        string error;
        try
        {
            (server, error) = await HttpOptions.StartAsync(options, loggers, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
        if (server is null)
        {
            await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
            return ExitCode.Failed;
        }
        await using (server.ConfigureAwait(false))
        {
            TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await using CancellationTokenRegistration registration = stop.Register(() => stopped.TrySetResult());
            await stopped.Task.ConfigureAwait(false);
        }
        return ExitCode.Ok;
    }
}
