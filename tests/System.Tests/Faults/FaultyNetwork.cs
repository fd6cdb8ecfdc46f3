using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading.Tasks;

namespace Deterministic.SystemTests.Faults;

/// <summary>All links between the replicas of a cluster. Of two replicas the one with the higher index calls.</summary>
internal sealed class FaultyNetwork : IAsyncDisposable
{
    private readonly FaultyLink?[,] _links;
    private readonly IReadOnlyList<IPEndPoint> _addresses;

    public FaultyNetwork(IReadOnlyList<IPEndPoint> addresses, ulong seed)
    {
        _addresses = addresses;
        _links = new FaultyLink?[addresses.Count, addresses.Count];
        for (int caller = 0; caller < addresses.Count; caller++)
        {
            for (int target = 0; target < caller; target++)
                _links[caller, target] = new FaultyLink(addresses[target], seed + (ulong)(caller * 16 + target));
        }
    }

    public long BytesHarmed => _links.Cast<FaultyLink?>().Sum(static link => link?.BytesHarmed ?? 0);

    /// <summary>The addresses that one replica is given: its own, and its ways to the others.</summary>
    public IEnumerable<IPEndPoint> AddressesFor(int replica) => Enumerable.Range(0, _addresses.Count)
        .Select(other => other < replica ? _links[replica, other]!.Address : _addresses[other]);

    /// <param name="fault">From the sender and the receiver of bytes to what happens to them.</param>
    public void Set(Func<int, int, LinkFault> fault)
    {
        for (int caller = 0; caller < _addresses.Count; caller++)
        {
            for (int target = 0; target < caller; target++)
                _links[caller, target]!.Set(fault(caller, target), fault(target, caller));
        }
    }

    public void Heal() => Set(static (_, _) => LinkFault.None);

    /// <summary>Ends all connections of some replicas.</summary>
    public void Cut(Predicate<int> replica)
    {
        for (int caller = 0; caller < _addresses.Count; caller++)
        {
            for (int target = 0; target < caller; target++)
                if (replica(caller) || replica(target)) _links[caller, target]!.Cut();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (FaultyLink? link in _links)
            if (link is not null) await link.DisposeAsync();
    }
}
