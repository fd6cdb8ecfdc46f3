using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Deterministic.UnicodeTables;

/// <summary>Writes C# tables. A three-stage table of a byte per code point is: Tops[c >> 12] is a group,
/// Groups[group * 32 + (c >> 7 &amp; 31)] is a block, Blocks[block * 128 + (c &amp; 127)] is the value.</summary>
internal sealed class TableWriter
{
    private const int BlockSize = 128;
    private const int GroupSize = 32;
    private readonly StringBuilder _text = new();

    public TableWriter(string type, string summary)
    {
        _text.Append("// Written by eng/UnicodeTables from the Unicode Character Database 15.0.0.\n");
        _text.Append("// © 2022 Unicode, Inc. Unicode licence: https://www.unicode.org/license.txt\n");
        _text.Append("using System;\n\nnamespace Deterministic.StateMachine.Text;\n\n");
        _text.Append($"/// <summary>{summary}</summary>\ninternal static class {type}\n{{");
    }

    public void ThreeStages(string name, byte[] values, bool asText)
    {
        if (values.Length != UcdFiles.CodePoints) throw new ArgumentException("one value per code point");
        byte[] index = Split(values, BlockSize, out byte[] blocks);
        byte[] tops = Split(index, GroupSize, out byte[] groups);
        Numbers("byte", name + "Tops", Array.ConvertAll(tops, value => (int)value));
        Numbers("byte", name + "Groups", Array.ConvertAll(groups, value => (int)value));
        if (asText) Text(name + "Blocks", Encoding.ASCII.GetString(blocks));
        else Numbers("byte", name + "Blocks", Array.ConvertAll(blocks, value => (int)value));
    }

    public void Numbers(string type, string name, int[] values)
    {
        _text.Append($"\n    public static ReadOnlySpan<{type}> {name} =>\n    [");
        int column = 120;
        foreach (int value in values)
        {
            string item = $"{value},";
            if (column + item.Length > 116)
            {
                _text.Append("\n        ");
                column = 8;
            }
            _text.Append(item);
            column += item.Length;
        }
        _text.Append("\n    ];\n");
    }

    /// <summary>Printable ASCII without quotes and backslashes, in lines of 64 characters.</summary>
    public void Text(string name, string value)
    {
        _text.Append($"\n    public static ReadOnlySpan<byte> {name} =>");
        for (int start = 0; start < value.Length; start += 64)
        {
            string part = value.Substring(start, Math.Min(64, value.Length - start));
            string end = start + 64 >= value.Length ? ";" : " +";
            _text.Append($"\n        \"{part}\"u8{end}");
        }
        _text.Append('\n');
    }

    public void Save(string path)
    {
        _text.Append("}\n");
        File.WriteAllText(path, _text.ToString());
    }

    private static byte[] Split(byte[] values, int size, out byte[] parts)
    {
        List<byte> distinct = [];
        Dictionary<string, byte> seen = [];
        byte[] index = new byte[values.Length / size];
        for (int i = 0; i < index.Length; i++)
        {
            byte[] part = values[(i * size)..((i + 1) * size)];
            string key = Convert.ToHexString(part);
            if (!seen.TryGetValue(key, out byte number))
            {
                number = checked((byte)seen.Count);
                seen.Add(key, number);
                distinct.AddRange(part);
            }
            index[i] = number;
        }
        parts = [.. distinct];
        return index;
    }
}
