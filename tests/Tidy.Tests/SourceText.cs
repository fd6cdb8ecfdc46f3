using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;

namespace Deterministic.Tidy.Tests;

/// <summary>C# source with comments and literals blanked out, so that plain text searches see code only.</summary>
internal static class SourceText
{
    /// <summary>Same length and lines as <paramref name="text"/>; comments and the inside of literals are
    /// spaces.</summary>
    public static string CodeOnly(string text)
    {
        char[] code = text.ToCharArray();
        int i = 0;
        while (i < code.Length)
        {
            int end = EndOfCommentOrLiteral(text, i);
            for (int j = i; j < end; j++)
            {
                if (code[j] != '\n') code[j] = ' ';
            }
            i = end > i ? end : i + 1;
        }
        return new string(code);
    }

    private static int EndOfCommentOrLiteral(string text, int i)
    {
        if (At(text, i, "//")) return IndexOrEnd(text, "\n", i, 0);
        if (At(text, i, "/*")) return IndexOrEnd(text, "*/", i + 2, 2);
        if (text[i] == '\'') return EndOfQuoted(text, i, '\'', holes: false);
        int prefix = i;
        while (prefix < text.Length && text[prefix] is '$' or '@') prefix++;
        if (prefix >= text.Length || text[prefix] != '"') return i;
        if (At(text, prefix, "\"\"\"")) return EndOfRaw(text, prefix);
        bool verbatim = text[i..prefix].Contains('@');
        bool holes = text[i..prefix].Contains('$');
        return verbatim ? EndOfVerbatim(text, prefix) : EndOfQuoted(text, prefix, '"', holes);
    }

    private static int EndOfQuoted(string text, int start, char quote, bool holes)
    {
        for (int i = start + 1; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == quote || text[i] == '\n') return i + 1;
            else if (holes && text[i] == '{' && !At(text, i, "{{")) i = EndOfHole(text, i);
            else if (holes && text[i] == '{') i++;
        }
        return text.Length;
    }

    private static int EndOfHole(string text, int start)
    {
        int depth = 0;
        for (int i = start; i < text.Length; i++)
        {
            if (text[i] == '{') depth++;
            else if (text[i] == '}' && --depth == 0) return i;
            else if (text[i] is '"' or '\'' or '$' or '@')
            {
                int end = EndOfCommentOrLiteral(text, i);
                if (end > i) i = end - 1;
            }
        }
        return text.Length;
    }

    private static int EndOfVerbatim(string text, int start)
    {
        for (int i = start + 1; i < text.Length; i++)
        {
            if (text[i] != '"') continue;
            if (!At(text, i, "\"\"")) return i + 1;
            i++;
        }
        return text.Length;
    }

    private static int EndOfRaw(string text, int start)
    {
        int quotes = 0;
        while (start + quotes < text.Length && text[start + quotes] == '"') quotes++;
        return IndexOrEnd(text, new string('"', quotes), start + quotes, quotes);
    }

    private static bool At(string text, int i, string what) =>
        string.CompareOrdinal(text, i, what, 0, what.Length) == 0;

    private static int IndexOrEnd(string text, string what, int from, int past)
    {
        int at = text.IndexOf(what, from, StringComparison.Ordinal);
        return at < 0 ? text.Length : at + past;
    }
}

/// <summary>The members of a source file with the lines that they span, found by braces alone.</summary>
internal static partial class SourceMembers
{
    /// <summary>First line (from 1) and number of lines of every member with a body of its own.</summary>
    public static List<(int Line, int Lines)> Of(string code)
    {
        List<(int Line, int Lines)> members = [];
        Stack<(bool IsType, int Line)> open = [];
        open.Push((true, 0));
        int headerStart = 0;
        int line = 1;
        for (int i = 0; i < code.Length; i++)
        {
            switch (code[i])
            {
                case '\n':
                    line++;
                    break;
                case '{':
                    string header = code[headerStart..i];
                    bool type = open.Peek().IsType && TypeHeader().IsMatch(header);
                    open.Push((type, line - header.TrimStart().AsSpan().Count('\n')));
                    headerStart = i + 1;
                    break;
                case '}' when open.Count > 1:
                    (bool isType, int first) = open.Pop();
                    if (!isType && open.Peek().IsType) members.Add((first, line - first + 1));
                    headerStart = i + 1;
                    break;
                case ';':
                    headerStart = i + 1;
                    break;
            }
        }
        return members;
    }

    [GeneratedRegex(@"\b(class|struct|interface|enum|record|namespace)\s+\w")]
    private static partial Regex TypeHeader();
}
