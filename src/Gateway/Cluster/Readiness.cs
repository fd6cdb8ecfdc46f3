using System;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Gateway.Cluster;

/// <summary>Whether requests should come here: the cluster answers a strong read within a bound, and the gateway is not
/// about to stop. It has a reader of its own, so that a gateway with much to do is still ready.</summary>
internal sealed class Readiness : IDisposable
{
    /// <summary>How long the cluster may take, unless it is given less for everything.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>However often it is asked, the cluster is asked no more often.</summary>
    private static readonly TimeSpan AgeMax = TimeSpan.FromMilliseconds(500);

    private readonly DeterministicReader _reader;
    private readonly Fresh<string?> _problem;
    private readonly TimeSpan _patience;
    private volatile bool _isDraining;

    public Readiness(ClientOptions cluster)
    {
        _patience = cluster.RequestTimeout < Patience ? cluster.RequestTimeout : Patience;
        _reader = new DeterministicReader(cluster with { RequestTimeout = _patience });
        _problem = new Fresh<string?>(AgeMax, AskAsync);
    }

    public bool IsDraining => _isDraining;

    /// <summary>From now on it is not ready.</summary>
    public void Drain() => _isDraining = true;

    /// <summary>Null if it is ready, else why not; for anybody, so it names no addresses.</summary>
    public async Task<string?> ProblemAsync() =>
        _isDraining ? "the gateway is about to stop" : await _problem.GetAsync().ConfigureAwait(false);

    public void Dispose() => _reader.Dispose();

    private async Task<string?> AskAsync()
    {
        try
        {
            ListNamespacesRequest request = new() { Prefix = "", Cursor = "", PageSize = 1 };
            await _reader.ListNamespacesAsync(request, new ReadBounds(ReadConsistency.Strong), CancellationToken.None)
                .ConfigureAwait(false);
            return null;
        }
        catch (Exception exception) when (exception is ClientException or ObjectDisposedException)
        {
            return $"the cluster did not answer a strong read within {_patience.TotalSeconds:0.###} s";
        }
    }
}
