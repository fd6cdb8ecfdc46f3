using System;
using System.Linq;
using System.Text;
using Deterministic.StateMachine.Patterns;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Patterns;

public sealed class FuzzyTests
{
    private static bool Matches(string wanted, string value, int distance, bool caseSensitive = true)
    {
        FuzzyMatcher matcher = new();
        Assert.True(matcher.TryAdd(Encoding.UTF8.GetBytes(wanted), distance, caseSensitive));
        return matcher.Matches(0, Encoding.UTF8.GetBytes(value));
    }

    [Theory]
    [InlineData("walrus", "the walrus sleeps", 1, true)]
    [InlineData("walrus", "the wlrus sleeps", 1, true)]
    [InlineData("walrus", "the wallrus sleeps", 1, true)]
    [InlineData("walrus", "the wabrus sleeps", 1, true)]
    [InlineData("walrus", "the wabtus sleeps", 1, false)]
    [InlineData("walrus", "the wabtus sleeps", 2, true)]
    [InlineData("walrus", "walr", 2, true)]
    [InlineData("walrus", "wal", 2, false)]
    [InlineData("walrus", "", 2, false)]
    [InlineData("walrus", "warlus", 1, false)]
    [InlineData("日本語日本語", "日本日本語", 1, true)]
    [InlineData("walrus", "WALRUS", 2, false)]
    public void A_part_of_the_value_within_so_many_edits(string wanted, string value, int distance, bool matches) =>
        Assert.Equal(matches, Matches(wanted, value, distance));

    [Theory]
    [InlineData("walrus", "Walrüs", true)]
    [InlineData("STRAẞEN", "straßen", true)]
    [InlineData("walrus", "wolrüs", false)]
    public void Without_regard_to_case(string wanted, string value, bool matches) =>
        Assert.Equal(matches, Matches(wanted, value, 1, caseSensitive: false));

    /// <summary>The least number of edits between the text and any part of the value, by the whole table.</summary>
    private static int Distance(string wanted, string value)
    {
        int[,] table = new int[wanted.Length + 1, value.Length + 1];
        for (int i = 1; i <= wanted.Length; i++)
        {
            table[i, 0] = i;
            for (int k = 1; k <= value.Length; k++)
            {
                int replace = table[i - 1, k - 1] + (wanted[i - 1] == value[k - 1] ? 0 : 1);
                table[i, k] = int.Min(replace, 1 + int.Min(table[i - 1, k], table[i, k - 1]));
            }
        }
        return Enumerable.Range(0, value.Length + 1).Min(k => table[wanted.Length, k]);
    }

    [Fact]
    public void Agrees_with_the_whole_table_of_distances()
    {
        Gen<string> Text(int least) => Gen.Choose(least, least + 12)
            .SelectMany(size => Gen.Elements('a', 'b', 'é').ArrayOf(size)).Select(codes => new string(codes));
        Gen<(string Wanted, string[] Values, int Distance)> cases =
            from distance in Gen.Choose(1, 2) from wanted in Text(6) from values in Text(0).ArrayOf(20)
            select (wanted, values, distance);
        int matched = 0;
        Prop.ForAll(cases.ToArbitrary(), one =>
        {
            foreach (string value in one.Values)
            {
                bool expected = Distance(one.Wanted, value) <= one.Distance;
                if (expected) matched++;
                Assert.True(expected == Matches(one.Wanted, value, one.Distance),
                    $"{one.Wanted} in {value} with {one.Distance}: expected {expected}");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
        Assert.True(matched > 100, $"only {matched} values matched");
    }

    [Fact]
    public void Most_of_the_table_is_never_looked_at()
    {
        FuzzyMatcher matcher = new();
        Random random = new(3);
        byte[] Letters(int size) => [.. Enumerable.Range(0, size).Select(_ => (byte)random.Next('a', 'z' + 1))];
        Assert.True(matcher.TryAdd(Letters(1000), 2, caseSensitive: true));
        matcher.BeginWork(long.MaxValue);
        Assert.False(matcher.Matches(0, Letters(100_000)));
        Assert.InRange(matcher.Work, 100_000, 500_000);
    }
}
