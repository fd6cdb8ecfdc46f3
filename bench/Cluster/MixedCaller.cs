using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace Deterministic.ClusterBenchmark;

/// <summary>One caller with documents of its own, one request at a time, so it knows what each answer must be. A
/// document whose write has an unknown outcome is let go of: the write may still happen.</summary>
internal sealed class MixedCaller(HttpClient http, int index, MixedTally tally)
{
    private const string Path = "/v2/namespaces/mixed";
    private const string QueryPath = Path + "/query";
    private const int RowsMax = 20;
    private const int Dimensions = 16;
    private const int TextSize = 200;
    private static readonly TimeSpan SlowPause = TimeSpan.FromMilliseconds(100);

    private readonly Random _random = new(index);

    /// <summary>Version of each document that is there for sure.</summary>
    private readonly SortedDictionary<long, int> _rows = [];
    private long _nextId = (long)index << 32;
    private int _version;

    public Task StepAsync() => _random.Next(100) switch
    {
        < 35 => UpsertAsync(breaksOff: false),
        < 38 => UpsertAsync(breaksOff: true),
        < 42 => DeleteAsync(),
        < 70 => QueryAsync("query", """["id","asc"]""", exact: true),
        < 88 => QueryAsync("vector query", $"[\"vector\",\"ANN\",{Vector(_random.Next())}]", exact: true),
        < 93 => QueryAsync("eventual query", """["id","asc"]""", exact: false),
        < 97 => BreakOffQueryAsync(),
        _ => QuerySlowlyAsync(),
    };

    private async Task UpsertAsync(bool breaksOff)
    {
        int version = ++_version;
        SortedSet<long> ids = [];
        int count = _random.Next(1, 6);
        while (ids.Count < count)
            ids.Add(_rows.Count >= RowsMax ? _rows.ElementAt(_random.Next(_rows.Count)).Key : _nextId++);
        IEnumerable<string> rows = ids.Select(id => $$"""
            {"id":{{id}},"caller":{{index}},"version":{{version}},"text":"{{Text(id, version)}}",
             "vector":{{Vector(id)}}}
            """);
        string json = $$"""{"distance_metric":"euclidean_squared","upsert_rows":[{{string.Join(",", rows)}}]}""";
        JsonNode? answer = await AskAsync(breaksOff ? "" : "upsert", Path, json);
        if (answer is null)
        {
            foreach (long id in ids) _rows.Remove(id);
            return;
        }
        if ((int?)answer["rows_upserted"] != count) tally.Wrong($"{count} rows upserted, told: {answer}");
        foreach (long id in ids) _rows[id] = version;
    }

    private async Task DeleteAsync()
    {
        if (_rows.Count == 0) return;
        long id = _rows.ElementAt(_random.Next(_rows.Count)).Key;
        _rows.Remove(id);
        JsonNode? answer = await AskAsync("delete", Path, $$"""{"deletes":[{{id}}]}""");
        if (answer is not null && (int?)answer["rows_deleted"] != 1) tally.Wrong($"one row deleted, told: {answer}");
    }

    /// <summary>All documents that must be there, by their ids.</summary>
    private string QueryJson(string rankBy, bool strong) => $$"""
        {"rank_by":{{rankBy}},"top_k":{{RowsMax + 10}},"include_attributes":["version","text"],
         "filters":["And",[["caller","Eq",{{index}}],["id","In",[{{string.Join(",", _rows.Keys)}}]]]],
         "consistency":{"level":"{{(strong ? "strong" : "eventual")}}"} }
        """;

    private async Task QueryAsync(string work, string rankBy, bool exact)
    {
        if (_rows.Count == 0) return;
        JsonNode? answer = await AskAsync(work, QueryPath, QueryJson(rankBy, strong: exact));
        if (answer is not null) Compare(work, answer, exact);
    }

    private void Compare(string work, JsonNode answer, bool exact)
    {
        JsonArray rows = answer["rows"]!.AsArray();
        if (exact && rows.Count != _rows.Count) tally.Wrong($"{work}: {rows.Count} rows instead of {_rows.Count}");
        double before = double.NegativeInfinity;
        foreach (JsonNode? row in rows)
        {
            long id = (long)row!["id"]!;
            int version = (int)row["version"]!;
            double place = row["$dist"] is JsonNode distance ? (double)distance : id;
            bool known = _rows.TryGetValue(id, out int expected);
            if (!known || (exact ? version != expected : version > expected))
                tally.Wrong($"{work}: row {id} has version {version} instead of {expected}");
            if ((string?)row["text"] != Text(id, version)) tally.Wrong($"{work}: row {id} has a wrong text");
            if (place < before) tally.Wrong($"{work}: row {id} is out of order");
            before = place;
        }
    }

    private Task BreakOffQueryAsync() => AskAsync("", QueryPath, QueryJson("""["id","asc"]""", strong: true));

    /// <summary>Sends its request and takes the answer in small pieces, over a connection of its own.</summary>
    private async Task QuerySlowlyAsync()
    {
        if (_rows.Count == 0) return;
        byte[] json = Encoding.UTF8.GetBytes(QueryJson("""["id","asc"]""", strong: true));
        using HttpRequestMessage request = new(HttpMethod.Post, QueryPath) { Content = new SlowContent(json) };
        request.Headers.TransferEncodingChunked = true;
        JsonNode? answer = await SendAsync("slow query", request, CancellationToken.None, slow: true);
        if (answer is not null) Compare("slow query", answer, exact: true);
    }

    /// <param name="work">What it is counted as; empty: it is broken off after a moment.</param>
    /// <param name="path">Of the route.</param>
    /// <param name="json">The body.</param>
    /// <returns>Null if the outcome is not known, or was an error of a documented kind.</returns>
    private async Task<JsonNode?> AskAsync(string work, string path, string json)
    {
        using CancellationTokenSource patience = new();
        if (work.Length == 0) patience.CancelAfter(_random.Next(12));
        using HttpRequestMessage request = new(HttpMethod.Post, path)
            { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        return await SendAsync(work, request, patience.Token, slow: false);
    }

    private async Task<JsonNode?> SendAsync(
        string work, HttpRequestMessage request, CancellationToken patience, bool slow)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            using HttpResponseMessage response =
                await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience);
            byte[] body = slow
                ? await ReadSlowlyAsync(response) : await response.Content.ReadAsByteArrayAsync(patience);
            if (response.StatusCode == HttpStatusCode.OK)
            {
                double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                tally.Good(work.Length == 0 ? "not broken off in time" : work, milliseconds);
                return JsonNode.Parse(body);
            }
            bool documented = response.StatusCode is HttpStatusCode.TooManyRequests
                or HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null;
            string status = ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture);
            if (documented) tally.Other($"status {status}");
            else tally.Wrong($"{work}: status {status}: {Encoding.UTF8.GetString(body)}");
            return null;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            tally.Other("broken off");
            return null;
        }
        catch (Exception exception) when (
            exception is HttpRequestException or IOException or OperationCanceledException)
        {
            tally.Wrong($"{work}: {exception.Message}");
            return null;
        }
    }

    private static async Task<byte[]> ReadSlowlyAsync(HttpResponseMessage response)
    {
        await using Stream stream = await response.Content.ReadAsStreamAsync();
        using MemoryStream body = new();
        byte[] piece = new byte[512];
        while (true)
        {
            int count = await stream.ReadAsync(piece);
            if (count == 0) return body.ToArray();
            body.Write(piece, 0, count);
            await Task.Delay(SlowPause / 10);
        }
    }

    private static string Text(long id, int version) => $"{id} {version} ".PadRight(TextSize, 'x');

    /// <summary>Always the same for an id.</summary>
    private static string Vector(long id)
    {
        Random random = new(unchecked((int)(id ^ id >> 32)));
        return "[" + string.Join(",", Enumerable.Range(0, Dimensions)
            .Select(_ => random.NextSingle().ToString(CultureInfo.InvariantCulture))) + "]";
    }

    /// <summary>A body in five pieces with pauses between them.</summary>
    private sealed class SlowContent(byte[] bytes) : HttpContent
    {
        private const int Pieces = 5;

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (byte[] piece in bytes.Chunk(bytes.Length / Pieces + 1))
            {
                await stream.WriteAsync(piece);
                await stream.FlushAsync();
                await Task.Delay(SlowPause);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
