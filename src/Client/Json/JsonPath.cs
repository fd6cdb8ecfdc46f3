using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Deterministic.Client.Json;

/// <summary>Where a reader is inside a JSON text: names and indexes from the root.</summary>
internal sealed class JsonPath
{
    /// <summary>Of a name in a complaint: those that may be names are shorter.</summary>
    private const int NameShownMax = 512;

    private readonly List<(string? Name, int Index)> _segments = [];

    public int Depth => _segments.Count;

    public void Push(string name) => _segments.Add((name, 0));

    public void Push(int index) => _segments.Add((null, index));

    public void Truncate(int depth) => _segments.RemoveRange(depth, _segments.Count - depth);

    public override string ToString()
    {
        StringBuilder text = new();
        foreach ((string? name, int index) in _segments)
        {
            if (name is null) text.Append('[').Append(index.ToString(CultureInfo.InvariantCulture)).Append(']');
            else text.Append(text.Length == 0 ? "" : ".").Append(Shorten(name, NameShownMax));
        }
        return text.ToString();
    }

    /// <summary>So that a complaint about a large request is not as large as it.</summary>
    public static string Shorten(string text, int lengthMax)
    {
        if (text.Length <= lengthMax) return text;
        int end = char.IsHighSurrogate(text[lengthMax - 1]) ? lengthMax - 1 : lengthMax;
        return text[..end] + "…";
    }
}
