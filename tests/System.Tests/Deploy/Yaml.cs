using System;
using System.Collections.Generic;
using System.Text;

namespace Deterministic.SystemTests.Deploy;

/// <summary>As much of YAML as the manifests use: documents, block maps and lists, plain and quoted scalars, folded
/// text, comments, {}. Maps become sorted dictionaries, lists become lists, scalars stay text; quoted ones begin with a
/// quote, because they are never numbers. Anything else is refused.</summary>
internal sealed class Yaml
{
    private readonly List<(int Indent, string Text)> _lines = [];
    private int _at;

    private Yaml(string document)
    {
        foreach (string line in document.Split('\n'))
        {
            string text = line.TrimStart(' ');
            if (text.Length > 0 && text[0] != '#') _lines.Add((line.Length - text.Length, text));
        }
    }

    public static List<SortedDictionary<string, object>> Documents(string text)
    {
        List<SortedDictionary<string, object>> documents = [];
        foreach (string document in text.Split("\n---\n"))
        {
            Yaml yaml = new(document);
            documents.Add((SortedDictionary<string, object>)yaml.ReadBlock(0));
            if (yaml._at != yaml._lines.Count) throw yaml.Wrong("indented otherwise");
        }
        return documents;
    }

    private object ReadBlock(int indent)
    {
        if (_at == _lines.Count || _lines[_at].Indent != indent) throw Wrong($"not indented by {indent}");
        return _lines[_at].Text.StartsWith("- ", StringComparison.Ordinal) ? ReadList(indent) : ReadMap(indent);
    }

    private List<object> ReadList(int indent)
    {
        List<object> items = [];
        while (IsAt(indent) && _lines[_at].Text.StartsWith("- ", StringComparison.Ordinal))
        {
            string rest = _lines[_at].Text[2..];
            bool isMap = rest.EndsWith(':') || rest.Contains(": ", StringComparison.Ordinal);
            if (isMap)
            {
                // The first field stands on the line of the dash; the others are indented like it.
                _lines[_at] = (indent + 2, rest);
                items.Add(ReadMap(indent + 2));
            }
            else
            {
                _at++;
                items.Add(ReadScalar(rest, indent));
            }
        }
        return items;
    }

    private SortedDictionary<string, object> ReadMap(int indent)
    {
        SortedDictionary<string, object> map = new(StringComparer.Ordinal);
        while (IsAt(indent) && !_lines[_at].Text.StartsWith("- ", StringComparison.Ordinal))
        {
            string text = _lines[_at].Text;
            int colon = text.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || (colon + 1 < text.Length && text[colon + 1] != ' ')) throw Wrong("not a field");
            string value = text[(colon + 1)..].Trim();
            _at++;
            if (value.Length > 0) map.Add(text[..colon], ReadScalar(value, indent));
            else if (_at < _lines.Count && _lines[_at].Indent > indent)
                map.Add(text[..colon], ReadBlock(_lines[_at].Indent));
            else throw Wrong("a field without a value");
        }
        return map;
    }

    private object ReadScalar(string text, int indent)
    {
        if (text == "{}") return new SortedDictionary<string, object>(StringComparer.Ordinal);
        if (text[0] is '[' or '{' or '|' or '&' or '*' or '!') throw Wrong("notation that is not read here");
        if (text != ">-") return text;
        StringBuilder folded = new();
        for (; _at < _lines.Count && _lines[_at].Indent > indent; _at++)
            folded.Append(folded.Length > 0 ? " " : "").Append(_lines[_at].Text);
        return folded.ToString();
    }

    private bool IsAt(int indent) => _at < _lines.Count && _lines[_at].Indent == indent;

    private FormatException Wrong(string what) =>
        new($"{what}: {(_at < _lines.Count ? _lines[_at].Text : "end of the document")}");
}
