using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using Deterministic.Replica.Commands.Evaluation;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Client.Tests.Commands;

public sealed class RetrievalMetricsTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, int> Graded =
        new() { ["a"] = 3, ["b"] = 2, ["c"] = 1, ["d"] = 0, ["e"] = -1 };

    [Fact]
    public void NdcgByHand()
    {
        // Gains 0, 3, 0, 1 at ranks 1 to 4 against the ideal 3, 2, 1.
        double gain = 3 / Math.Log2(3) + 1 / Math.Log2(5);
        double ideal = 3 / Math.Log2(2) + 2 / Math.Log2(3) + 1 / Math.Log2(4);
        Assert.Equal(gain / ideal, RetrievalMetrics.Ndcg(["d", "a", "e", "c"], Graded, 10), 12);
        double cut = 3 / Math.Log2(3) / (3 + 2 / Math.Log2(3));
        Assert.Equal(cut, RetrievalMetrics.Ndcg(["d", "a", "e", "c"], Graded, 2), 12);
        Assert.Equal(1, RetrievalMetrics.Ndcg(["a", "b", "c"], Graded, 10), 12);
        Assert.Equal(0, RetrievalMetrics.Ndcg([], Graded, 10));
        Assert.Equal(0, RetrievalMetrics.Ndcg(["a"], new Dictionary<string, int> { ["a"] = 0 }, 10));
    }

    [Fact]
    public void AveragePrecisionByHand()
    {
        // Relevant a, b, c; found at ranks 2 and 4: (1/2 + 2/4) / 3.
        Assert.Equal(1 / 3.0, RetrievalMetrics.AveragePrecision(["d", "a", "e", "c"], Graded, 1000), 12);
        Assert.Equal(0.5 / 3, RetrievalMetrics.AveragePrecision(["d", "a", "e", "c"], Graded, 3), 12);
        Assert.Equal(1, RetrievalMetrics.AveragePrecision(["b", "c", "a"], Graded, 1000), 12);
    }

    [Fact]
    public void RecallByHand()
    {
        Assert.Equal(2 / 3.0, RetrievalMetrics.Recall(["d", "a", "e", "c"], Graded, 100), 12);
        Assert.Equal(1 / 3.0, RetrievalMetrics.Recall(["d", "a", "e", "c"], Graded, 2), 12);
    }

    [Fact]
    public void RowsAsNearAsTheFarthestTrueOneCount()
    {
        HashSet<string> truth = ["1", "2", "3"];
        Assert.Equal(1, RetrievalMetrics.TieAwareRecall([("1", 0.1f), ("2", 0.2f), ("9", 0.3f)], truth, 0.3f));
        Assert.Equal(2 / 3.0,
            RetrievalMetrics.TieAwareRecall([("1", 0.1f), ("2", 0.2f), ("9", 0.4f)], truth, 0.3f), 12);
        Assert.Equal(1 / 3.0, RetrievalMetrics.TieAwareRecall([("1", 0.1f)], truth, 0.3f), 12);
    }

    [Fact]
    public void PercentileIsTheNearestRank()
    {
        double[] sorted = Enumerable.Range(1, 200).Select(i => (double)i).ToArray();
        Assert.Equal(100, RetrievalMetrics.Percentile(sorted, 50));
        Assert.Equal(198, RetrievalMetrics.Percentile(sorted, 99));
        Assert.Equal(7, RetrievalMetrics.Percentile([7], 99));
    }

    /// <summary>nDCG@10 and recall@100 of the reference runs, computed elsewhere, to four digits.</summary>
    [Theory]
    [InlineData("cranfield", 0.3681, 0.7373)]
    [InlineData("scifact", 0.6833, 0.9276)]
    [InlineData("med", 0.6826, 0.7836)]
    public void ReferenceRunsScoreAsPublished(string set, double ndcg, double recall)
    {
        string? folder = SharedData();
        if (folder is null)
        {
            output.WriteLine("no shared/data above this folder: nothing compared");
            return;
        }
        folder = Path.Combine(folder, "ir", set);
        Dictionary<string, Dictionary<string, int>> qrels = Judgements.ReadQrels(Path.Combine(folder, "qrels.tsv"));
        Dictionary<string, List<string>> runs = ReadRun(Path.Combine(folder, "bm25-porter-top100.run.gz"));
        string[] judged = Judgements.ReadQueries(Path.Combine(folder, "queries.jsonl")).Select(query => query.Id)
            .Where(id => qrels.ContainsKey(id) && RetrievalMetrics.Relevant(qrels[id]) > 0).ToArray();
        Assert.NotEmpty(judged);
        Assert.Equal(ndcg, judged.Average(id => RetrievalMetrics.Ndcg(runs[id], qrels[id], 10)), 0.00006);
        Assert.Equal(recall, judged.Average(id => RetrievalMetrics.Recall(runs[id], qrels[id], 100)), 0.00006);
    }

    private static Dictionary<string, List<string>> ReadRun(string path)
    {
        Dictionary<string, List<string>> runs = [];
        using StreamReader lines = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        while (lines.ReadLine() is string line)
        {
            string[] cells = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (!runs.TryGetValue(cells[0], out List<string>? run)) runs.Add(cells[0], run = []);
            run.Add(cells[2]);
        }
        return runs;
    }

    private static string? SharedData()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", "data");
            if (Directory.Exists(candidate)) return candidate;
        }
        return null;
    }
}
