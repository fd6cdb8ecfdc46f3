using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>As much of Clojure's data notation as recorded histories use: maps, lists and vectors, numbers, strings,
/// keywords (as strings), nil, comments.</summary>
internal sealed class EdnReader(string text)
{
    private int _at;

    /// <summary>The events of a history, whether they stand alone or in one list.</summary>
    public static List<SortedDictionary<string, object?>> Events(string text)
    {
        EdnReader reader = new(text);
        List<SortedDictionary<string, object?>> events = [];
        for (reader.SkipSpace(); reader._at < text.Length; reader.SkipSpace())
        {
            object? form = reader.Read();
            if (form is SortedDictionary<string, object?> map) events.Add(map);
            else foreach (object? item in (List<object?>)form!) events.Add((SortedDictionary<string, object?>)item!);
        }
        return events;
    }

    private object? Read()
    {
        SkipSpace();
        switch (text[_at])
        {
            case '{':
                return ReadMap();
            case '[':
                return ReadList(']');
            case '(':
                return ReadList(')');
            case '"':
                return ReadString();
            default:
                string word = ReadWord();
                if (word == "nil") return null;
                if (word[0] == ':') return word[1..];
                return long.TryParse(word, CultureInfo.InvariantCulture, out long number) ? number : word;
        }
    }

    private SortedDictionary<string, object?> ReadMap()
    {
        SortedDictionary<string, object?> map = new(StringComparer.Ordinal);
        List<object?> items = ReadList('}');
        for (int i = 0; i < items.Count; i += 2) map.Add((string)items[i]!, items[i + 1]);
        return map;
    }

    private List<object?> ReadList(char end)
    {
        List<object?> items = [];
        _at++;
        for (SkipSpace(); text[_at] != end; SkipSpace()) items.Add(Read());
        _at++;
        return items;
    }

    private string ReadString()
    {
        StringBuilder content = new();
        for (_at++; text[_at] != '"'; _at++)
        {
            if (text[_at] == '\\') _at++;
            content.Append(text[_at]);
        }
        _at++;
        return content.ToString();
    }

    private string ReadWord()
    {
        int start = _at;
        while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && !"{}[](),;\"".Contains(text[_at])) _at++;
        return text[start.._at];
    }

    private void SkipSpace()
    {
        while (_at < text.Length && (char.IsWhiteSpace(text[_at]) || text[_at] is ',' or ';'))
        {
            if (text[_at] == ';') _at = text.IndexOf('\n', _at);
            else _at++;
        }
    }
}
