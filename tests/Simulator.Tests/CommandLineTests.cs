using Xunit;

namespace Deterministic.Simulator.Tests;

public sealed class CommandLineTests
{
    private static CommandLine? Parse(string line) =>
        CommandLine.TryParse(line.Split(' ', System.StringSplitOptions.RemoveEmptyEntries), out CommandLine parsed)
            ? parsed : null;

    [Fact]
    public void A_number_is_a_seed()
    {
        CommandLine line = Parse("--replicas 3 --standbys 0 --lite 42")!;
        Assert.Equal(CommandLine.Job.Seed, line.Todo);
        Assert.Equal(42ul, line.Number);
        Assert.Equal(3, line.Options.Replicas);
        Assert.Equal(0, line.Options.Standbys);
        Assert.True(line.Options.Lite);
        Assert.Equal("--replicas 3 --standbys 0 --lite ", line.OptionsText);
    }

    [Fact]
    public void A_fleet_has_a_time_and_a_first_seed()
    {
        CommandLine line = Parse("--minutes 5 --seed 900 --production --tapes kept")!;
        Assert.Equal(CommandLine.Job.Minutes, line.Todo);
        Assert.Equal((5ul, 900ul, "kept"), (line.Number, line.FirstSeed, line.Tapes));
        Assert.True(line.Options.Production);
        Assert.Null(line.Options.Standbys);
    }

    [Theory]
    [InlineData("--replicas 7")]
    [InlineData("--replicas 0")]
    [InlineData("--replicas")]
    [InlineData("--standbys 7")]
    [InlineData("--runs many")]
    [InlineData("--minutes")]
    [InlineData("--runs 5 7")]
    [InlineData("--runs 5 --viz page.html")]
    [InlineData("--what")]
    public void What_means_nothing_is_refused(string line) => Assert.Null(Parse(line));
}
