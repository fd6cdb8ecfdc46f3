using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Deterministic.UnicodeTables;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: UnicodeTables <directory of the Unicode data files> <output directory>");
    return 2;
}
UcdFiles files = new(args[0]);
files.RequireVersion("auxiliary/WordBreakProperty.txt", "15.0.0");
files.RequireVersion("CaseFolding.txt", "15.0.0");
WordTable.Write(files, Path.Combine(args[1], "WordTables.cs"));
FoldTable.Write(files, Path.Combine(args[1], "FoldTables.cs"));
files.RequireVersion("DerivedCoreProperties.txt", "15.0.0");
files.RequireVersion("PropList.txt", "15.0.0");
ClassTable.Write(files, Path.Combine(args[1], "ClassTables.cs"));
return 0;

/// <summary>Word break class (5 bits) and flags of a code point, a letter for each combination that occurs.</summary>
internal static class WordTable
{
    private const int Pictographic = 0x20;
    private const int WordLike = 0x40;
    private const int LetterOrNumber = 0x80;

    // The order is WordBreak's in src/StateMachine/Text/WordProperties.cs.
    private static readonly string[] Classes =
    [
        "Other", "CR", "LF", "Newline", "Extend", "ZWJ", "Format", "Regional_Indicator", "Katakana", "Hebrew_Letter",
        "ALetter", "Single_Quote", "Double_Quote", "MidNumLet", "MidLetter", "MidNum", "Numeric", "ExtendNumLet",
        "WSegSpace",
    ];

    public static void Write(UcdFiles files, string path)
    {
        byte[] properties = Properties(files);
        List<int> combinations = [];
        byte[] letters = new byte[properties.Length];
        for (int i = 0; i < properties.Length; i++)
        {
            int number = combinations.IndexOf(properties[i]);
            if (number < 0)
            {
                number = combinations.Count;
                combinations.Add(properties[i]);
            }
            letters[i] = (byte)(number < 26 ? 'A' + number : 'a' + number - 26);
        }
        int[] decode = new int[128];
        for (int i = 0; i < combinations.Count; i++) decode[i < 26 ? 'A' + i : 'a' + i - 26] = combinations[i];

        TableWriter writer = new("WordTables", "Word break class and flags of every code point of Unicode 15.0.");
        writer.Numbers("byte", "Properties", decode);
        writer.ThreeStages("Letter", letters, asText: true);
        writer.Save(path);
    }

    private static byte[] Properties(UcdFiles files)
    {
        byte[] properties = new byte[UcdFiles.CodePoints];
        foreach ((int first, int last, string value) in files.Ranges("auxiliary/WordBreakProperty.txt"))
            for (int c = first; c <= last; c++) properties[c] = checked((byte)Array.IndexOf(Classes, value));
        byte[] breaks = (byte[])properties.Clone();
        foreach ((int first, int last, string value) in files.Ranges("extracted/DerivedGeneralCategory.txt"))
        {
            if (value[0] is not ('L' or 'N')) continue;
            for (int c = first; c <= last; c++) properties[c] |= LetterOrNumber | WordLike;
        }
        foreach ((int first, int last, string value) in files.Ranges("emoji/emoji-data.txt"))
        {
            int flag = value == "Extended_Pictographic" ? Pictographic : value == "Emoji_Presentation" ? WordLike : 0;
            for (int c = first; c <= last; c++) properties[c] |= (byte)flag;
        }
        for (int c = 0; c < properties.Length; c++)
        {
            string name = Classes[breaks[c]];
            if (name is "ALetter" or "Hebrew_Letter" or "Katakana" or "Numeric") properties[c] |= WordLike;
            // What attaches to anything before it, even to damaged input, does not make a word on its own.
            if (name is "Extend" or "Format" or "ZWJ") properties[c] &= unchecked((byte)~WordLike);
        }
        return properties;
    }
}

/// <summary>Full case folding (C and F of CaseFolding.txt) and the folding of letters to ASCII.</summary>
internal static class FoldTable
{
    private const string Extras =
        "ß=ss ẞ=SS æ=ae Æ=AE œ=oe Œ=OE ø=o Ø=O đ=d Đ=D ð=d Ð=D þ=th Þ=TH ł=l Ł=L ħ=h Ħ=H ı=i ŋ=n Ŋ=N ŧ=t Ŧ=T " +
        "ƒ=f Ƒ=F ƀ=b Ƀ=B ɨ=i Ɨ=I ɉ=j Ɉ=J ɍ=r Ɍ=R ɏ=y Ɏ=Y ƶ=z Ƶ=Z ‘=' ’=' ‛=' ＇='";

    public static void Write(UcdFiles files, string path)
    {
        TableWriter writer = new("FoldTables", "Case folding and ASCII folding of Unicode 15.0.");
        WriteCase(files, writer);
        WriteAscii(files, writer);
        writer.Save(path);
    }

    private static void WriteCase(UcdFiles files, TableWriter writer)
    {
        SortedDictionary<int, int[]> folds = [];
        foreach (string[] fields in files.Lines("CaseFolding.txt"))
            if (fields[1] is "C" or "F") folds[UcdFiles.Hex(fields[0])] = UcdFiles.HexList(fields[2]);
        List<int> deltas = [0];
        List<string> expansions = [];
        foreach ((int from, int[] to) in folds)
        {
            if (to.Length == 1 && !deltas.Contains(to[0] - from)) deltas.Add(to[0] - from);
            if (to.Length > 1 && !expansions.Contains(Key(to))) expansions.Add(Key(to));
        }
        byte[] rules = new byte[UcdFiles.CodePoints];
        foreach ((int from, int[] to) in folds)
            rules[from] = checked((byte)(to.Length == 1
                ? deltas.IndexOf(to[0] - from) : deltas.Count + expansions.IndexOf(Key(to))));
        writer.ThreeStages("Case", rules, asText: false);
        writer.Numbers("int", "CaseDeltas", [.. deltas]);
        List<int> flat = [];
        foreach (string expansion in expansions)
        {
            int[] points = UcdFiles.HexList(expansion);
            for (int i = 0; i < 3; i++) flat.Add(i < points.Length ? points[i] : 0);
        }
        writer.Numbers("ushort", "CaseExpansions", [.. flat]);
    }

    private static void WriteAscii(UcdFiles files, TableWriter writer)
    {
        Dictionary<int, int[]> decompositions = [];
        HashSet<int> marks = [];
        foreach (string[] fields in files.Lines("UnicodeData.txt"))
        {
            int c = UcdFiles.Hex(fields[0]);
            if (fields[2] == "Mn") marks.Add(c);
            string mapping = fields[5];
            if (mapping.Length != 0) decompositions[c] = UcdFiles.HexList(mapping[(mapping.IndexOf('>') + 1)..]);
        }
        Dictionary<int, string> extras = [];
        foreach (string pair in Extras.Split(' ')) extras[pair[0]] = pair[2..];
        List<string> targets = [""];
        byte[] rules = new byte[UcdFiles.CodePoints];
        for (int c = 0x80; c < UcdFiles.CodePoints; c++)
        {
            string? target = Fold(c, decompositions, marks, extras);
            if (target is null || target.Length > new UTF8Encoding().GetByteCount(char.ConvertFromUtf32(c))) continue;
            if (!targets.Contains(target)) targets.Add(target);
            rules[c] = checked((byte)targets.IndexOf(target));
        }
        writer.ThreeStages("Ascii", rules, asText: false);
        StringBuilder text = new();
        foreach (string target in targets) text.Append(target.PadRight(4));
        writer.Text("AsciiTargets", text.ToString());
    }

    /// <summary>ASCII letters and digits of the full compatibility decomposition without its marks, or null.</summary>
    private static string? Fold(
        int c, Dictionary<int, int[]> decompositions, HashSet<int> marks, Dictionary<int, string> extras)
    {
        if (c is >= 0xD800 and <= 0xDFFF) return null;
        if (extras.TryGetValue(c, out string? extra)) return extra;
        if (!decompositions.TryGetValue(c, out int[]? parts)) return null;
        string result = "";
        foreach (int part in parts)
        {
            if (marks.Contains(part)) continue;
            if (part < 0x80 && !char.IsAsciiLetterOrDigit((char)part)) return null;
            string? folded = part < 0x80 ? ((char)part).ToString() : Fold(part, decompositions, marks, extras);
            if (folded is null) return null;
            result += folded;
        }
        return result.Length == 0 ? null : result;
    }

    private static string Key(int[] points) => string.Join(' ', Array.ConvertAll(points, point => point.ToString("X")));
}

/// <summary>The classes \w, \d and \s of patterns (UTS #18, annex C) as first and last code points of their
/// ranges.</summary>
internal static class ClassTable
{
    public static void Write(UcdFiles files, string path)
    {
        bool[] word = new bool[UcdFiles.CodePoints];
        bool[] digit = new bool[UcdFiles.CodePoints];
        bool[] space = new bool[UcdFiles.CodePoints];
        Mark(files, "DerivedCoreProperties.txt", static value => value == "Alphabetic", word);
        const string categories = "extracted/DerivedGeneralCategory.txt";
        Mark(files, categories, static value => value[0] == 'M' || value is "Nd" or "Pc", word);
        Mark(files, categories, static value => value == "Nd", digit);
        Mark(files, "PropList.txt", static value => value == "Join_Control", word);
        Mark(files, "PropList.txt", static value => value == "White_Space", space);
        TableWriter writer = new("ClassTables", "Words, digits and spaces of Unicode 15.0, as pairs of code points.");
        writer.Numbers("int", "Word", Pairs(word));
        writer.Numbers("int", "Digit", Pairs(digit));
        writer.Numbers("int", "Space", Pairs(space));
        writer.Save(path);
    }

    private static void Mark(UcdFiles files, string file, Predicate<string> wanted, bool[] marks)
    {
        foreach ((int first, int last, string value) in files.Ranges(file))
        {
            if (wanted(value)) Array.Fill(marks, true, first, last - first + 1);
        }
    }

    private static int[] Pairs(bool[] marks)
    {
        List<int> pairs = [];
        for (int c = 0; c < marks.Length; c++)
        {
            if (!marks[c]) continue;
            if (c == 0 || !marks[c - 1]) pairs.Add(c);
            if (c + 1 == marks.Length || !marks[c + 1]) pairs.Add(c);
        }
        return [.. pairs];
    }
}
