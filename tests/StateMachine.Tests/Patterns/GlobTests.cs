using System;
using Deterministic.StateMachine.Patterns;
using Xunit;

namespace Deterministic.StateMachine.Tests.Patterns;

/// <summary>Globs by example, the whole value always.</summary>
public sealed class GlobTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("", "a", false)]
    [InlineData("abc", "abc", true)]
    [InlineData("abc", "abcd", false)]
    [InlineData("abc", "ABC", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "a日c", true)]
    [InlineData("a?c", "a/c", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("*", "", true)]
    [InlineData("*", "a\nb/c", true)]
    [InlineData("a*c", "abbbc", true)]
    [InlineData("a*c", "abbbcd", false)]
    [InlineData("/src/*.cs", "/src/a/b.cs", true)]
    [InlineData("***", "anything", true)]
    [InlineData("a**b", "a/x/b", true)]
    public void Stars_and_question_marks(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Glob, pattern, text));

    [Theory]
    [InlineData("[abc]", "b", true)]
    [InlineData("[abc]", "d", false)]
    [InlineData("[a-cx]", "c", true)]
    [InlineData("[!a-c]", "d", true)]
    [InlineData("[^a-c]", "b", false)]
    [InlineData("[]]", "]", true)]
    [InlineData("[!]]", "a", true)]
    [InlineData("[a-]", "-", true)]
    [InlineData("[-a]", "-", true)]
    [InlineData("[α-ω]", "λ", true)]
    [InlineData("[\\]", "\\", true)]
    [InlineData("\\*", "*", true)]
    [InlineData("\\*", "a", false)]
    [InlineData("\\{a,b\\}", "{a,b}", true)]
    [InlineData("a,b", "a,b", true)]
    public void Classes_and_escapes(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Glob, pattern, text));

    [Theory]
    [InlineData("*.{jpg,png}", "a.png", true)]
    [InlineData("*.{jpg,png}", "a.gif", false)]
    [InlineData("{a,b{c,d}}e", "bde", true)]
    [InlineData("{a,b{c,d}}e", "be", false)]
    [InlineData("{a,}b", "ab", true)]
    [InlineData("{a,}b", "b", false)]
    [InlineData("{,a}b", "b", false)]
    [InlineData("x{}y", "xy", true)]
    [InlineData("{a*,?}z", "abcz", true)]
    public void Alternatives_leave_out_empty_ones(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Glob, pattern, text));

    [Theory]
    [InlineData("**", "a/b", true)]
    [InlineData("**/", "a", true)]
    [InlineData("**/**", "a", true)]
    [InlineData("**/foo", "foo", true)]
    [InlineData("**/foo", "/foo", true)]
    [InlineData("**/foo", "a/b/foo", true)]
    [InlineData("**/foo", "xfoo", false)]
    [InlineData("**/**/foo", "foo", true)]
    [InlineData("foo/**", "foo/a/b", true)]
    [InlineData("foo/**", "foo/", true)]
    [InlineData("foo/**", "foo", false)]
    [InlineData("a/**/b", "a/b", true)]
    [InlineData("a/**/b", "a/x/y/b", true)]
    [InlineData("a/**/b", "ab", false)]
    [InlineData("a/**/b", "a/xb", false)]
    [InlineData("a/**/**/b", "a/b", true)]
    [InlineData("a/**/**", "a/", true)]
    [InlineData("a/**/**", "a", false)]
    [InlineData("{a/**,x}", "a/b", true)]
    [InlineData("{**/a,x}", "c/a", true)]
    [InlineData("{**,x}b", "aab", true)]
    public void Two_stars_stand_for_directories(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Glob, pattern, text));

    [Theory]
    [InlineData("ABC*", "abcd", true)]
    [InlineData("straße", "STRAẞE", true)]
    [InlineData("straße", "STRASSE", false)]
    [InlineData("[a-c]x", "Bx", true)]
    [InlineData("[!a-c]x", "Bx", false)]
    [InlineData("k", "\u212A", true)]
    [InlineData("ΣΑΣ", "σας", true)]
    [InlineData("a", "á", false)]
    public void Without_regard_to_case(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.GlobIgnoringCase, pattern, text));

    [Theory]
    [InlineData("a[b", "1: a [ without a ]")]
    [InlineData("[]", "0: a [ without a ]")]
    [InlineData("[b-a]", "3: a range of characters whose end is before its start")]
    [InlineData("a{b", "1: a { without a }")]
    [InlineData("a}b", "1: a } without a {")]
    [InlineData("a\\", "1: a \\ with nothing behind it")]
    public void Errors_tell_the_byte(string pattern, string fault) =>
        Assert.Equal(fault, Pattern.Fault(PatternSyntax.Glob, pattern));

    [Fact]
    public void Braces_may_be_nested_32_deep()
    {
        string Nested(int depth) => new string('{', depth) + "a" + new string('}', depth);
        Assert.True(Pattern.Matches(PatternSyntax.Glob, Nested(32), "a"));
        Assert.Equal("32: braces that are nested too deeply", Pattern.Fault(PatternSyntax.Glob, Nested(33)));
    }
}
