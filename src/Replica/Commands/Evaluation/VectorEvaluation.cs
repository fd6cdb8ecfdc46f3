using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Replica.Commands.Data;

namespace Deterministic.Replica.Commands.Evaluation;

/// <summary>Recall and latency of vector search against exact neighbours. The truth holds row numbers, which are
/// the ids of a vector file. When the ids do not settle it (equal distances), the database is asked for the exact
/// distances of the true neighbours, and a row that is no farther than the farthest of them counts.</summary>
public sealed class VectorEvaluation(DeterministicClient client, string name)
{
    public string Attribute { get; init; } = "vector";
    public DistanceMetric Metric { get; init; }

    /// <summary>The truth is then that of the rows that match.</summary>
    public Filter? Filter { get; init; }

    public async Task RunAsync(string vectorsPath, string truthPath, uint depth)
    {
        using InputFile vectorsFile = new(vectorsPath);
        using InputFile truthFile = new(truthPath);
        VectorReader vectors = new(vectorsFile);
        VectorReader truths = new(truthFile);
        List<double> latencies = [];
        double recall = 0;
        while (vectors.Read() is float[] vector && truths.ReadIntegers() is int[] truth)
        {
            if (truth.Length < depth)
            {
                throw new CommandException(
                    $"{truthPath} holds {truth.Length} neighbours for query {latencies.Count}, --top-k is {depth}");
            }
            long started = Stopwatch.GetTimestamp();
            List<ResultRow> rows = await SearchAsync(RankKind.Ann, vector, Filter, depth).ConfigureAwait(false);
            latencies.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            recall += await RecallAsync(vector, rows, truth.AsMemory(0, (int)depth)).ConfigureAwait(false);
        }
        if (latencies.Count == 0) throw new CommandException("no query was asked; the files are empty");
        latencies.Sort();
        Say($"recall@{depth} {recall / latencies.Count:0.0000}");
        Say($"p50 {RetrievalMetrics.Percentile(latencies, 50):0.000} ms");
        Say($"p99 {RetrievalMetrics.Percentile(latencies, 99):0.000} ms");
        Say($"queries {latencies.Count}");
    }

    private static void Say(FormattableString line) =>
        Console.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private async Task<double> RecallAsync(float[] vector, List<ResultRow> rows, ReadOnlyMemory<int> truth)
    {
        HashSet<string> ids = new(StringComparer.Ordinal);
        foreach (int id in truth.Span) ids.Add(id.ToString(CultureInfo.InvariantCulture));
        List<(string, float)> found = rows.ConvertAll(row => (TextEvaluation.IdText(row.Id), row.Score ?? float.NaN));
        if (found.All(row => ids.Contains(row.Item1)) && found.Count == ids.Count) return 1;
        Value[] numbers = new Value[truth.Length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = Value.Of((ulong)truth.Span[i]);
        Filter only = Filter.Compare("id", FilterOperator.In, Value.Of(numbers));
        List<ResultRow> exact = await SearchAsync(RankKind.Knn, vector, only, (uint)numbers.Length)
            .ConfigureAwait(false);
        float farthest = exact.Count == 0 ? float.NegativeInfinity : exact[^1].Score ?? float.NaN;
        return RetrievalMetrics.TieAwareRecall(found, ids, farthest);
    }

    private async Task<List<ResultRow>> SearchAsync(RankKind kind, float[] vector, Filter? filter, uint depth)
    {
        Query query = new()
        {
            RankBy = new RankBy { Kind = kind, Attribute = Attribute, Operand = Value.Of(vector) },
            Filter = filter, Limit = depth,
        };
        QueryRequest request = new() { Namespace = name, Metric = Metric, Queries = [query] };
        QueryReply reply = await client.QueryAsync(request).ConfigureAwait(false);
        return reply.Results[0].Rows;
    }
}
