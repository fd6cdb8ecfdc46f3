using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Gateway.Cluster;

/// <summary>Reads the keys of the cluster over a connection of its own, which no other request can hold up. One call
/// at a time.</summary>
internal sealed class KeyReader(ClientOptions options) : IDisposable
{
    private DeterministicReader? _reader;

    /// <summary>All keys. What is created or revoked before the call is seen so; what is meanwhile,
    /// perhaps.</summary>
    public async Task<List<ApiKey>> ReadAsync(CancellationToken stop)
    {
        _reader ??= new DeterministicReader(options);
        ReadBounds bounds = new(ReadConsistency.Strong);
        List<ApiKey> keys = [];
        try
        {
            string last = "";
            for (bool more = true; more;)
            {
                (ListKeysReply page, _) = await _reader
                    .ListKeysAsync(new ListKeysRequest { Cursor = last }, bounds, stop).ConfigureAwait(false);
                keys.AddRange(page.Keys);
                more = page.More && page.Keys.Count > 0;
                if (more) last = page.Keys[^1].Id;
            }
            return keys;
        }
        catch
        {
            // Half a message may be left in its connection.
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _reader = null;
    }
}
