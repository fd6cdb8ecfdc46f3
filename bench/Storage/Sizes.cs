using System;
using System.Globalization;

namespace Deterministic.StorageBenchmark;

/// <summary>Bytes as people write them: 256MiB.</summary>
internal static class Sizes
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB"];

    public static long Parse(string text)
    {
        for (int unit = Units.Length - 1; unit >= 0; unit--)
        {
            if (!text.EndsWith(Units[unit], StringComparison.Ordinal)) continue;
            return checked(long.Parse(text[..^Units[unit].Length], CultureInfo.InvariantCulture) << (10 * unit));
        }
        return long.Parse(text, CultureInfo.InvariantCulture);
    }

    public static string Text(double bytes)
    {
        int unit = 0;
        while (bytes >= 1024 && unit < Units.Length - 1)
        {
            bytes /= 1024;
            unit++;
        }
        string format = bytes < 10 ? "0.##" : "0";
        return bytes.ToString(format, CultureInfo.InvariantCulture) + " " + Units[unit];
    }
}
