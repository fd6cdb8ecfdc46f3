using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Namespaces;

public sealed class NamespaceTests : IDisposable
{
    private readonly Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    private void Fill(string name, int rows = 1)
    {
        WriteRequest request = new() { Namespace = name };
        for (int i = 0; i < rows; i++)
            request.Upserts.Add(new Row { Id = Value.Of((ulong)i) }.With("a", Value.Of((long)i)));
        _machine.Write(request);
    }

    private ListNamespacesReply List(string prefix, string cursor, uint pageSize)
    {
        ListNamespacesRequest request = new() { Prefix = prefix, Cursor = cursor, PageSize = pageSize };
        WireReader reader = _machine.Commit(Operation.ListNamespaces, request.Write, out ReplyStatus status);
        Assert.Equal(ErrorCode.Ok, status.Code);
        return ListNamespacesReply.Read(ref reader);
    }

    [Fact]
    public void Namespaces_are_listed_by_name_page_after_page()
    {
        foreach (string name in (string[])["b", "a2", "a1", "a3"]) Fill(name);
        ListNamespacesReply first = List("a", "", 2);
        Assert.Equal(["a1", "a2"], first.Names);
        Assert.True(first.More);
        ListNamespacesReply second = List("a", "a2", 2);
        Assert.Equal(["a3"], second.Names);
        Assert.False(second.More);
    }

    [Fact]
    public void A_deleted_namespace_is_gone_at_once_and_its_entries_after_some_operations()
    {
        Fill("old", rows: 2000);
        NamespaceRequest request = new() { Namespace = "old" };
        Assert.Equal(ErrorCode.Ok, _machine.CodeOf(Operation.DeleteNamespace, request.Write));
        Assert.Equal(ErrorCode.NamespaceNotFound, _machine.CodeOf(Operation.Schema, request.Write));
        Fill("old");
        Assert.Equal(1UL, _machine.Metadata("old").Rows);
        for (int i = 0; i < 20; i++) List("", "", 1);
        Assert.Equal(0, _machine.State.Trees.Garbage.Count);
        Assert.Equal(1, _machine.State.Trees.Documents.Count);
        Assert.Equal(1, _machine.State.Trees.Ids.Count);
    }

    /// <summary>Removing goes on where it was, so it never passes what is removed already.</summary>
    [Fact]
    public void The_removal_of_a_namespace_goes_forward_only()
    {
        Fill("old", rows: 2000);
        NamespaceRequest request = new() { Namespace = "old" };
        Assert.Equal(ErrorCode.Ok, _machine.CodeOf(Operation.DeleteNamespace, request.Write));
        byte[] reached = [];
        int steps = 0;
        for (; _machine.State.Trees.Garbage.Count > 0; steps++)
        {
            byte[] next = _machine.State.Trees.Garbage.SeekFirst().Value.ToArray();
            Assert.True(steps == 0 || next.AsSpan().SequenceCompareTo(reached) > 0);
            reached = next;
            List("", "", 1);
        }
        Assert.True(steps > 3, "a few operations are needed");
    }

    [Fact]
    public void A_schema_may_gain_text_search_and_lose_filtering_but_not_change_types()
    {
        _machine.Write(new WriteRequest
        {
            Namespace = "n",
            Upserts = [new Row { Id = Value.Of("x") }.With("t", Value.Of("two words"))],
        });
        UpdateSchemaRequest update = new()
        {
            Namespace = "n",
            Schema =
            [
                new AttributeSchema
                {
                    Name = "t", Type = AttributeType.String, Filterable = false, FullText = new FullTextOptions(),
                },
            ],
        };
        WireReader reader = _machine.Commit(Operation.UpdateSchema, update.Write, out ReplyStatus status);
        Assert.Equal(ErrorCode.Ok, status.Code);
        AttributeSchema text = SchemaReply.Read(ref reader).Schema.Single(a => a.Name == "t");
        Assert.False(text.Filterable);
        Assert.NotNull(text.FullText);
        Assert.Equal(2, _machine.State.Trees.Terms.Count);
        Assert.True(_machine.State.View.TryOpen("n"u8));
        Assert.Equal(2UL, _machine.State.View.Attribute(1).TextTokens);

        UpdateSchemaRequest change = new()
        {
            Namespace = "n", Schema = [new AttributeSchema { Name = "t", Type = AttributeType.Int }],
        };
        _machine.Commit(Operation.UpdateSchema, change.Write, out ReplyStatus refused);
        Assert.Equal(ErrorCode.SchemaConflict, refused.Code);
        Assert.Equal("attribute `t` has type string, which cannot be changed to int", refused.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a/b")]
    [InlineData("ä")]
    public void Names_have_few_characters(string name)
    {
        NamespaceRequest request = new() { Namespace = name };
        Assert.Equal(ErrorCode.NamespaceNameInvalid, _machine.CodeOf(Operation.Metadata, request.Write));
    }
}
