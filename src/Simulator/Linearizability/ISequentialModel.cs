using System.Collections.Generic;

namespace Deterministic.Simulator.Linearizability;

/// <summary>What one key does when operations come one after the other. Every operation can be applied to every
/// state.</summary>
internal interface ISequentialModel<TOperation, TState>
{
    TState Initial { get; }

    /// <summary>The state after the operation; <paramref name="agrees"/> says whether its result is what the operation
    /// holds.</summary>
    TState Apply(TState state, in TOperation operation, out bool agrees);

    /// <summary>Whether there is a state that the operation changes, given its result if it has
    /// <paramref name="returned"/>.</summary>
    bool MayChange(in TOperation operation, bool returned);

    /// <summary>Whether the operation leaves one and the same state wherever it takes effect, and which.</summary>
    bool Resets(in TOperation operation, out TState state);

    /// <summary>Whether some of the others may lead from the state to one where the result of a read agrees, without
    /// those that reset; true where that is not known.</summary>
    bool MayLead(TState state, List<TOperation> others, in TOperation read);

    bool AreEqual(TState left, TState right);

    ulong Hash(TState state);

    string Describe(TState state);

    string Describe(in TOperation operation, bool returned);
}
