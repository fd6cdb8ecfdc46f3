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
}
