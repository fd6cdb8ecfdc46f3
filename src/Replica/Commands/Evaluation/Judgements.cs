using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using Deterministic.Replica.Commands.Data;

namespace Deterministic.Replica.Commands.Evaluation;

/// <summary>The two files of a text collection: judgements (query-id, corpus-id, score; or TREC's four columns; a
/// header line is passed over) and queries ({"_id", "text"} a line).</summary>
public static class Judgements
{
    public static Dictionary<string, Dictionary<string, int>> ReadQrels(string path)
    {
        using InputFile file = new(path);
        using StreamReader lines = new(file.Stream, Encoding.UTF8);
        Dictionary<string, Dictionary<string, int>> qrels = new(StringComparer.Ordinal);
        int number = 0;
        while (lines.ReadLine() is string line)
        {
            number++;
            string[] cells = line.Split(line.Contains('\t') ? '\t' : ' ', StringSplitOptions.RemoveEmptyEntries);
            if (cells.Length == 0) continue;
            bool parsed = int.TryParse(
                cells[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int score);
            if (number == 1 && !parsed) continue;
            if (!parsed || cells.Length is < 3 or > 4)
            {
                throw new CommandException(
                    $"{path}, line {number}: expects query-id, corpus-id, score between tabs, got \"{line}\"");
            }
            if (!qrels.TryGetValue(cells[0], out Dictionary<string, int>? documents))
                qrels.Add(cells[0], documents = new Dictionary<string, int>(StringComparer.Ordinal));
            documents[cells[^2]] = score;
        }
        return qrels;
    }

    public static List<(string Id, string Text)> ReadQueries(string path)
    {
        using InputFile file = new(path);
        LineReader lines = new(file.Stream);
        List<(string, string)> queries = [];
        while (lines.TryRead(out ReadOnlyMemory<byte> line))
        {
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) < 0) continue;
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                JsonElement id = document.RootElement.GetProperty("_id");
                queries.Add((id.ToString(), document.RootElement.GetProperty("text").GetString() ?? ""));
            }
            catch (Exception exception) when (exception is JsonException or KeyNotFoundException
                or InvalidOperationException)
            {
                throw new CommandException(
                    $"{path}, line {lines.Line}: expects {{\"_id\":\"…\",\"text\":\"…\"}}: {exception.Message}");
            }
        }
        return queries;
    }
}
