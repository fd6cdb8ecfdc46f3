using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.StateMachine.Patterns;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Patterns;

/// <summary>Random globs against a matcher that tries everything.</summary>
public sealed class GlobProperties
{
    private const string Alphabet = "ab/É";

    private abstract record Token;
    private sealed record One(char Code) : Token;
    private sealed record Any : Token;
    private sealed record Many : Token;
    private sealed record Class(bool Negated, string Members) : Token;
    private sealed record Alternatives(Token[][] Of) : Token;
    private sealed record FirstDirectories : Token;
    private sealed record Directories : Token;
    private sealed record LastDirectories : Token;

    private static string Print(IEnumerable<Token> tokens) => string.Concat(tokens.Select(token => token switch
    {
        One one => one.Code.ToString(),
        Any => "?",
        Many => "*",
        Class members => $"[{(members.Negated ? "!" : "")}{members.Members}]",
        Alternatives all => "{" + string.Join(",", all.Of.Select(Print)) + "}",
        FirstDirectories => "**/",
        Directories => "/**/",
        _ => "/**",
    }));

    /// <summary>Whether the tokens take all of the text.</summary>
    private static bool Matches(Token[] tokens, string text)
    {
        if (tokens.Length == 0) return text.Length == 0;
        Token[] rest = tokens[1..];
        bool After(int taken) => Matches(rest, text[taken..]);
        IEnumerable<int> ends = Enumerable.Range(0, text.Length + 1);
        bool starts = text.StartsWith('/');
        return tokens[0] switch
        {
            One one => text.StartsWith(one.Code) && After(1),
            Any => text.Length > 0 && After(1),
            Many => ends.Any(After),
            Class members => text.Length > 0 && members.Members.Contains(text[0]) != members.Negated && After(1),
            Alternatives all => all.Of.Any(one => Matches([.. one, .. rest], text)),
            FirstDirectories => ends.Any(end => (end == 0 || text[end - 1] == '/') && After(end)),
            Directories => starts && ends.Any(end => end > 0 && text[end - 1] == '/' && After(end)),
            _ => starts && ends.Any(end => end > 0 && After(end)),
        };
    }

    private static Gen<Token> Leaf => Gen.Frequency(
        (5, Gen.Elements(Alphabet.ToCharArray()).Select(code => (Token)new One(code))),
        (1, Gen.Constant((Token)new Any())),
        (2, Gen.Constant((Token)new Many())),
        (1, from negated in Gen.Elements(true, false)
            from members in Gen.Elements("a", "ab", "É/")
            select (Token)new Class(negated, members)));

    private static Gen<Token[]> Tokens(int depth)
    {
        Gen<Token> token = depth == 0 ? Leaf : Gen.Frequency((6, Leaf), (1, Braces(depth)));
        return from count in Gen.Choose(0, 4) from tokens in token.ArrayOf(count) select tokens;
    }

    private static Gen<Token> Braces(int depth) => Tokens(depth - 1).Where(some => some.Length > 0).ArrayOf(2)
        .Select(some => (Token)new Alternatives(some));

    /// <summary>Directories at the start, in the middle, at the end, beside no other slash or star.</summary>
    private static Gen<Token[]> Globs =>
        from kind in Gen.Choose(0, 5) from left in Tokens(2) from right in Tokens(2)
        select kind switch
        {
            0 => [new FirstDirectories(), new One('b'), .. right],
            1 => [.. left, new One('a'), new Directories(), new One('b'), .. right],
            2 => [.. left, new One('a'), new LastDirectories()],
            _ => (Token[])[.. left, .. right],
        };

    /// <summary>Two stars side by side would be read as something else.</summary>
    private static bool IsClear(Token[] tokens)
    {
        bool doubled = tokens.Zip(tokens.Skip(1)).Any(pair => pair.First is Many && pair.Second is Many);
        return !doubled && tokens.OfType<Alternatives>().All(all => all.Of.All(IsClear));
    }

    [Fact]
    public void A_glob_matches_what_trying_everything_matches()
    {
        Gen<string> texts = Gen.Elements(Alphabet.ToCharArray()).ArrayOf().Select(codes => new string(codes));
        Gen<(Token[] Glob, string[] Texts)> cases =
            from glob in Globs.Where(IsClear) from some in texts.ArrayOf(20) select (glob, some);
        int matched = 0;
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            string printed = Print(one.Glob);
            PatternMatcher matcher = Pattern.Of(PatternSyntax.Glob, printed);
            foreach (string text in one.Texts)
            {
                bool expected = Matches(one.Glob, text);
                if (expected) matched++;
                Assert.True(expected == matcher.Matches(text), $"{printed} on {text}: expected {expected}");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000).WithEndSize(12));
        Assert.True(matched > 500, $"only {matched} texts matched");
    }
}
