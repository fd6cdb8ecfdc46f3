using System;
using System.Linq;
using System.Text;
using Deterministic.StateMachine.Patterns;
using Xunit;

namespace Deterministic.StateMachine.Tests.Patterns;

/// <summary>Regular expressions by example: any part of the value.</summary>
public sealed class RegexTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("b", "abc", true)]
    [InlineData("B", "abc", false)]
    [InlineData("a|b", "xb", true)]
    [InlineData("a||b", "x", true)]
    [InlineData("ab*c", "ac", true)]
    [InlineData("ab+c", "ac", false)]
    [InlineData("ab?c", "abbc", false)]
    [InlineData("^(ab){2,3}$", "abab", true)]
    [InlineData("^(ab){2,3}$", "abababab", false)]
    [InlineData("^a{2}$", "aa", true)]
    [InlineData("^a{2,}$", "aaaa", true)]
    [InlineData("^a{,2}$", "aaa", false)]
    [InlineData("^a{0}b$", "b", true)]
    [InlineData("^a{0,2}?b$", "aab", true)]
    [InlineData("^(?:a|b)*?c$", "abac", true)]
    [InlineData("(?P<year>[0-9]{4})-(?<month>\\d\\d)", "on 2024-03", true)]
    [InlineData("^a**$", "aaa", true)]
    [InlineData("]}", "]}", true)]
    public void Groups_alternatives_and_repetitions(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Regex, pattern, text));

    [Theory]
    [InlineData("^[a-c]$", "b", true)]
    [InlineData("^[^a-c]$", "b", false)]
    [InlineData("^[^a]$", "\n", true)]
    [InlineData("^[]a]$", "]", true)]
    [InlineData("^[-a]$", "-", true)]
    [InlineData("^[a-]$", "-", true)]
    [InlineData("^[\\]\\-]$", "]", true)]
    [InlineData("^[\\d_]+$", "3_4", true)]
    [InlineData("^[^\\w]$", "!", true)]
    [InlineData("^[[:alpha:]_]+$", "ab_", true)]
    [InlineData("^[[:^digit:]]$", "7", false)]
    [InlineData("^\\d$", "٣", true)]
    [InlineData("^\\w+$", "naïve_日本", true)]
    [InlineData("^\\W$", "é", false)]
    [InlineData("^\\s$", "\u3000", true)]
    [InlineData("^\\S$", "\u00A0", false)]
    [InlineData("^\\x41\\x{1F600}\\u00e9$", "A😀é", true)]
    [InlineData("^\\.\\*\\/$", ".*/", true)]
    [InlineData("^.$", "日", true)]
    [InlineData("^.$", "\n", false)]
    [InlineData("(?s)^.$", "\n", true)]
    public void Classes(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Regex, pattern, text));

    [Theory]
    [InlineData("^b", "a\nb", false)]
    [InlineData("(?m)^b$", "a\nb\nc", true)]
    [InlineData("a$", "a\n", false)]
    [InlineData("(?m)a$", "a\n", true)]
    [InlineData("(?m)\\Ab", "a\nb", false)]
    [InlineData("(?m)a\\z", "a\n", false)]
    [InlineData("\\bfox\\b", "the fox.", true)]
    [InlineData("\\bfox\\b", "foxes", false)]
    [InlineData("\\Box", "fox", true)]
    [InlineData("\\bé", "aé", false)]
    [InlineData("^$", "", true)]
    [InlineData("a^b", "ab", false)]
    [InlineData("(^|x)b", "xb", true)]
    public void Anchors(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Regex, pattern, text));

    [Theory]
    [InlineData("(?i)STRAßE", "straẞe", true)]
    [InlineData("(?i)a(?-i)b", "AB", false)]
    [InlineData("(?i)a(?-i)b", "Ab", true)]
    [InlineData("(?i:a)b", "AB", false)]
    [InlineData("(a(?i)b|c)d", "aBd", true)]
    [InlineData("(a(?i)b|c)d", "Cd", true)]
    [InlineData("(a(?i)b|c)d", "CD", false)]
    [InlineData("(?i)[^a]", "A", false)]
    [InlineData("(?i)[k]", "\u212A", true)]
    [InlineData("(?is-m).", "\n", true)]
    public void Flags(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Pattern.Matches(PatternSyntax.Regex, pattern, text));

    [Theory]
    [InlineData("a(b", "1: a ( without a )")]
    [InlineData("a)b", "1: a ) without a (")]
    [InlineData("a|*", "2: a repetition of nothing")]
    [InlineData("^+|(?i)*", "7: a repetition of nothing")]
    [InlineData("a{2", "1: a { that begins no repetition")]
    [InlineData("a{3,2}", "1: repetitions that end before they start")]
    [InlineData("a{100001}", "1: more repetitions than there may be")]
    [InlineData("[a", "0: a [ without a ]")]
    [InlineData("[b-a]", "1: a range of characters whose end is before its start")]
    [InlineData("[\\d-z]", "1: a range whose ends are no characters")]
    [InlineData("[a[b]]", "2: a class in a class; a bracket is \\[")]
    [InlineData("[a&&b]", "2: an operation on classes, which is not supported")]
    [InlineData("a\\", "1: a \\ with nothing behind it")]
    [InlineData("é\\q", "2: an escape that has no meaning")]
    [InlineData("(a)\\1", "3: a back reference, which is not supported")]
    [InlineData("a(?=b)", "1: look-around, which is not supported")]
    [InlineData("(?<!a)b", "0: look-around, which is not supported")]
    [InlineData("\\p{L}", "0: a Unicode property, which is not supported")]
    [InlineData("(?x)a", "2: a flag that is not one of i, m, s")]
    [InlineData("(?<n", "0: a group whose name does not end")]
    [InlineData("\\x{110000}", "0: a code point that is none")]
    [InlineData("a\\<b", "1: a word edge other than \\b and \\B")]
    [InlineData("((a{1000}){1000}){1000}", "too complex")]
    public void Errors_tell_the_byte(string pattern, string fault) =>
        Assert.Equal(fault, Pattern.Fault(PatternSyntax.Regex, pattern));

    [Fact]
    public void Groups_may_be_nested_32_deep()
    {
        string Nested(int depth) => new string('(', depth) + "a" + new string(')', depth);
        Assert.True(Pattern.Matches(PatternSyntax.Regex, Nested(32), "a"));
        Assert.Equal("32: groups that are nested too deeply", Pattern.Fault(PatternSyntax.Regex, Nested(33)));
    }

    /// <summary>A backtracking engine needs exponential or quadratic work for these; here it is one step a byte once
    /// the few states are there.</summary>
    [Theory]
    [InlineData("(a*)*b")]
    [InlineData("(a|a)*c")]
    [InlineData("(a|aa)+$b")]
    [InlineData("(.*)(.*)(.*)(.*)(.*)[^a]")]
    [InlineData("a*a*a*a*a*a*a*a*b")]
    public void Pathological_patterns_take_linear_work(string pattern)
    {
        PatternMatcher matcher = Pattern.Of(PatternSyntax.Regex, pattern);
        long Work(int size)
        {
            matcher.BeginWork(long.MaxValue, keepsStates: false);
            Assert.False(matcher.Matches(new string('a', size)));
            return matcher.Work;
        }
        long small = Work(1_000);
        long large = Work(10_000);
        Assert.Equal(9_000, large - small);
        Assert.True(small < 1_000 + 8 * 200, $"{small} steps for 1,000 bytes");
    }

    /// <summary>The states of this one are as many as the ways in which 13 characters can be chosen, more than there
    /// is memory for.</summary>
    [Fact]
    public void More_states_than_fit_cost_a_walk_over_the_program_for_each_byte()
    {
        Random random = new(5);
        PatternMatcher matcher = Pattern.Of(PatternSyntax.Regex, "^(a|b)*a(a|b){12}$");
        for (int i = 0; i < 20; i++)
        {
            string text = string.Concat(Enumerable.Range(0, 20_000).Select(_ => random.Next(2) == 0 ? 'a' : 'b'));
            matcher.BeginWork(long.MaxValue, keepsStates: true);
            Assert.Equal(text[^13] == 'a', matcher.Matches(text));
            Assert.InRange(matcher.Work, 20_000, 20_000 * (1 + 8 * matcher.CodeSize));
        }
    }

    [Fact]
    public void Beyond_the_work_allowed_nothing_matches()
    {
        PatternMatcher matcher = Pattern.Of(PatternSyntax.Regex, "b");
        matcher.BeginWork(1000, keepsStates: false);
        for (int i = 0; i < 9; i++) Assert.True(matcher.Matches(new string('a', 99) + "b"));
        Assert.InRange(matcher.Work, 900, 1000);
        matcher.Matches(new string('a', 99) + "b");
        Assert.False(matcher.Matches("b"));
        Assert.InRange(matcher.Work, 1001, 1200);
    }

    [Fact]
    public void Patterns_do_not_disturb_each_other()
    {
        PatternMatcher matcher = new();
        for (int i = 0; i < 200; i++)
            Assert.True(matcher.TryAdd(PatternSyntax.Regex, Encoding.UTF8.GetBytes($"^(x|{i})$"), out _));
        for (int i = 0; i < 200; i++)
        {
            for (int k = 0; k < 200; k += 7)
                Assert.Equal(i == k, matcher.Matches(i, Encoding.UTF8.GetBytes(k.ToString())));
        }
    }

    [Fact]
    public void Reading_and_matching_allocate_nothing()
    {
        PatternMatcher matcher = new();
        byte[] pattern = Encoding.UTF8.GetBytes("(?i)\\bstra(ß|ss)e\\w{2,4}[^x-z]*$");
        byte[] text = Encoding.UTF8.GetBytes("die STRAẞEnbahn 日本");
        bool Run()
        {
            matcher.Clear();
            return matcher.TryAdd(PatternSyntax.Regex, pattern, out _) && matcher.Matches(0, text);
        }
        Assert.True(Run());
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>Few bytes that ask for many ranges would cost half a minute for the patterns of one request.</summary>
    [Fact]
    public void What_classes_cost_is_bounded_for_all_patterns_of_a_request()
    {
        Assert.Equal("too complex", Pattern.Fault(
            PatternSyntax.Regex, "(?i)" + string.Concat(Enumerable.Repeat("[\\w]", 500))));
        byte[] wide = Encoding.UTF8.GetBytes("[" + string.Concat(Enumerable.Repeat("\\W", 1000)) + "]");
        PatternMatcher matcher = new();
        PatternFault fault = default;
        while (matcher.Count < 16 && matcher.TryAdd(PatternSyntax.Regex, wide, out fault))
        {
        }
        Assert.True(fault.TooComplex);
        Assert.InRange(matcher.Count, 1, 15);
        matcher.Clear();
        Assert.True(matcher.TryAdd(PatternSyntax.Regex, wide, out _));
        Assert.True(matcher.Matches("!"));
        Assert.False(matcher.Matches("é"));
    }
}
