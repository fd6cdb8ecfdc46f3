using System.Collections.Generic;
using Deterministic.Core;

namespace Deterministic.Simulator.Linearizability;

/// <summary>What all clients of a run called and got.</summary>
internal sealed class History<TOperation>
{
    private readonly List<Invocation<TOperation>> _invocations = [];
    private readonly SortedSet<int> _forgotten = [];

    public int Count => _invocations.Count;
    public Invocation<TOperation> this[int index] => _invocations[index];

    /// <summary>The index of the call, for <see cref="Return"/>.</summary>
    public int Call(int key, int client, ulong time, TOperation operation)
    {
        Check.That(time != Invocation<TOperation>.Never);
        _invocations.Add(new Invocation<TOperation>
        {
            Key = key, Client = client, CalledAt = time, Operation = operation,
            ReturnedAt = Invocation<TOperation>.Never,
        });
        return _invocations.Count - 1;
    }

    /// <param name="operation">The operation with its result.</param>
    public void Return(int index, ulong time, TOperation operation)
    {
        Invocation<TOperation> invocation = _invocations[index];
        Check.That(!invocation.HasReturned, "an operation returns once");
        Check.That(time >= invocation.CalledAt && time != Invocation<TOperation>.Never);
        invocation.ReturnedAt = time;
        invocation.Operation = operation;
        _invocations[index] = invocation;
    }

    /// <summary>The operation certainly did not happen and saw nothing that matters.</summary>
    public void Forget(int index) => _forgotten.Add(index);

    /// <summary>What counts, key by key in ascending order, each key's in the order of their calls.</summary>
    public List<List<Invocation<TOperation>>> ByKey()
    {
        SortedDictionary<int, List<Invocation<TOperation>>> parts = [];
        for (int i = 0; i < _invocations.Count; i++)
        {
            if (_forgotten.Contains(i)) continue;
            int key = _invocations[i].Key;
            if (!parts.TryGetValue(key, out List<Invocation<TOperation>>? part)) parts.Add(key, part = []);
            Check.That(part.Count == 0 || part[^1].CalledAt <= _invocations[i].CalledAt, "calls come in their order");
            part.Add(_invocations[i]);
        }
        return new List<List<Invocation<TOperation>>>(parts.Values);
    }
}
