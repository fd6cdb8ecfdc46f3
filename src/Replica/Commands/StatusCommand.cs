using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
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

    private sealed record Row(string Address, ReplicaStanding? Standing, string Problem);

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
        Row[] rows = await Task.WhenAll(addresses.Select(async address =>
        {
            (ReplicaStanding? standing, string problem) =
                await StatusProbe.AskAsync(address, TimeSpan.FromSeconds(seconds), stop).ConfigureAwait(false);
            return new Row(ClientOptions.Describe(address), standing, problem);
        })).ConfigureAwait(false);
        ReplicaStanding? primary = Primary(rows);
        if (parse.GetValue(Json)) ConnectionOptions.Print(writer => Write(writer, rows, primary));
        else Print(rows, primary);
        return primary is not null && rows.All(row => row.Standing is not null) ? ExitCode.Ok : ExitCode.Failed;
    }

    /// <summary>The one of the newest view; an old one may not know yet that it has been replaced.</summary>
    private static ReplicaStanding? Primary(Row[] rows) => rows
        .Select(row => row.Standing).OfType<ReplicaStanding>()
        .Where(standing => standing.Fields.Role == ReplicaRole.Primary)
        .MaxBy(standing => standing.View);

    private static string NameOf(ReplicaRole role) => role switch
    {
        ReplicaRole.Recovering => "recovering",
        ReplicaRole.Primary => "primary",
        ReplicaRole.Backup => "backup",
        ReplicaRole.ViewChange => "view_change",
        ReplicaRole.RecoveringHead => "recovering_head",
        ReplicaRole.Standby => "standby",
        _ => "unknown",
    };

    /// <summary>Committed entries that the primary has run and this replica has not; null without a primary.</summary>
    private static ulong? Lag(ReplicaStanding standing, ReplicaStanding? primary)
    {
        if (primary is null) return null;
        ulong theirs = primary.Fields.CommitMin;
        return theirs > standing.Fields.CommitMin ? theirs - standing.Fields.CommitMin : 0;
    }

    private static void Write(Utf8JsonWriter writer, Row[] rows, ReplicaStanding? primary)
    {
        writer.WriteStartObject();
        if (primary is null) writer.WriteNull("primary");
        else writer.WriteNumber("primary", primary.Replica);
        writer.WriteStartArray("replicas");
        foreach (Row row in rows)
        {
            writer.WriteStartObject();
            writer.WriteString("address", row.Address);
            writer.WriteBoolean("reachable", row.Standing is not null);
            if (row.Standing is null) writer.WriteString("problem", row.Problem);
            else Write(writer, row.Standing, Lag(row.Standing, primary));
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ReplicaStanding standing, ulong? lag)
    {
        StatusFields fields = standing.Fields;
        writer.WriteString("cluster", standing.Cluster.ToString(CultureInfo.InvariantCulture));
        writer.WriteNumber("replica", standing.Replica);
        writer.WriteNumber("replica_count", fields.ReplicaCount);
        writer.WriteNumber("release", fields.Release);
        writer.WriteNumber("release_newest", standing.Release);
        writer.WriteString("role", NameOf(fields.Role));
        writer.WriteNumber("view", standing.View);
        writer.WriteNumber("op", fields.Op);
        writer.WriteNumber("commit", fields.CommitMin);
        writer.WriteNumber("commit_known", fields.CommitMax);
        if (lag is ulong entries) writer.WriteNumber("lag", entries);
        else writer.WriteNull("lag");
        writer.WriteNumber("checkpoint", fields.CheckpointOp);
        writer.WriteNumber("sync_to", fields.SyncOp);
        writer.WriteNumber("sessions", fields.SessionsCount);
        writer.WriteStartArray("connected");
        for (int i = 0; i < Limits.MembersMax; i++)
            if ((fields.Connected >> i & 1) != 0) writer.WriteNumberValue(i);
        writer.WriteEndArray();
    }

    private static void Print(Row[] rows, ReplicaStanding? primary)
    {
        Table table = new Table().Border(TableBorder.Simple);
        string[] columns =
        [
            "address", "replica", "role", "view", "op", "commit", "lag", "checkpoint", "sync to", "sessions",
            "connected", "release",
        ];
        foreach (string column in columns) table.AddColumn(new TableColumn(column).NoWrap());
        foreach (Row row in rows) table.AddRow(Cells(row, primary).Select(Markup.Escape).ToArray());
        // Whoever reads a file or a pipe has room.
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PipeColumns;
        AnsiConsole.Write(table);
        foreach (Row row in rows)
            if (row.Standing is null) Console.WriteLine($"{row.Address} is not reachable: {row.Problem}");
        if (primary is null) Console.WriteLine("no replica that answers is the primary: writes wait for one");
    }

    private static IEnumerable<string> Cells(Row row, ReplicaStanding? primary)
    {
        if (row.Standing is not ReplicaStanding standing) return [row.Address, "", "not reachable"];
        StatusFields fields = standing.Fields;
        IEnumerable<int> connected = Enumerable.Range(0, Limits.MembersMax)
            .Where(i => (fields.Connected >> i & 1) != 0);
        return
        [
            row.Address, Text(standing.Replica), NameOf(fields.Role), Text(standing.View), Text(fields.Op),
            Text(fields.CommitMin), Lag(standing, primary) is ulong lag ? Text(lag) : "", Text(fields.CheckpointOp),
            fields.SyncOp == 0 ? "" : Text(fields.SyncOp), Text(fields.SessionsCount), string.Join(' ', connected),
            fields.Release == standing.Release ? Text(fields.Release) : $"{fields.Release} of {standing.Release}",
        ];
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
