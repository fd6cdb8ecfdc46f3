using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Oracle;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws filters by globs, regular expressions and fuzzy texts, made of pieces of the vocabulary's words so
/// that some match. Now and then one is wrong.</summary>
internal sealed class PatternGenerator(TapeStream tape, Vocabulary vocabulary)
{
    private static readonly string[] Attributes = ["color", "tags", "title", "note"];

    private static readonly FilterOperator[] Operators =
    [
        FilterOperator.Glob, FilterOperator.NotGlob, FilterOperator.IGlob, FilterOperator.NotIGlob,
        FilterOperator.Regex, FilterOperator.Regex, FilterOperator.Fuzzy, FilterOperator.Fuzzy,
    ];

    public Filter Draw(string name)
    {
        // Where types are inferred nothing but globs is allowed, on the attributes that are there.
        bool inferred = Vocabulary.IsInferred(name);
        string attribute = Attributes[tape.Below(inferred ? 2 : Attributes.Length)];
        FilterOperator op = Operators[tape.Below(inferred ? 4 : Operators.Length)];
        if (op == FilterOperator.Fuzzy) return Fuzzy(attribute);
        bool wrong = tape.Below(24) == 23;
        string pattern = wrong ? NaivePattern.Wrong[tape.Below(NaivePattern.Wrong.Length)]
            : op == FilterOperator.Regex ? Regex() : Glob();
        return Filter.Compare(attribute, op, Value.Of(pattern));
    }

    private string Word(string attribute) =>
        attribute == "color" ? vocabulary.Scalar(attribute).AsString : vocabulary.Word();

    private string Piece()
    {
        string word = Word(tape.Below(4) == 0 ? "color" : "");
        int size = tape.Range(0, word.Length);
        return size < word.Length && char.IsSurrogate(word[size]) ? word : word[..size];
    }

    private string Glob()
    {
        string piece = Piece();
        return tape.Below(8) switch
        {
            0 => piece,
            1 => piece + "*",
            2 => "*" + piece + "*",
            3 => piece + "?*",
            4 => "[a-m]*" + piece,
            5 => "[!a-m]*",
            6 => "{" + Word("color") + "x," + piece + "e}*",
            _ => Word("color"),
        };
    }

    private string Regex()
    {
        string piece = Piece();
        string expression = tape.Below(9) switch
        {
            0 => piece,
            1 => "^" + piece,
            2 => piece + "$",
            3 => "\\b" + piece + "\\b",
            4 => "(" + piece + "|" + Piece() + "e)+$",
            5 => "[a-f]+" + piece + ".{1,3}$",
            6 => "^[^a-f]?" + piece,
            7 => "^(\\w* ?){0,2}$",
            _ => "\\d|" + piece + "(a|e)*r",
        };
        return tape.Below(4) == 0 ? "(?i)" + expression : expression;
    }

    private Filter Fuzzy(string attribute)
    {
        string text = Word(attribute) + " " + Word(attribute);
        if (text.Length > 3 && tape.Boolean() && !char.IsSurrogate(text[2]) && !char.IsSurrogate(text[1]))
            text = text.Remove(2, 1);
        FuzzyDistance[] distances = tape.Below(16) switch
        {
            0 => [],
            1 => [new FuzzyDistance(5, 1)],
            < 6 => [new FuzzyDistance(9, 2), new FuzzyDistance(6, 1)],
            _ => [new FuzzyDistance(6, 1), new FuzzyDistance(10, 2)],
        };
        return new Filter
        {
            Operator = FilterOperator.Fuzzy, Attribute = attribute, Operand = Value.Of(text),
            Fuzzy = new FuzzyOptions { CaseSensitive = tape.Below(3) > 0, Distances = distances },
        };
    }
}
