using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Globs and regular expressions by definition: a tree, each node of which leads from a set of places in a
/// text to the set of places where it can end. Reads only what the workload writes.</summary>
internal sealed class NaivePattern
{
    private enum Kind
    {
        One,
        Sequence,
        Either,
        Repeat,
        Start,
        End,
        WordEdge,
    }

    private Kind _kind;
    private readonly List<NaivePattern> _children = [];
    private readonly List<(int First, int Last)> _ranges = [];
    private bool _negated;
    private bool _ignoreCase;
    private int _least;
    private int _most;

    public static bool Matches(FilterOperator op, string pattern, string text)
    {
        int[] points = Points(text);
        bool[] places = new bool[points.Length + 1];
        if (op == FilterOperator.Regex)
        {
            Array.Fill(places, true);
            bool[] ends = new NaivePatternReader(pattern, isGlob: false, ignoreCase: false).Read().Ends(points, places);
            return Array.IndexOf(ends, true) >= 0;
        }
        bool ignoreCase = op is FilterOperator.IGlob or FilterOperator.NotIGlob;
        places[0] = true;
        return new NaivePatternReader(pattern, isGlob: true, ignoreCase).Read().Ends(points, places)[^1];
    }

    /// <summary>The fewest edits between a text and any part of a value, by the whole table.</summary>
    public static bool IsNear(string wanted, string value, FuzzyOptions options)
    {
        int[] left = Points(wanted);
        int[] right = Points(value);
        int allowed = 0;
        int reached = 0;
        foreach (FuzzyDistance distance in options.Distances)
        {
            if (distance.CharactersMin > left.Length || distance.CharactersMin < reached) continue;
            reached = distance.CharactersMin;
            allowed = distance.Distance;
        }
        if (allowed == 0) return false;
        int[,] table = new int[left.Length + 1, right.Length + 1];
        for (int i = 1; i <= left.Length; i++)
        {
            table[i, 0] = i;
            for (int k = 1; k <= right.Length; k++)
            {
                bool same = options.CaseSensitive
                    ? left[i - 1] == right[k - 1] : Lower(left[i - 1]) == Lower(right[k - 1]);
                int edits = table[i - 1, k - 1] + (same ? 0 : 1);
                if (table[i - 1, k] + 1 < edits) edits = table[i - 1, k] + 1;
                if (table[i, k - 1] + 1 < edits) edits = table[i, k - 1] + 1;
                table[i, k] = edits;
            }
        }
        for (int k = 0; k <= right.Length; k++)
        {
            if (table[left.Length, k] <= allowed) return true;
        }
        return false;
    }

    /// <summary>What is wrong with a pattern of the workload, if one of its wrong ones.</summary>
    public static string? Problem(FilterOperator op, string pattern)
    {
        bool regex = op == FilterOperator.Regex;
        return pattern switch
        {
            "log[" => "at byte 3 a [ without a ]",
            "é(a" when regex => "at byte 2 a ( without a )",
            "a{2" when regex => "at byte 1 a { that begins no repetition",
            "(a)\\1" when regex => "at byte 3 a back reference, which is not supported",
            "a{2" => "at byte 1 a { without a }",
            _ => null,
        };
    }

    public static string[] Wrong { get; } = ["log[", "é(a", "a{2", "(a)\\1"];

    public static NaivePattern Of(bool negated, bool ignoreCase, params (int First, int Last)[] ranges)
    {
        NaivePattern one = new() { _kind = Kind.One, _negated = negated, _ignoreCase = ignoreCase };
        one._ranges.AddRange(ranges);
        return one;
    }

    public static NaivePattern Sequence(List<NaivePattern> children) => Node(Kind.Sequence, children);

    public static NaivePattern Either(List<NaivePattern> children) => Node(Kind.Either, children);

    /// <param name="child">What is repeated.</param>
    /// <param name="least">As often at least.</param>
    /// <param name="most">As often at most; -1: no limit.</param>
    public static NaivePattern Repeat(NaivePattern child, int least, int most)
    {
        NaivePattern repeat = Node(Kind.Repeat, [child]);
        repeat._least = least;
        repeat._most = most;
        return repeat;
    }

    public static NaivePattern Anchor(char sign) =>
        Node(sign == '^' ? Kind.Start : sign == '$' ? Kind.End : Kind.WordEdge, []);

    private static NaivePattern Node(Kind kind, List<NaivePattern> children)
    {
        NaivePattern node = new() { _kind = kind };
        node._children.AddRange(children);
        return node;
    }

    private static int[] Points(string text)
    {
        List<int> points = [];
        foreach (Rune rune in text.EnumerateRunes()) points.Add(rune.Value);
        return points.ToArray();
    }

    private bool[] Ends(int[] text, bool[] places)
    {
        bool[] ends = new bool[places.Length];
        switch (_kind)
        {
            case Kind.Sequence:
                ends = places;
                foreach (NaivePattern child in _children) ends = child.Ends(text, ends);
                return ends;
            case Kind.Either:
                foreach (NaivePattern child in _children) Add(ends, child.Ends(text, places));
                return ends;
            case Kind.Repeat:
                return Repetitions(text, places);
        }
        for (int i = 0; i < places.Length; i++)
        {
            if (!places[i]) continue;
            if (_kind == Kind.One && i < text.Length && Takes(text[i])) ends[i + 1] = true;
            else if (_kind == Kind.Start) ends[i] = i == 0;
            else if (_kind == Kind.End) ends[i] = i == text.Length;
            else if (_kind == Kind.WordEdge)
                ends[i] = (i > 0 && IsWord(text[i - 1])) != (i < text.Length && IsWord(text[i]));
        }
        return ends;
    }

    private bool[] Repetitions(int[] text, bool[] places)
    {
        bool[] now = places;
        for (int i = 0; i < _least; i++) now = _children[0].Ends(text, now);
        bool[] ends = (bool[])now.Clone();
        for (int i = _least; _most < 0 || i < _most; i++)
        {
            now = _children[0].Ends(text, now);
            if (!Add(ends, now)) break;
        }
        return ends;
    }

    private static bool Add(bool[] to, bool[] from)
    {
        bool grown = false;
        for (int i = 0; i < to.Length; i++)
        {
            grown |= from[i] && !to[i];
            to[i] |= from[i];
        }
        return grown;
    }

    private bool Takes(int point)
    {
        bool inside = false;
        foreach ((int first, int last) in _ranges)
        {
            inside |= point >= first && point <= last;
            if (!_ignoreCase) continue;
            for (int other = first; other <= last; other++) inside |= Lower(other) == Lower(point);
        }
        return inside != _negated;
    }

    /// <summary>For the letters of the workload.</summary>
    private static int Lower(int point) => point is >= 'A' and <= 'Z' or 'Ü' ? point + ('a' - 'A') : point;

    public static bool IsWord(int point) => point == '_' || Rune.IsLetterOrDigit(new Rune(point));
}
