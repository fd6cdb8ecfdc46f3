using System;
using System.Globalization;

namespace Deterministic.Replica.Hosting;

/// <summary>Sizes as people write them: a whole number and KiB, MiB, GiB, TiB or nothing for bytes.</summary>
internal static class SizeText
{
    private static readonly (string Unit, int Shift)[] Units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40),
        ("B", 0)];

    public static bool TryParse(string text, out long bytes)
    {
        int shift = 0;
        string number = text.Trim();
        foreach ((string unit, int unitShift) in Units)
        {
            if (!number.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) continue;
            number = number[..^unit.Length].TrimEnd();
            shift = unitShift;
            break;
        }
        bytes = 0;
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long count)) return false;
        if (count > long.MaxValue >> shift) return false;
        bytes = count << shift;
        return true;
    }

    public static string Format(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        int unit = 0;
        double size = bytes;
        for (; size >= 1024 && unit < units.Length - 1; unit++) size /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{size:0.##} {units[unit]}");
    }
}
