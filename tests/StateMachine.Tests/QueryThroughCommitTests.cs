using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests;

public sealed class QueryThroughCommitTests
{
    [Fact]
    public void What_was_written_is_found_by_the_next_operation()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n", Metric = DistanceMetric.CosineDistance,
            Upserts =
            [
                new Row { Id = Value.Of(1UL) }.With("vector", Value.Of(1f, 0f)).With("a", Value.Of("x")),
                new Row { Id = Value.Of(2UL) }.With("vector", Value.Of(0f, 1f)).With("a", Value.Of("y")),
            ],
        });
        QueryRequest request = new()
        {
            Namespace = "n",
            Queries =
            [
                new Deterministic.Core.Model.Query
                {
                    RankBy = new RankBy { Kind = RankKind.Knn, Attribute = "vector", Operand = Value.Of(0.1f, 1f) },
                    Filter = Filter.Compare("a", FilterOperator.NotEq, Value.Of("z")), Limit = 2,
                    Include = IncludeMode.All,
                },
            ],
        };
        WireReader reader = machine.Commit(Operation.Query, request.Write, out ReplyStatus status);
        Assert.Equal("", status.Message);
        QueryReply reply = QueryReply.Read(ref reader);
        Assert.True(reader.AtEnd);
        Assert.Equal(Value.Of(2UL), reply.Results[0].Rows[0].Id);
        Assert.Equal(Value.Of(1UL), reply.Results[0].Rows[1].Id);
    }

    [Fact]
    public void The_same_query_gets_the_same_bytes_again_alone_and_in_a_batch()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n", Upserts = [new Row { Id = Value.Of(1UL) }.With("a", Value.Of("x"))],
        });
        byte[] query = new byte[256];
        WireWriter writer = new(query);
        new QueryRequest
        {
            Namespace = "n",
            Queries =
            [
                new Deterministic.Core.Model.Query
                {
                    RankBy = RankBy.OrderBy(("a", true)), Limit = 2,
                    Filter = Filter.Compare("a", FilterOperator.Gte, Value.Of("b")),
                },
            ],
        }.Write(ref writer);
        query = writer.Written.ToArray();
        byte[] first = Reply(machine, Operation.Query, query);
        Assert.Equal(first, Reply(machine, Operation.Query, query));

        byte[] batch = [1, 0, (byte)Operation.Query, 0, 0, 0, (byte)query.Length, 0, 0, 0, .. query];
        Assert.Equal(first, Reply(machine, Operation.Batch, batch)[8..]);
    }

    private static byte[] Reply(Machine machine, Operation operation, byte[] body)
    {
        byte[] reply = new byte[4096];
        int size = machine.State.Commit(new OperationContext(9, 9, operation), body, reply);
        return reply[..size];
    }
}
