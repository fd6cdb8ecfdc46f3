using Xunit;

namespace Deterministic.SystemTests;

/// <summary>Tests that start many processes run one after the other.</summary>
[CollectionDefinition("processes", DisableParallelization = true)]
public sealed class Processes;
