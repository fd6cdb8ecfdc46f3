using System.Collections.Generic;
using Deterministic.Simulator.Linearizability;

namespace Deterministic.SystemTests.Clients;

/// <summary>What all clients of a test called and got, in the order in which this process saw it.</summary>
internal sealed class HistoryRecorder
{
    private readonly object _gate = new();
    private readonly History<DocumentOperation> _history = new();
    private ulong _time;
    private int _returned;
    private int _unknown;

    public int Returned
    {
        get
        {
            lock (_gate) return _returned;
        }
    }

    /// <summary>Calls of which nobody knows whether they took effect.</summary>
    public int Unknown
    {
        get
        {
            lock (_gate) return _unknown;
        }
    }

    public int Call(int key, int client, DocumentOperation operation)
    {
        lock (_gate) return _history.Call(key, client, ++_time, operation);
    }

    public void Return(int index, DocumentOperation operation)
    {
        lock (_gate)
        {
            _returned++;
            _history.Return(index, ++_time, operation);
        }
    }

    /// <summary>It was certainly not carried out.</summary>
    public void Forget(int index)
    {
        lock (_gate) _history.Forget(index);
    }

    public void GiveUp()
    {
        lock (_gate) _unknown++;
    }

    public LinearizabilityReport Judge()
    {
        lock (_gate)
            return new LinearizabilityChecker<DocumentOperation, long?, DocumentModel>(default).Check(_history);
    }

    /// <summary>How many operations of each kind returned, those that changed something apart.</summary>
    public SortedDictionary<string, int> Counts()
    {
        SortedDictionary<string, int> counts = [];
        lock (_gate)
        {
            for (int i = 0; i < _history.Count; i++)
            {
                if (!_history[i].HasReturned) continue;
                DocumentOperation operation = _history[i].Operation;
                string what = operation.Kind.ToString();
                if (operation.Expected is not null) what += "If";
                bool had = operation.Kind == DocumentKind.Read ? operation.Value is not null : operation.Affected > 0;
                what += had ? "" : " without effect";
                counts[what] = counts.GetValueOrDefault(what) + 1;
            }
        }
        return counts;
    }
}
