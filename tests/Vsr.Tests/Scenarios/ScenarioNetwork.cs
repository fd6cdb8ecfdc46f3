using System;
using System.Collections.Generic;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>What happens to messages between the replicas of a scenario: some kinds are lost on some ways, or kept
/// back.</summary>
internal sealed class ScenarioNetwork
{
    public const int Anybody = -1;

    private sealed record Rule(Command? Command, int From, int To, bool Holds)
    {
        public bool Fits(ClusterBench.Packet packet) => (Command is null || packet.Header.Command == Command) &&
            (From == Anybody || packet.From == From) && (To == Anybody || packet.To == To);
    }

    private readonly ClusterBench _bench;
    private readonly List<Rule> _rules = [];
    private readonly List<ClusterBench.Packet> _held = [];
    private readonly long[,] _sent;

    public ScenarioNetwork(ClusterBench bench)
    {
        _bench = bench;
        _sent = new long[bench.Nodes.Count, byte.MaxValue];
        bench.Lose = IsLost;
    }

    public int Held => _held.Count;

    /// <summary>How many messages replicas have sent, lost ones too.</summary>
    public long Sent(int from, Command command)
    {
        long count = 0;
        for (int i = 0; i < _bench.Nodes.Count; i++)
            if (from == Anybody || from == i) count += _sent[i, (byte)command];
        return count;
    }

    public void Add(Command? command, int from, int to, bool holds) =>
        _rules.Add(new Rule(command, from, to, holds));

    /// <summary>Nothing passes between these replicas and the others.</summary>
    public void Cut(ReadOnlySpan<int> side)
    {
        for (int i = 0; i < _bench.Nodes.Count; i++)
        {
            if (side.Contains(i)) continue;
            foreach (int inside in side)
            {
                Add(null, inside, i, holds: false);
                Add(null, i, inside, holds: false);
            }
        }
    }

    public void Heal() => _rules.Clear();

    public void Forget() => _held.Clear();

    /// <summary>What was kept back is on its way again.</summary>
    public void Release(bool reversed, int copies)
    {
        if (reversed) _held.Reverse();
        foreach (ClusterBench.Packet packet in _held)
            for (int i = 0; i < copies; i++) _bench.Forge(packet);
        _held.Clear();
    }

    private bool IsLost(ClusterBench.Packet packet)
    {
        _sent[packet.From, (byte)packet.Header.Command]++;
        if (packet.To == ClusterBench.ToClient) return false;
        foreach (Rule rule in _rules)
        {
            if (!rule.Fits(packet)) continue;
            if (rule.Holds) _held.Add(packet);
            return true;
        }
        return false;
    }
}
