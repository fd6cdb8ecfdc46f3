using System;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using Deterministic.StateMachine.Patterns;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Patterns;

/// <summary>Random regular expressions against .NET's engine that does not backtrack either; random bytes never trip
/// the reader.</summary>
public sealed class RegexProperties
{
    private static readonly string[] Atoms =
    [
        "a", "b", "B", "0", "_", "\\n", "é", "日", ".", "\\d", "\\w", "\\s", "\\W", "\\S", "[ab]", "[^a]", "[a-zé]",
        "[^\\d日]", "\\b", "\\B", "^", "$", "\\.",
    ];

    private static readonly string[] Repetitions = ["*", "+", "?", "*?", "{2}", "{1,3}", "{0,2}", "{2,}", "{0}"];
    private static readonly string[] FlagSets = ["", "(?i)", "(?m)", "(?s)", "(?ims)"];
    private static readonly char[] Alphabet = ['a', 'b', 'B', '0', '_', '\n', ' ', 'é', 'É', '日', '.'];

    private static Gen<string> Expression(int depth)
    {
        Gen<string> atom = Gen.Elements(Atoms);
        if (depth == 0) return atom;
        Gen<string> inner = Expression(depth - 1);
        Gen<string> repeated = from one in inner from many in Gen.Elements(Repetitions) select $"(?:{one}){many}";
        return Gen.Frequency(
            (3, atom),
            (4, from left in inner from right in inner select left + right),
            (2, from left in inner from right in inner select $"({left}|{right})"),
            // It captures because .NET finds no (?:(?:ab)+|){2} in an empty text, where it is.
            (1, from one in inner select $"({one}|)"),
            (3, repeated));
    }

    /// <summary>.NET's $ also stands before a last newline.</summary>
    private static string Translate(string flags, string pattern) =>
        flags.Contains('m', StringComparison.Ordinal)
            ? flags + pattern : flags + pattern.Replace("$", "\\z", StringComparison.Ordinal);

    [Fact]
    public void An_expression_matches_what_dotnet_matches()
    {
        Gen<string> texts = Gen.Elements(Alphabet).ArrayOf().Select(codes => new string(codes));
        Gen<(string Flags, string Pattern, string[] Texts)> cases =
            from flags in Gen.Elements(FlagSets) from pattern in Expression(4) from some in texts.ArrayOf(12)
            select (flags, pattern, some);
        int matched = 0;
        int asked = 0;
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            PatternMatcher matcher = Pattern.Of(PatternSyntax.Regex, one.Flags + one.Pattern);
            Regex regex = new(Translate(one.Flags, one.Pattern),
                RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            foreach (string text in one.Texts)
            {
                bool expected = regex.IsMatch(text);
                asked++;
                if (expected) matched++;
                Assert.True(expected == matcher.Matches(text),
                    $"{one.Flags}{one.Pattern} on {Regex.Escape(text)}: expected {expected}");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500).WithEndSize(10));
        Assert.True(matched > asked / 10 && matched < asked * 9 / 10, $"{matched} of {asked} matched");
    }

    [Fact]
    public void Any_text_is_a_pattern_or_is_refused_with_a_place_in_it()
    {
        const string parts = "ab(?|)[]^$-\\dwx{}1,2*+.:<>P=!&~é\0";
        Gen<byte[]> texts = Gen.Elements(parts.ToCharArray()).ArrayOf()
            .Select(codes => Encoding.UTF8.GetBytes(codes));
        PatternMatcher matcher = new();
        int[] outcomes = new int[2];
        Prop.ForAll(texts.ToArbitrary(), text =>
        {
            foreach (PatternSyntax syntax in Enum.GetValues<PatternSyntax>())
            {
                matcher.Clear();
                bool added = matcher.TryAdd(syntax, text, out PatternFault fault);
                outcomes[added ? 1 : 0]++;
                if (added) matcher.Matches(0, "ab-é(]"u8);
                else Assert.True(fault.TooComplex || fault.Position <= text.Length && !fault.Problem.IsEmpty);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000).WithEndSize(24));
        Assert.All(outcomes, count => Assert.True(count > 300));
    }

    [Fact]
    public void Case_families_are_the_code_points_that_fold_to_the_same()
    {
        CaseFamilies families = CaseFamilies.Instance;
        Assert.Equal(['K', 'k', 0x212A], families.MembersOf('k').ToArray());
        Assert.Equal(['ß', 0x1E9E], families.MembersOf(0x1E9E).ToArray());
        Assert.True(families.MembersOf('!').IsEmpty);
        // Latin, Greek and Cyrillic, where no later version of Unicode has added case.
        int[] codes = [.. Enumerable.Range(0, 0x180), .. Enumerable.Range(0x370, 0x1C0)];
        Assert.All(codes, code =>
        {
            int upper = Rune.ToUpperInvariant(new Rune(code)).Value;
            Assert.Equal(families.Canonical(code), families.Canonical(upper));
        });
    }
}
