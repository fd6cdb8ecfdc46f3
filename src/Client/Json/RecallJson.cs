using System;
using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>How recall is to be measured.</summary>
public sealed class ParsedRecall
{
    /// <summary>Stored vectors to search for.</summary>
    public uint Samples { get; init; } = 25;
    public uint TopK { get; init; } = 10;
    public Filter? Filter { get; init; }

    /// <summary>Whether the answer tells the nearest rows of each sample.</summary>
    public bool IncludeGroundTruth { get; init; }
}

/// <summary>One sample: a stored vector, the rows nearest to it, and how many of them a search finds.</summary>
public sealed class RecallSample
{
    public required Value Vector { get; init; }
    public required List<ResultRow> Exact { get; init; }
    public required List<ResultRow> Found { get; init; }

    /// <summary>Part of <see cref="Exact"/> that is in <see cref="Found"/>, 0 to 1; rows as far away as the last
    /// exact one count as well as it.</summary>
    public double Recall
    {
        get
        {
            if (Exact.Count == 0) return Found.Count == 0 ? 1 : 0;
            float? last = Exact[^1].Score;
            int hits = 0;
            foreach (ResultRow row in Found)
                if (row.Score <= last || Exact.Exists(exact => exact.Id.Equals(row.Id))) hits++;
            return (double)Math.Min(hits, Exact.Count) / Exact.Count;
        }
    }
}

/// <summary>The body of a measurement of recall, and its answer.</summary>
public static class RecallJson
{
    public const uint SamplesMax = 200;

    /// <summary>An empty body asks for the defaults.</summary>
    /// <exception cref="JsonRequestException">Names what is wrong and where.</exception>
    public static ParsedRecall Parse(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty) return new ParsedRecall();
        uint samples = new ParsedRecall().Samples, topK = new ParsedRecall().TopK;
        Filter? filter = null;
        bool truth = false;
        JsonCursor cursor = new(json);
        ObjectScope scope = cursor.Object("a measurement of recall (an object)");
        while (cursor.Next(ref scope, out string field))
        {
            if (cursor.IsNull) continue;
            switch (field)
            {
                case "num": samples = cursor.Count(1, SamplesMax); break;
                case "top_k": topK = cursor.Count(1, Limits.ResultsMax); break;
                case "filters": filter = FilterJson.Read(ref cursor); break;
                case "include_ground_truth": truth = cursor.Bool(); break;
                case "rank_by" or "queries": throw cursor.NotSupported(field);
                default:
                    throw cursor.Fail("unknown field; known are num, top_k, filters and include_ground_truth");
            }
        }
        cursor.End();
        return new ParsedRecall { Samples = samples, TopK = topK, Filter = filter, IncludeGroundTruth = truth };
    }

    /// <summary>Averages over at least one sample.</summary>
    public static void Write(Utf8JsonWriter writer, IReadOnlyList<RecallSample> samples, bool groundTruth)
    {
        Check.That(samples.Count > 0);
        double recall = 0, exact = 0, found = 0;
        foreach (RecallSample sample in samples)
        {
            recall += sample.Recall;
            exact += sample.Exact.Count;
            found += sample.Found.Count;
        }
        writer.WriteStartObject();
        writer.WriteNumber("avg_recall", recall / samples.Count);
        writer.WriteNumber("avg_exhaustive_count", exact / samples.Count);
        writer.WriteNumber("avg_ann_count", found / samples.Count);
        if (groundTruth) WriteTruth(writer, samples);
        writer.WriteEndObject();
    }

    private static void WriteTruth(Utf8JsonWriter writer, IReadOnlyList<RecallSample> samples)
    {
        writer.WriteStartArray("ground_truth");
        foreach (RecallSample sample in samples)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("query_vector");
            ValueJson.Write(writer, sample.Vector);
            writer.WriteStartArray("nearest_neighbors");
            foreach (ResultRow row in sample.Exact) ReplyJson.WriteRow(writer, row);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
    }
}
