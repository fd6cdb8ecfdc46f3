using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Deterministic.UnicodeTables;

/// <summary>Reads the semicolon-separated files of the Unicode Character Database.</summary>
internal sealed class UcdFiles(string directory)
{
    public const int CodePoints = 0x110000;

    /// <summary>Fields of every data line, comments removed.</summary>
    public IEnumerable<string[]> Lines(string file)
    {
        foreach (string line in File.ReadLines(Path.Combine(directory, file)))
        {
            int comment = line.IndexOf('#');
            string data = comment < 0 ? line : line[..comment];
            if (string.IsNullOrWhiteSpace(data)) continue;
            yield return Array.ConvertAll(data.Split(';'), field => field.Trim());
        }
    }

    /// <summary>(first, last, value) of a property file.</summary>
    public IEnumerable<(int First, int Last, string Value)> Ranges(string file)
    {
        foreach (string[] fields in Lines(file))
        {
            string[] ends = fields[0].Split("..");
            yield return (Hex(ends[0]), Hex(ends[^1]), fields[1]);
        }
    }

    public void RequireVersion(string file, string version)
    {
        string first = File.ReadAllLines(Path.Combine(directory, file))[0];
        if (!first.Contains(version, StringComparison.Ordinal))
            throw new InvalidDataException($"{file} is not of Unicode {version}: {first}");
    }

    public static int Hex(string digits) => int.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    public static int[] HexList(string list) =>
        Array.ConvertAll(list.Split(' ', StringSplitOptions.RemoveEmptyEntries), Hex);
}
