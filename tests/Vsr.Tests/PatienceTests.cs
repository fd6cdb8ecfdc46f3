using System.Collections.Generic;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>How long silence is borne.</summary>
public sealed class PatienceTests
{
    private const int Least = 20;
    private const int Most = 100;
    private const int Start = 60;
    private const int Window = 150;

    private static Patience Create() => new(Least, Most, Start, Window);

    private static void Beat(Patience patience, int gap, int times)
    {
        for (int i = 0; i < times; i++)
        {
            for (int tick = 0; tick < gap; tick++) patience.Tick();
            patience.Heard();
        }
    }

    [Fact]
    public void An_even_beat_makes_it_short_and_an_uneven_one_longer_at_once()
    {
        Patience patience = Create();
        Assert.Equal(Start, patience.Ticks);
        Beat(patience, gap: 6, times: 100);
        Assert.Equal(24, patience.Ticks);
        Beat(patience, gap: 15, times: 1);
        Assert.Equal(60, patience.Ticks);
        Beat(patience, gap: 1, times: 1000);
        Assert.Equal(Least, patience.Ticks);
    }

    [Fact]
    public void Whoever_is_suspected_has_twice_as_long_until_the_beat_was_even_for_a_while()
    {
        Patience patience = Create();
        Beat(patience, gap: 5, times: 100);
        Assert.Equal(20, patience.Ticks);
        patience.Suspect();
        Assert.Equal(40, patience.Ticks);
        patience.Suspect();
        Assert.Equal(80, patience.Ticks);
        patience.Suspect();
        Assert.Equal(Most, patience.Ticks);
        Beat(patience, gap: 5, times: 2 * Window / 5);
        Assert.Equal(20, patience.Ticks);
    }

    /// <summary>The model keeps every gap: the longest of at least one window and at most two decides.</summary>
    [Fact]
    public void It_is_four_times_the_longest_gap_lately_within_its_bounds() =>
        Prop.ForAll<byte[]>(FollowsTheModel).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    private static bool FollowsTheModel(byte[] gaps)
    {
        Patience patience = Create();
        int now = 0;
        List<(int At, int Gap)> heard = [(0, Start / 4)];
        foreach (byte random in gaps)
        {
            int gap = random % Most;
            Beat(patience, gap, times: 1);
            now += gap;
            heard.Add((now, gap));
            int surely = 0;
            int atMost = 0;
            foreach ((int at, int length) in heard)
            {
                if (at >= now - 2 * Window) atMost = int.Max(atMost, length);
                if (at > now - Window) surely = int.Max(surely, length);
            }
            bool between = patience.Ticks >= int.Clamp(4 * surely, Least, Most) &&
                patience.Ticks <= int.Clamp(4 * atMost, Least, Most);
            if (!between) return false;
        }
        return true;
    }
}
