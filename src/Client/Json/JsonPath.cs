using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Deterministic.Client.Json;

/// <summary>Where a reader is inside a JSON text: names and indexes from the root.</summary>
internal sealed class JsonPath
{
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
            else text.Append(text.Length == 0 ? "" : ".").Append(name);
        }
        return text.ToString();
    }
}
