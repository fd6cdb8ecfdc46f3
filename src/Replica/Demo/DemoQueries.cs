using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Spectre.Console;

namespace Deterministic.Replica.Demo;

/// <summary>The questions of the demo: text, vector, filtered, hybrid, aggregates.</summary>
internal static class DemoQueries
{
    private const string Question = "compress a stream of bytes";

    public static async Task RunAsync(DeterministicClient client, string name, CancellationToken cancellation)
    {
        RankBy text = RankBy.Bm25("text", Question);
        RankBy vector = RankBy.Ann("vector", HashedNgramEmbedder.Embed(Question));
        Filter types = Filter.Compare("kind", FilterOperator.Eq, Value.Of("type"));

        await ShowAsync(client, $"Text: \"{Question}\"", Single(name, Rows(text)), cancellation).ConfigureAwait(false);
        await ShowAsync(client, $"Vector: \"{Question}\"", Single(name, Rows(vector)),
            cancellation).ConfigureAwait(false);
        await ShowAsync(client, "Vector, types of System.IO* only", Single(name, Rows(vector, Filter.And(types,
            Filter.Compare("namespace", FilterOperator.Gte, Value.Of("System.IO")),
            Filter.Compare("namespace", FilterOperator.Lt, Value.Of("System.IP"))))),
                cancellation).ConfigureAwait(false);
        await ShowAsync(client, "Hybrid: text and vector fused by rank", new QueryRequest
        {
            Namespace = name, Queries = [Rows(text, null, 100), Rows(vector, null, 100)],
            Rerank = Rerank.ReciprocalRankFusion, FusedLimit = 5,
        }, cancellation).ConfigureAwait(false);
        await ShowAsync(client, "Text over two fields, the name counts double", Single(name, Rows(new RankBy
        {
            Kind = RankKind.Sum,
            Children =
            [
                RankBy.Bm25("text", "dictionary concurrent"),
                new RankBy
                {
                    Kind = RankKind.Product,
                    Children =
                    [
                        new RankBy { Kind = RankKind.Constant, Constant = 2 }, RankBy.Bm25("name",
                            "dictionary concurrent"),
                    ],
                },
            ],
        })), cancellation).ConfigureAwait(false);
        await ShowAsync(client, "How many members of each kind", Single(name, new Query
        {
            Aggregates = [new("members", AggregateFunction.Count)], GroupBy = ["kind"],
        }), cancellation).ConfigureAwait(false);
    }

    private static QueryRequest Single(string name, Query query) => new() { Namespace = name, Queries = [query] };

    private static Query Rows(RankBy rankBy, Filter? filter = null, uint limit = 5) => new()
    {
        RankBy = rankBy, Filter = filter, Limit = limit, Include = IncludeMode.Listed, IncludeNames = ["name", "kind"],
    };

    private static async Task ShowAsync(
        DeterministicClient client, string title, QueryRequest request, CancellationToken cancellation)
    {
        // The first run pays for compiling the code on both sides; the second is what a client sees from then on.
        await client.QueryAsync(request, cancellation: cancellation).ConfigureAwait(false);
        long started = Stopwatch.GetTimestamp();
        QueryReply reply = await client.QueryAsync(request, cancellation: cancellation).ConfigureAwait(false);
        double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        DemoCommand.Heading(title);
        Table table = new Table().Border(TableBorder.Simple);
        QueryResult result = reply.Results[0];
        if (result.Kind is ResultKind.Rows or ResultKind.RowsWithComputed) AddRows(table, result.Rows);
        else AddGroups(table, result.Groups);
        AnsiConsole.Write(table);
        Console.WriteLine($"{milliseconds:0.00} ms");
    }

    private static void AddRows(Table table, List<ResultRow> rows)
    {
        table.AddColumns("score", "kind", "name");
        foreach (ResultRow row in rows)
        {
            string Get(string name) => row.Attributes.FirstOrDefault(pair => pair.Key == name).Value?.AsString ?? "";
            table.AddRow($"{row.Score:0.0000}", Get("kind"), Markup.Escape(Shorten(Get("name"))));
        }
    }

    private static void AddGroups(Table table, List<ResultGroup> groups)
    {
        table.AddColumns("group", "count");
        foreach (ResultGroup group in groups)
            table.AddRow(Markup.Escape(group.Keys[0].Value.ToString()), $"{group.Aggregates[0].Value.AsUint:N0}");
    }

    private static string Shorten(string name)
    {
        const int LengthMax = 90;
        return name.Length <= LengthMax ? name : name[..(LengthMax - 1)] + "…";
    }
}
