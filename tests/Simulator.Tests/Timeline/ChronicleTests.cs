using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.World;
using Xunit;

namespace Deterministic.Simulator.Tests.Timeline;

public sealed class ChronicleTests
{
    private static readonly Chronicle _chronicle = new();

    private static readonly SimulationResult _run = SimulationResult.Of(
        Tape.Seeded(4), Plant.None, new SimulationOptions { Replicas = 3, Lite = true, Chronicle = _chronicle },
        static _ => { });

    [Fact]
    public void A_run_that_is_told_is_the_same_run()
    {
        SimulationOptions untold = new() { Replicas = 3, Lite = true };
        SimulationResult other = SimulationResult.Of(Tape.Seeded(4), Plant.None, untold, static _ => { });
        Assert.Equal("", _run.Details);
        Assert.Equal(other.Hash, _run.Hash);
        Assert.NotEmpty(_chronicle.Happenings);
    }

    [Fact]
    public void Everybody_has_a_lane()
    {
        Assert.Equal("replica 2", _chronicle.NameOf(2));
        Assert.Equal("client 0", _chronicle.NameOf(3));
        Assert.Equal("links", _chronicle.NameOf(_chronicle.RunLane));
        foreach (Happening happening in _chronicle.Happenings)
            Assert.InRange(happening.Lane, 0, _chronicle.RunLane);
        foreach (Passage passage in _chronicle.Passages)
        {
            Assert.InRange(passage.From, 0, _chronicle.RunLane - 1);
            Assert.InRange(passage.To, 0, _chronicle.RunLane - 1);
            Assert.True(passage.Due == 0 || passage.Due >= passage.Sent);
        }
    }

    [Fact]
    public void The_list_goes_forward_in_time_and_joins_entries_that_run_in_a_row()
    {
        List<string> lines = PlainList.Of(_chronicle);
        for (int i = 1; i < lines.Count; i++)
            Assert.True(string.CompareOrdinal(lines[i - 1][..10], lines[i][..10]) <= 0, lines[i]);
        Assert.Contains(lines, static line => line.Contains("replica 0 starts", StringComparison.Ordinal));
        Assert.Contains(lines, static line => line.Contains("primary of view", StringComparison.Ordinal));
        int commits = 0;
        foreach (Happening happening in _chronicle.Happenings)
            commits += happening.Kind == HappeningKind.Commit ? 1 : 0;
        Assert.True(lines.FindAll(static line => line.Contains(" has run ", StringComparison.Ordinal)).Count < commits);
    }

    [Fact]
    public void A_sample_has_every_message_that_decides_a_view_and_few_others()
    {
        List<Passage> sample = Sample.Of(_chronicle.Passages, 100);
        int deciding = 0;
        foreach (Passage passage in _chronicle.Passages) deciding += Sample.DecidesViews(passage.Command) ? 1 : 0;
        Assert.True(deciding > 0);
        Assert.InRange(sample.Count, deciding + 50, deciding + 100);
        Assert.Equal(deciding, sample.FindAll(static passage => Sample.DecidesViews(passage.Command)).Count);
        Assert.Contains(sample, static passage => passage.Command == Command.Prepare);
    }

    [Fact]
    public void A_page_holds_the_data_between_what_was_there_and_nothing_that_ends_its_script()
    {
        Chronicle chronicle = new();
        chronicle.Begin(replicas: 1, clients: 1, readers: 0);
        chronicle.Now = 12_000;
        chronicle.NoteRun(HappeningKind.Run, "says \"</script>\"");
        string page = Page.Of("before/*DATA*/after", chronicle, "a title");
        Assert.StartsWith("beforetitle: \"a title\"", page, StringComparison.Ordinal);
        Assert.EndsWith("after", page, StringComparison.Ordinal);
        Assert.Contains("[12,0,2,\"says \\u0022\\u003c/script\\u003e\\u0022\"]", page, StringComparison.Ordinal);
    }
}
