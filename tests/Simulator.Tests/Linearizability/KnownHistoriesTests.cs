using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Formats.Tar;
using System.IO;
using System.IO.Compression;
using System.Text;
using Deterministic.Simulator.Linearizability;
using Deterministic.TestSupport;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>Histories of real systems whose verdicts are known, from the tests of Porcupine, Knossos and elle-cli. They
/// are not part of the repository; where they are absent the tests say so.</summary>
public sealed class KnownHistoriesTests(ITestOutputHelper output)
{
    [Fact]
    public void PorcupinesRegistersOfEtcdAreJudgedAsExpected() => Judge(
        "porcupine", "test_data/jepsen/", 102,
        static (_, text) => Register(RecordedHistory.LogEvents(text), null, true));

    [Fact]
    public void PorcupinesKeyValueHistoriesAreJudgedAsExpected() => Judge(
        "porcupine", "test_data/kv/", 6, static (_, text) => Text(text));

    [Fact]
    public void KnossosHistoriesAreJudgedAsExpected() => Judge("knossos", "data/", 122, static (path, text) =>
    {
        List<SortedDictionary<string, object?>> events = EdnReader.Events(text);
        return path.Contains("multi-register", StringComparison.Ordinal)
            ? new LinearizabilityChecker<RegistersOperation, SortedDictionary<string, long>, RegistersModel>(default)
                .Check(RecordedHistory.Registers(events))
            : Register(events, InitialOf(path), false);
    });

    /// <summary>The others of that collection are about isolation of transactions, sets and counters.</summary>
    [Fact]
    public void ElleCliRegistersAndLocksAreJudgedAsExpected() => Judge(
        "elle-cli", "histories/knossos/", 10, static (path, text) => Register(
            path.EndsWith(".json", StringComparison.Ordinal)
                ? RecordedHistory.JsonEvents(text) : EdnReader.Events(text),
            InitialOf(path), false));

    private static long? InitialOf(string path) => path.Contains("mutex", StringComparison.Ordinal) ? 0 : null;

    private static LinearizabilityReport Register(
        List<SortedDictionary<string, object?>> events, long? initial, bool failedSetsSaw) =>
        new LinearizabilityChecker<RegisterOperation, long?, RegisterModel>(new RegisterModel(initial))
            .Check(RecordedHistory.Register(events, failedSetsSaw));

    private static LinearizabilityReport Text(string text) =>
        new LinearizabilityChecker<TextOperation, string, TextModel>(default)
            .Check(RecordedHistory.Text(EdnReader.Events(text)));

    private void Judge(
        string collection, string folder, int expectedCount, Func<string, string, LinearizabilityReport> judge)
    {
        if (SharedData.Folder is null)
        {
            output.WriteLine("no shared data here: the known histories were not judged");
            return;
        }
        SortedDictionary<string, bool> expected = Verdicts(collection);
        List<string> wrong = [];
        int judged = 0, operations = 0;
        long started = Stopwatch.GetTimestamp();
        foreach ((string path, string text) in Files(collection, folder))
        {
            if (!expected.TryGetValue(path, out bool linearizable)) continue;
            long before = Stopwatch.GetTimestamp();
            LinearizabilityReport report = judge(path, text);
            double milliseconds = Stopwatch.GetElapsedTime(before).TotalMilliseconds;
            judged++;
            operations += report.Operations;
            output.WriteLine($"{path}: {milliseconds:F1} ms, {report}");
            if (report.Verdict != (linearizable ? Verdict.Linearizable : Verdict.NotLinearizable))
                wrong.Add($"{path}: {report}");
        }
        output.WriteLine($"{judged} histories, {operations} operations, {Stopwatch.GetElapsedTime(started)}");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(expectedCount, judged);
    }

    /// <summary>Whether each history is linearizable, by its path in the archive.</summary>
    private static SortedDictionary<string, bool> Verdicts(string collection)
    {
        SortedDictionary<string, bool> verdicts = new(StringComparer.Ordinal);
        string path = Path.Combine(SharedData.Folder!, "linearizability", collection + "-expected.tsv");
        foreach (string line in File.ReadAllLines(path))
        {
            string[] fields = line.Split('\t');
            string verdict = collection == "elle-cli" ? fields[2] : fields[1].ToLowerInvariant();
            if (verdict is not ("true" or "false" or "valid" or "invalid")) continue;
            string prefix = collection switch { "porcupine" => "test_data/", "knossos" => "data/", _ => "" };
            verdicts.Add(prefix + fields[0], verdict is "true" or "valid");
        }
        if (collection == "knossos") verdicts.Add("data/multi-register/good/multi-register.edn", true);
        return verdicts;
    }

    private static IEnumerable<(string Path, string Text)> Files(string collection, string folder)
    {
        string name = collection switch
        {
            "porcupine" => "porcupine-test_data", "knossos" => "knossos-data", _ => "elle-cli-histories",
        };
        string path = Path.Combine(SharedData.Folder!, "linearizability", name + ".tar.gz");
        using GZipStream stream = new(File.OpenRead(path), CompressionMode.Decompress);
        using TarReader reader = new(stream);
        while (reader.GetNextEntry() is TarEntry entry)
        {
            if (entry.DataStream is null || !entry.Name.StartsWith(folder, StringComparison.Ordinal)) continue;
            using StreamReader text = new(entry.DataStream, Encoding.UTF8);
            yield return (entry.Name, text.ReadToEnd());
        }
    }
}
