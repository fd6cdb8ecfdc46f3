using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Spectre.Console;
using Command = System.CommandLine.Command;

namespace Deterministic.Replica.Commands;

/// <summary>`deterministic status`: how every replica of a cluster stands.</summary>
public static class StatusCommand
{
    private const int PipeColumns = 200;

    private const string Help = """
        Shows how each replica stands: its role, its view, how far its log and its state have got, and what the primary
        has that it lacks. Exit code 0 if all of them answer and one is the primary.

        Example:
          deterministic status --addresses 10.0.0.1:3001,10.0.0.2:3001,10.0.0.3:3001
        """;

    private static readonly Option<string> Addresses = new("--addresses")
    {
        Description = "Replicas to ask, host:port separated by commas; a bare port is on this machine.",
        HelpName = "A[,B…]", DefaultValueFactory = _ => "127.0.0.1:3001",
    };
    private static readonly Option<bool> Json = new("--json") { Description = "One JSON object instead of a table." };
    private static readonly Option<double> Timeout = new("--timeout")
    {
        Description = "Seconds to wait for each answer.", HelpName = "SECONDS", DefaultValueFactory = _ => 2,
    };

    public static Command Create()
    {
        Command command = new("status", Help) { Addresses, Json, Timeout };
        command.SetAction((parse, stop) => ConnectionOptions.GuardAsync(() => RunAsync(parse, stop)));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parse, CancellationToken stop)
    {
        double seconds = parse.GetValue(Timeout);
        if (seconds is not (> 0 and <= 3600)) throw new UsageException("--timeout takes seconds from 0.001 to 3600");
        IReadOnlyList<EndPoint> addresses;
        try
        {
            addresses = ClientOptions.ParseAddresses(parse.GetValue(Addresses)!);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--addresses: {exception.Message}");
        }
        ClusterStanding cluster =
            await ClusterStanding.AskAsync(addresses, TimeSpan.FromSeconds(seconds), stop).ConfigureAwait(false);
        if (parse.GetValue(Json)) ConnectionOptions.Print(writer => StatusJson.Write(writer, cluster));
        else Print(cluster);
        bool isWhole = cluster.Primary is not null && cluster.Members.All(member => member.Standing is not null);
        return isWhole ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void Print(ClusterStanding cluster)
    {
        Table table = new Table().Border(TableBorder.Simple);
        string[] columns =
        [
            "address", "replica", "role", "view", "op", "commit", "lag", "checkpoint", "sync to", "sessions",
            "connected", "release",
        ];
        foreach (string column in columns) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (MemberStanding member in cluster.Members)
            table.AddRow(Cells(cluster, member).Select(Markup.Escape).ToArray());
        // Whoever reads a file or a pipe has room.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PipeColumns;
        AnsiConsole.Write(table);
        foreach (MemberStanding member in cluster.Members)
        {
            if (member.Standing is not null) continue;
            Console.WriteLine($"{member.Address} is not reachable: {member.Problem}");
        }
        if (cluster.Primary is null) Console.WriteLine("no replica that answers is the primary: writes wait for one");
    }

    private static IEnumerable<string> Cells(ClusterStanding cluster, MemberStanding member)
    {
        if (member.Standing is not ReplicaStanding standing) return [member.Address, "", "not reachable"];
        StatusFields fields = standing.Fields;
        IEnumerable<int> connected = Enumerable.Range(0, Limits.MembersMax)
            .Where(i => (fields.Connected >> i & 1) != 0);
        return
        [
            member.Address, Text(standing.Replica), ClusterStanding.NameOf(fields.Role), Text(standing.View),
            Text(fields.Op), Text(fields.CommitMin), cluster.LagOf(standing) is ulong lag ? Text(lag) : "",
            Text(fields.CheckpointOp), fields.SyncOp == 0 ? "" : Text(fields.SyncOp), Text(fields.SessionsCount),
            string.Join(' ', connected),
            fields.Release == standing.Release ? Text(fields.Release) : $"{fields.Release} of {standing.Release}",
        ];
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
