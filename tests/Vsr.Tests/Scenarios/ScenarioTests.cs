using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>The scenarios in this folder's text files, and the language that they are written in.</summary>
public sealed class ScenarioTests
{
    private static readonly SortedDictionary<string, Scenario> All = Scenario.All();

    /// <summary>Shown in full, which a mere string is not.</summary>
    public sealed class Title : IXunitSerializable
    {
        public string Text { get; set; } = "";

        public void Serialize(IXunitSerializationInfo info) => info.AddValue(nameof(Text), Text);

        public void Deserialize(IXunitSerializationInfo info) => Text = info.GetValue<string>(nameof(Text));

        public override string ToString() => Text;
    }

    public static TheoryData<Title> Titles() => [.. All.Keys.Select(name => new Title { Text = name })];

    [Theory]
    [MemberData(nameof(Titles))]
    public void A_cluster_does_as_its_scenario_says(Title scenario) => ScenarioRun.Run(All[scenario.Text]);

    private static string FailureOf(params string[] lines)
    {
        string text = string.Join('\n', lines.Prepend("scenario planted").Append("expect 1"));
        return Assert.Throws<ScenarioException>(() => ScenarioRun.Run(Scenario.Read("file", text)[0])).Message;
    }

    [Theory]
    [InlineData("frobnicate R1", "frobnicate is no step")]
    [InlineData("resume", "resume is no step")]
    [InlineData("crash R7", "R7 is no replica")]
    [InlineData("crash P", "P is no replica")]
    [InlineData("crash R1 softly", "softly is no way to crash")]
    [InlineData("drop beauty", "beauty is no command")]
    [InlineData("tick soon", "soon is no number")]
    [InlineData("write", "words are missing")]
    [InlineData("write 1 by X1", "X1 is no client")]
    [InlineData("send C1 R1", "whom to?")]
    [InlineData("read weak from R1", "weak is no kind of read")]
    [InlineData("cluster 3", "there is a cluster already")]
    [InlineData("expect primary >= 3", "it is not so: -1 >= 3")]
    [InlineData("expect level", "it is not so: 0")]
    [InlineData("expect not 1", "it is not so: 1")]
    [InlineData("expect for 9999 primary = none", "it is not so")]
    [InlineData("until R0.commit = 1", "it never came to that: 0 = 1")]
    [InlineData("expect R0.beauty", "replicas have no beauty")]
    [InlineData("expect R0.op +", "a sum is expected")]
    [InlineData("expect mark.Beauty", "Beauty")]
    [InlineData("corrupt R0 root", "there is no checkpoint")]
    public void What_is_wrong_is_told_with_its_line(string line, string problem)
    {
        string failure = FailureOf("cluster 3", "# comment", line);
        Assert.StartsWith($"file line 4: {line}", failure, StringComparison.Ordinal);
        Assert.Contains(problem, failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_can_be_done_without_a_cluster()
    {
        foreach (string line in (string[])["tick 1", "expect level", "crash all", "write 1", "let x = 1", "cut R1"])
            Assert.Contains("there is no cluster", FailureOf(line), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\ntick 1", "f line 2: tick 1\nno scenario has begun")]
    [InlineData("scenario a\nexpect 1\nscenario b\ncluster 3", "f line 3: scenario b\nexpects nothing")]
    public void A_file_that_is_no_list_of_scenarios_is_refused(string text, string problem) =>
        Assert.Equal(problem, Assert.Throws<ScenarioException>(() => Scenario.Read("f", text)).Message);
}
