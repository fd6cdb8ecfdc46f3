using System;
using System.Net;
using Xunit;

namespace Deterministic.Client.Tests.Sessions;

/// <summary>How long a reader waits for one replica before it asks another one.</summary>
public sealed class ReaderPatienceTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(5, 32)]
    public void With_several_replicas_it_doubles_from_a_second(int silentRounds, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), DeterministicReader.Patience(Options(3), silentRounds));

    [Fact]
    public void With_one_replica_it_doubles_from_the_time_of_sending_again() =>
        Assert.Equal(TimeSpan.FromSeconds(20), DeterministicReader.Patience(Options(1), 2));

    [Fact]
    public void It_has_an_end() =>
        Assert.Equal(DeterministicReader.Patience(Options(3), 10), DeterministicReader.Patience(Options(3), 10_000));

    private static ClientOptions Options(int replicas)
    {
        EndPoint[] addresses = new EndPoint[replicas];
        for (int i = 0; i < replicas; i++) addresses[i] = new IPEndPoint(IPAddress.Loopback, 3001 + i);
        return new ClientOptions { Addresses = addresses };
    }
}
