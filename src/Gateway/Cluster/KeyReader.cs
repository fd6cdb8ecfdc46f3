using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Gateway.Cluster;

/// <summary>Reads the keys of the cluster over a connection of its own, which no other request can hold up. One call
/// at a time.</summary>
/// <param name="options">How to reach the cluster.</param>
/// <param name="pageSize">Keys that are asked for at once.</param>
internal sealed class KeyReader(ClientOptions options, uint pageSize = Limits.KeysMax) : IDisposable
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
                ListKeysRequest request = new() { Cursor = last, PageSize = pageSize };
                (ListKeysReply page, _) =
                    await _reader.ListKeysAsync(request, bounds, stop).ConfigureAwait(false);
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
