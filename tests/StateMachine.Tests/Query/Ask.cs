using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Sends queries to a <see cref="Machine"/>.</summary>
public static class Ask
{
    public static QueryReply All(this Machine machine, QueryRequest request)
    {
        WireReader reader = machine.Commit(Core.Wire.Operation.Query, request.Write, out ReplyStatus status);
        if (status.Code != ErrorCode.Ok) throw new InvalidOperationException($"{status.Code}: {status.Message}");
        QueryReply reply = QueryReply.Read(ref reader);
        if (!reader.AtEnd) throw new InvalidOperationException("reply has more bytes than it says");
        return reply;
    }

    public static QueryResult One(this Machine machine, Core.Model.Query query) =>
        machine.All(new QueryRequest { Namespace = "n", Queries = [query] }).Results[0];

    /// <summary>Ids in the order of the answer, joined by commas.</summary>
    public static string Ids(this Machine machine, RankBy rank, Filter? filter = null, uint limit = 100) =>
        string.Join(",", machine.One(new Core.Model.Query { RankBy = rank, Filter = filter, Limit = limit })
            .Rows.Select(row => row.Id.ToString()));

    public static ReplyStatus Fails(this Machine machine, Core.Model.Query query, string name = "n")
    {
        QueryRequest request = new() { Namespace = name, Queries = [query] };
        machine.Commit(Core.Wire.Operation.Query, request.Write, out ReplyStatus status);
        if (status.Code == ErrorCode.Ok) throw new InvalidOperationException("the query was expected to fail");
        return status;
    }

    public static RankBy ById { get; } = RankBy.OrderBy(("id", false));

    public static Row Row(ulong id, params (string Name, Value Value)[] values)
    {
        Row row = new() { Id = Value.Of(id) };
        foreach ((string name, Value value) in values) row.With(name, value);
        return row;
    }
}
