using Deterministic.Storage.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests;

/// <summary>What a forest writes is decided by the log alone: not by when reads and writes complete, how much is
/// cached, or where it crashed and ran on from a checkpoint.</summary>
public sealed class EqualGridsTests
{
    private const ulong Operations = 400;

    [Fact]
    public void GridsAreEqualBlockForBlockAtEveryCheckpoint() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(),
        (int seed) => ForestPair.Run(seed, Operations) > 0).QuickCheckThrowOnFailure();
}
