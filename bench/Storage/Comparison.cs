using System;
using System.Globalization;
using System.IO;

namespace Deterministic.StorageBenchmark;

/// <summary>Lets the engines take turns at the same work, demands the same results, and prints the medians. The ratio
/// is the median over the rounds of our time by RocksDB's time in that round: below 1 ours is faster.</summary>
internal sealed class Comparison(int engines)
{
    public void PrintHeader(EnginePair pair) => Console.WriteLine(
        $"{"",-38}{pair[0].Name,14}{(engines == 2 ? pair[1].Name : ""),12}{"ratio",8}   "
        + "for each: processor time, bytes read from and written to disk, an operation");

    /// <param name="turn">The engine's number (0 is ours, 1 RocksDB) and the round.</param>
    /// <param name="rounds">How often each engine's turn comes.</param>
    /// <param name="whole">The rounds are parts of one whole, not repetitions: their sums count, not medians.</param>
    /// <returns>The turns by engine and round.</returns>
    public Turn[][] Measure(string name, int rounds, Func<int, int, Turn> turn, bool whole = false)
    {
        Turn[][] turns = new Turn[engines][];
        for (int engine = 0; engine < engines; engine++) turns[engine] = new Turn[rounds];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < engines; i++)
            {
                int engine = (i + round) % engines;
                turns[engine][round] = turn(engine, round);
            }
            if (engines == 2) DemandSameResults(name, turns[0][round], turns[1][round]);
        }
        Print(name, whole ? Array.ConvertAll(turns, parts => new[] { Turn.Sum(parts) }) : turns);
        return turns;
    }

    /// <summary>Work that is not timed, with the same demand.</summary>
    public void Check(string name, Func<int, ResultHash> work)
    {
        ulong first = 0;
        for (int engine = 0; engine < engines; engine++)
        {
            ulong hash = work(engine).Value;
            if (engine == 0) first = hash;
            else if (hash != first) throw new InvalidDataException($"{name}: the engines' results differ");
        }
        string verdict = engines == 2 ? "the same bytes from both" : "nothing to compare with";
        Console.WriteLine($"{name,-38}{verdict}, hash {first:x16}");
    }

    private static void DemandSameResults(string name, Turn ours, Turn theirs)
    {
        if (ours.Hash != theirs.Hash || ours.Operations != theirs.Operations)
            throw new InvalidDataException($"{name}: the engines' results differ");
    }

    private void Print(string name, Turn[][] turns)
    {
        string theirs = "-", ratio = "-";
        if (engines == 2)
        {
            theirs = Duration(Median(turns[1], turn => turn.NanosecondsPerOperation));
            double[] ratios = new double[turns[0].Length];
            for (int i = 0; i < ratios.Length; i++) ratios[i] = turns[0][i].Seconds / turns[1][i].Seconds;
            ratio = Median(ratios).ToString("F2", CultureInfo.InvariantCulture);
        }
        string details = Details(turns[0]) + (engines == 2 ? " | " + Details(turns[1]) : "");
        string ours = Duration(Median(turns[0], turn => turn.NanosecondsPerOperation));
        Console.WriteLine($"{name,-38}{ours,14}{theirs,12}{ratio,8}   {details}");
    }

    private static string Details(Turn[] turns)
    {
        double processor = Median(turns, turn => turn.ProcessorSeconds * 1e9 / turn.Operations);
        Turn sum = Turn.Sum(turns);
        double read = (double)sum.BytesRead / sum.Operations;
        double written = (double)sum.BytesWritten / sum.Operations;
        return $"{Duration(processor)} {Sizes.Text(read)} {Sizes.Text(written)}";
    }

    private static string Duration(double nanoseconds) => nanoseconds switch
    {
        < 10_000 => nanoseconds.ToString("F0", CultureInfo.InvariantCulture) + " ns",
        < 10_000_000 => (nanoseconds / 1e3).ToString("F1", CultureInfo.InvariantCulture) + " us",
        _ => (nanoseconds / 1e6).ToString("F1", CultureInfo.InvariantCulture) + " ms",
    };

    private static double Median(Turn[] turns, Converter<Turn, double> value) =>
        Median(Array.ConvertAll(turns, value));

    private static double Median(double[] values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
