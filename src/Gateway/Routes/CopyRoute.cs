using System;
using System.Globalization;
using System.Text.Json;
using System.Threading.Tasks;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Copies;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Security;

namespace Deterministic.Gateway.Routes;

/// <summary>Copies of namespaces: waited for, or begun by one request and asked after by others.</summary>
/// <param name="cluster">Has both namespaces.</param>
/// <param name="copies">That are under way.</param>
internal sealed class CopyRoute(ClusterAccess cluster, CopyRegistry copies)
{
    public const string TokenKey = "token";

    /// <summary>How long who prefers not to wait does.</summary>
    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(10);

    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>The whole copy as the answer; or, if that takes long and the client takes it, 202 and where to
    /// ask.</summary>
    public async Task CopyAsync(Exchange exchange, string source)
    {
        CopyOperation operation = Begin(exchange, source);
        TimeSpan patience = exchange.Patience(PatienceMax);
        if (!await copies.WaitAsync(operation, patience, exchange.Aborted).ConfigureAwait(false))
        {
            exchange.SetHeader("preference-applied", Exchange.RespondAsync);
            exchange.SetHeader("location", $"/v1/namespaces/{exchange.Namespace}/operations/{operation.Token}");
            await exchange.AnswerAsync(static writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("status", "ACCEPTED");
                writer.WriteString("message", "the copy goes on; its location tells how");
                writer.WriteEndObject();
            }, status: 202).ConfigureAwait(false);
            return;
        }
        if (operation.Outcome is not CopyOutcome outcome)
            throw new RequestException(operation.Error.Status, operation.Error.Message);
        exchange.SetHeader(WriteRoute.UnitsHeader, outcome.Units.ToString(CultureInfo.InvariantCulture));
        await exchange.AnswerAsync(writer => WriteOutcome(writer, outcome, exchange.Elapsed)).ConfigureAwait(false);
    }

    /// <summary>Begins a copy and answers by which token to ask.</summary>
    public async Task StartAsync(Exchange exchange)
    {
        ParsedWrite write;
        using (RequestBody body = await exchange.ReadBodyAsync().ConfigureAwait(false))
            write = WriteRequestJson.ParseWithCopy(exchange.Namespace, body.Span);
        if (write.CopyFrom is null)
            throw RequestException.Invalid("async is for copy_from_namespace only; other writes are answered at once");
        CopyOperation operation = Begin(exchange, write.CopyFrom);
        copies.Tell(operation);
        await exchange.AnswerAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("token", operation.Token);
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    /// <summary>How a copy to the namespace of the path goes, or went.</summary>
    public Task TellAsync(Exchange exchange)
    {
        CopyOperation operation = copies.Find(exchange.Namespace, exchange.RouteValue(TokenKey));
        return exchange.AnswerAsync(writer => Write(writer, operation));
    }

    private CopyOperation Begin(Exchange exchange, string source)
    {
        CheckSource(exchange.Caller, source);
        NamespaceCopy copy = new(cluster, source, exchange.Namespace);
        return copies.Begin(source, exchange.Namespace, copy.RunAsync);
    }

    /// <summary>A copy reads what it copies, and so does a branch.</summary>
    public static void CheckSource(Caller caller, string source)
    {
        if (!caller.May(KeyScopes.Read)) throw Admission.WithoutScope(KeyScopes.Read);
        if (!caller.Sees(source)) throw Admission.NotFor(source);
    }

    private static void Write(Utf8JsonWriter writer, CopyOperation operation)
    {
        bool hasEnded = operation.Ended.IsCompleted;
        writer.WriteStartObject();
        writer.WriteString("status", hasEnded ? "finished" : "running");
        WriteTime(writer, "start_time", operation.StartedAt);
        if (!hasEnded)
        {
            writer.WriteString("progress", $"{operation.Rows} rows copied");
            writer.WriteEndObject();
            return;
        }
        WriteTime(writer, "finish_time", operation.EndedAt);
        writer.WriteStartObject("result");
        if (operation.Outcome is CopyOutcome outcome)
        {
            writer.WritePropertyName("success");
            WriteOutcome(writer, outcome, operation.EndedAt - operation.StartedAt);
        }
        else
        {
            writer.WriteStartObject("error");
            writer.WriteNumber("status_code", operation.Error.Status);
            writer.WriteStartObject("detail");
            writer.WriteString("status", "error");
            writer.WriteString("error", operation.Error.Message);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteOutcome(Utf8JsonWriter writer, CopyOutcome outcome, TimeSpan elapsed) =>
        ReplyJson.Write(writer, outcome.Reply, elapsed, outcome.Units, outcome.IsOneSnapshot);

    private static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset time) =>
        writer.WriteString(name, time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));
}
