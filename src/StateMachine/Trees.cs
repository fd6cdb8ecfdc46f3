using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage;

namespace Deterministic.StateMachine;

/// <summary>The trees of the state by name.</summary>
public sealed class Trees(StaticMemory memory, long stateSizeMax)
{
    public Forest Forest { get; } = new(memory, (int)TreeId.Count, stateSizeMax);
    public Tree Namespaces => this[TreeId.Namespaces];
    public Tree Attributes => this[TreeId.Attributes];
    public Tree Ids => this[TreeId.Ids];
    public Tree Documents => this[TreeId.Documents];
    public Tree Liveness => this[TreeId.Liveness];
    public Tree Vectors => this[TreeId.Vectors];
    public Tree Columns => this[TreeId.Columns];
    public Tree Terms => this[TreeId.Terms];
    public Tree Postings => this[TreeId.Postings];
    public Tree Garbage => this[TreeId.Garbage];
    public Tree Counters => this[TreeId.Counters];

    public Tree this[TreeId id] => Forest[(int)id];
}
