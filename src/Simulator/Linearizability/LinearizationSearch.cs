using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Linearizability;

/// <summary>Looks for an order of the operations on one key that respects real time (what returned before another was
/// called comes before it) and gives every operation that returned its result; those that did not return may be left
/// out. The search of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with what Lowe added (Testing for
/// Linearizability, 2017): a configuration is explored once. Three things more keep it small. An operation that cannot
/// change any state (a read) is done as soon as its result agrees, and never undone for its own sake: where there is an
/// order, there is one with it first. A state from which the next reads can no longer get what they got is left at
/// once. And operations that did not return are tried last, so that
/// <see cref="ConfigurationSet{TOperation, TState, TModel}"/> can drop what needs more of them.</summary>
internal sealed class LinearizationSearch<TOperation, TState, TModel>
    where TModel : struct, ISequentialModel<TOperation, TState>
{
    private const int WordBits = 64;

    /// <summary>Events ahead among which reads are looked for that a state makes impossible.</summary>
    private const int EventsAheadMax = 64;

    private readonly TModel _model;
    private readonly List<Invocation<TOperation>> _returned = [];
    private readonly List<Invocation<TOperation>> _open = [];

    /// <summary>Events in the order of time in a list with links both ways: node 2i is the call of the i-th returned
    /// operation, 2i + 1 its return; then the head and the tail. What is done is not in the list.</summary>
    private readonly int[] _next;
    private readonly int[] _previous;

    /// <summary>Place of each event in the order of time; after those of the nodes, calls of the open ones.</summary>
    private readonly int[] _places;
    private readonly ulong[] _done;
    private readonly ulong[] _keys;
    private readonly ConfigurationSet<TOperation, TState, TModel> _seen;
    private readonly List<TOperation> _ahead = [];
    private readonly List<TState> _starts = [];
    private readonly List<Step> _steps = [];
    private readonly List<int> _longest = [];
    private TState _state;
    private TState _longestState;
    private ulong _hash;
    private int _left;
    private int _longestLeft;

    /// <param name="invocations">Of one key, in the order of their calls.</param>
    public LinearizationSearch(TModel model, List<Invocation<TOperation>> invocations)
    {
        _model = model;
        foreach (Invocation<TOperation> invocation in invocations)
        {
            if (invocation.HasReturned) _returned.Add(invocation);
            else if (model.MayChange(invocation.Operation, returned: false)) _open.Add(invocation);
        }
        _left = _longestLeft = _returned.Count;
        _next = new int[Tail + 1];
        _previous = new int[Tail + 1];
        _places = new int[Tail + 1 + _open.Count];
        Link();
        int returnedWords = WordsFor(_returned.Count);
        _done = new ulong[returnedWords + WordsFor(_open.Count)];
        _keys = new ulong[_returned.Count];
        Prng prng = new(0);
        for (int i = 0; i < _keys.Length; i++) _keys[i] = prng.Next();
        _seen = new ConfigurationSet<TOperation, TState, TModel>(model, returnedWords);
        _state = _longestState = model.Initial;
    }

    /// <summary>The order that has most of the operations that returned.</summary>
    public List<Invocation<TOperation>> Longest
    {
        get
        {
            List<Invocation<TOperation>> order = [];
            foreach (int index in _longest) order.Add(At(index));
            return order;
        }
    }

    public TState LongestState => _longestState;
    public int Configurations => _seen.Count;
    private int Head => 2 * _returned.Count;
    private int Tail => Head + 1;

    public Verdict Run(int configurationsMax)
    {
        DoReads();
        KeepLongest();
        int at = _next[Head];
        while (_left > 0)
        {
            if (_seen.Count >= configurationsMax) return Verdict.Undecided;
            if (!IsCandidate(at, out int index))
            {
                if (at > Tail || _open.Count == 0)
                {
                    if (!TryUndo(out at)) return Verdict.NotLinearizable;
                    at = After(at);
                }
                else
                {
                    at = Tail + 1;
                }
                continue;
            }
            at = TryDo(index) ? _next[Head] : After(at);
        }
        return Verdict.Linearizable;
    }

    /// <summary>Whether the event at the node is the call of something that may come next.</summary>
    private bool IsCandidate(int node, out int index)
    {
        index = node < Head ? node >> 1 : node - Tail - 1 + _returned.Count;
        if (node < Head) return (node & 1) == 0;
        if (node <= Tail || index >= _returned.Count + _open.Count) return false;
        return _places[node] < _places[FirstReturn()];
    }

    private int After(int node) => node < Head ? _next[node] : node + 1;

    private int FirstReturn()
    {
        int node = _next[Head];
        while (node < Head && (node & 1) == 0) node = _next[node];
        Check.That(node < Head, "what has not been done has a return ahead");
        return node;
    }

    /// <summary>Does an operation that may change the state, and all reads that agree after it.</summary>
    private bool TryDo(int index)
    {
        bool returned = index < _returned.Count;
        if (!returned && IsDone(index)) return false;
        Invocation<TOperation> invocation = At(index);
        if (returned && !_model.MayChange(invocation.Operation, returned)) return false;
        TState state = _model.Apply(_state, invocation.Operation, out bool agrees);
        if (returned ? !agrees : _model.AreEqual(state, _state)) return false;
        Do(index, state, isRead: false);
        DoReads();
        if (IsReadable() && _seen.TryAdd(unchecked(_hash + _model.Hash(_state) * 0x9E3779B97F4A7C15), _done, _state))
        {
            KeepLongest();
            return true;
        }
        bool undone = TryUndo(out _);
        Check.That(undone);
        return false;
    }

    /// <summary>Whether each of the next reads may still get its result: from this state, or after one of those resets
    /// that can come before it.</summary>
    private bool IsReadable()
    {
        _starts.Clear();
        _starts.Add(_state);
        _ahead.Clear();
        int open = 0;
        int node = _next[Head];
        for (int i = 0; i < EventsAheadMax && node != Tail; i++, node = _next[node])
        {
            for (; open < _open.Count && _places[Tail + 1 + open] < _places[node]; open++)
            {
                if (!IsDone(_returned.Count + open)) AddAhead(_open[open].Operation);
            }
            TOperation operation = _returned[node >> 1].Operation;
            bool isRead = !_model.MayChange(operation, returned: true);
            if (!IsReturn(node) && !isRead) AddAhead(operation);
            if (IsReturn(node) && isRead && !MayAgree(operation)) return false;
        }
        return true;
    }

    private void AddAhead(TOperation operation)
    {
        _ahead.Add(operation);
        if (_model.Resets(operation, out TState state)) _starts.Add(state);
    }

    private bool MayAgree(TOperation read)
    {
        foreach (TState state in _starts)
        {
            if (_model.MayLead(state, _ahead, read)) return true;
        }
        return false;
    }

    private void DoReads()
    {
        for (int node = _next[Head]; node < Head && (node & 1) == 0; node = _next[node])
        {
            TOperation operation = _returned[node >> 1].Operation;
            if (_model.MayChange(operation, returned: true)) continue;
            _model.Apply(_state, operation, out bool agrees);
            if (agrees) Do(node >> 1, _state, isRead: true);
        }
    }

    private void Do(int index, TState state, bool isRead)
    {
        Check.That(!IsDone(index));
        _steps.Add(new Step(index, isRead, _state));
        _state = state;
        Flip(index);
        if (index >= _returned.Count) return;
        _left--;
        Unlink(2 * index + 1);
        Unlink(2 * index);
    }

    /// <summary>Takes back the last operation that changed something, with the reads after it.</summary>
    /// <param name="node">Its call.</param>
    private bool TryUndo(out int node)
    {
        node = Head;
        while (_steps.Count > 0)
        {
            Step step = _steps[^1];
            _steps.RemoveAt(_steps.Count - 1);
            _state = step.Before;
            Flip(step.Index);
            bool returned = step.Index < _returned.Count;
            if (returned)
            {
                _left++;
                Relink(2 * step.Index);
                Relink(2 * step.Index + 1);
            }
            node = returned ? 2 * step.Index : Tail + 1 + step.Index - _returned.Count;
            if (!step.IsRead) return true;
        }
        return false;
    }

    private void KeepLongest()
    {
        if (_left >= _longestLeft) return;
        _longestLeft = _left;
        _longest.Clear();
        foreach (Step step in _steps) _longest.Add(step.Index);
        _longestState = _state;
    }

    private Invocation<TOperation> At(int index) =>
        index < _returned.Count ? _returned[index] : _open[index - _returned.Count];

    private static int WordsFor(int bits) => (bits + WordBits - 1) / WordBits;

    private int Word(int index) => index < _returned.Count
        ? index / WordBits
        : WordsFor(_returned.Count) + (index - _returned.Count) / WordBits;

    private int Bit(int index) => (index < _returned.Count ? index : index - _returned.Count) % WordBits;

    private bool IsDone(int index) => (_done[Word(index)] >> Bit(index) & 1) != 0;

    private void Flip(int index)
    {
        _done[Word(index)] ^= 1ul << Bit(index);
        if (index < _returned.Count) _hash ^= _keys[index];
    }

    private void Unlink(int node)
    {
        _next[_previous[node]] = _next[node];
        _previous[_next[node]] = _previous[node];
    }

    /// <summary>In the opposite order of <see cref="Unlink"/>, whose links it finds as they were.</summary>
    private void Relink(int node)
    {
        _next[_previous[node]] = node;
        _previous[_next[node]] = node;
    }

    /// <summary>Calls come before returns of the same time.</summary>
    private void Link()
    {
        List<(ulong Time, int Node)> events = [];
        for (int i = 0; i < _returned.Count; i++)
        {
            events.Add((_returned[i].CalledAt, 2 * i));
            events.Add((_returned[i].ReturnedAt, 2 * i + 1));
        }
        for (int i = 0; i < _open.Count; i++) events.Add((_open[i].CalledAt, Tail + 1 + i));
        events.Sort((left, right) =>
        {
            int order = left.Time.CompareTo(right.Time);
            if (order == 0) order = IsReturn(left.Node).CompareTo(IsReturn(right.Node));
            return order != 0 ? order : left.Node.CompareTo(right.Node);
        });
        int last = Head;
        for (int i = 0; i < events.Count; i++)
        {
            int node = events[i].Node;
            _places[node] = i;
            if (node > Tail) continue;
            _next[last] = node;
            _previous[node] = last;
            last = node;
        }
        _next[last] = Tail;
        _previous[Tail] = last;
        _places[Tail] = events.Count;
    }

    private bool IsReturn(int node) => node < Head && (node & 1) == 1;

    private readonly struct Step(int index, bool isRead, TState before)
    {
        public int Index { get; } = index;
        public bool IsRead { get; } = isRead;
        public TState Before { get; } = before;
    }
}
