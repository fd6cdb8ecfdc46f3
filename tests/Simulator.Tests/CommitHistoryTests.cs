using Deterministic.Core;
using Deterministic.Simulator.Oracle;
using Xunit;

namespace Deterministic.Simulator.Tests;

public sealed class CommitHistoryTests
{
    /// <summary>Clients that take each other's sessions may fill the log from one checkpoint to the next.</summary>
    [Fact]
    public void Checkpoints_with_nothing_but_sessions_between_them_are_two()
    {
        CommitHistory history = new();
        history.CheckState(19, 1);
        history.CheckState(39, 2);
        history.CheckRestored(19, 1);
        history.CheckRestored(39, 2);
        Assert.Throws<CheckFailedException>(() => history.CheckState(39, 1));
        Assert.Throws<CheckFailedException>(() => history.CheckRestored(19, 2));
        Assert.Throws<CheckFailedException>(() => history.CheckRestored(20, 2));
    }
}
