using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;
using Deterministic.Storage;
using Xunit;

namespace Deterministic.StateMachine.Tests.Documents;

/// <summary>The verifier itself: whatever is missing, changed or stray in any tree, it notices.</summary>
public sealed class StateVerifierTests : IDisposable
{
    private readonly Machine _machine = new(Configuration.Tiny);

    public StateVerifierTests()
    {
        AttributeSchema text = new()
        {
            Name = "t", Type = AttributeType.String, Filterable = true, FullText = new FullTextOptions(),
        };
        WriteRequest request = new() { Namespace = "n", Schema = [text], Metric = DistanceMetric.CosineDistance };
        for (ulong i = 0; i < 3; i++)
            request.Upserts.Add(new Row { Id = Value.Of(i) }
                .With("t", Value.Of("one two one")).With("vector", Value.Of(1f, i)));
        _machine.Write(request);
        StateVerifier.Verify(_machine.State);
    }

    public void Dispose() => _machine.Dispose();

    public static TheoryData<TreeId> Indexes { get; } =
    [
        TreeId.Namespaces, TreeId.Attributes, TreeId.Ids, TreeId.Documents, TreeId.Liveness, TreeId.Vectors,
        TreeId.Columns, TreeId.Terms, TreeId.Postings,
    ];

    [Theory]
    [MemberData(nameof(Indexes))]
    public void A_lost_entry_is_noticed(TreeId id)
    {
        Tree tree = _machine.State.Trees[id];
        Assert.True(tree.Remove(tree.SeekLast().Key.ToArray()));
        Assert.ThrowsAny<Exception>(() => StateVerifier.Verify(_machine.State));
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void A_changed_entry_is_noticed(TreeId id)
    {
        Tree tree = _machine.State.Trees[id];
        byte[] key = tree.SeekLast().Key.ToArray();
        byte[] value = tree.SeekLast().Value.ToArray();
        value[id == TreeId.Namespaces ? 32 : ^1] ^= 1;
        if (id == TreeId.Attributes) value[8] ^= 1;
        tree.Put(key, value);
        Assert.ThrowsAny<Exception>(() => StateVerifier.Verify(_machine.State));
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void A_stray_entry_is_noticed(TreeId id)
    {
        Tree tree = _machine.State.Trees[id];
        byte[] key = tree.SeekLast().Key.ToArray();
        byte[] value = tree.SeekLast().Value.ToArray();
        key[^1]++;
        tree.Put(key, value);
        Assert.ThrowsAny<Exception>(() => StateVerifier.Verify(_machine.State));
    }
}
