using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>What a query tells of itself is what it has done.</summary>
public sealed class ExplainTests
{
    private static ExplainReply Explain(Machine machine, params Core.Model.Query[] queries) =>
        Explain(machine, new QueryRequest { Namespace = "n", Queries = queries });

    private static ExplainReply Explain(Machine machine, QueryRequest request)
    {
        WireReader reader = machine.Commit(Operation.Explain, request.Write, out ReplyStatus status);
        Assert.Equal("", status.Message);
        ExplainReply reply = ExplainReply.Read(ref reader);
        Assert.True(reader.AtEnd);
        return reply;
    }

    private static Machine Small()
    {
        Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n", Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new() { Name = "text", Type = AttributeType.String, FullText = new() },
                new() { Name = "code", Type = AttributeType.String, Glob = true },
                new() { Name = "v", Type = AttributeType.VectorF32, Dimensions = 2, Ann = true },
            ],
            Upserts =
            [
                Ask.Row(1, ("n", Value.Of(1L)), ("text", Value.Of("red fox")), ("v", Value.Of(new[] { 1f, 0f }))),
                Ask.Row(2, ("n", Value.Of(2L)), ("text", Value.Of("red dog")), ("v", Value.Of(new[] { 0f, 1f }))),
                Ask.Row(3, ("n", Value.Of(3L)), ("text", Value.Of("blue dog")), ("code", Value.Of("a-3"))),
                Ask.Row(4, ("n", Value.Of(4L))),
            ],
        });
        return machine;
    }

    private static string Text(PlanStep step) =>
        $"{step.Depth} {(FilterOperator)step.Code} {step.Attribute} {step.Access}: {step.Considered} -> {step.Matched}";

    [Fact]
    public void Each_part_of_a_filter_says_what_it_reads_and_what_it_leaves()
    {
        using Machine machine = Small();
        SubqueryPlan plan = Explain(machine, new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 10,
            Filter = Filter.And(
                Filter.Compare("n", FilterOperator.Lt, Value.Of(4L)),
                Filter.Or(
                    Filter.Compare("text", FilterOperator.ContainsAllTokens, Value.Of("red fox")),
                    Filter.Compare("code", FilterOperator.Glob, Value.Of("a*"))),
                Filter.Not(Filter.Compare("id", FilterOperator.Eq, Value.Of(3UL)))),
        }).Queries[0];
        Assert.Equal(
        [
            "0 And  Parts: 4 -> 1",
            "1 Lt n Column: 4 -> 3",
            "1 Or  Parts: 3 -> 2",
            "2 ContainsAllTokens text Postings: 3 -> 1",
            "2 Glob code Documents: 2 -> 1",
            "1 Not  Parts: 2 -> 1",
            "2 Eq id Column: 2 -> 1",
        ], plan.Steps.Where(step => step.Part == PlanPart.Filter).Select(Text));
        Assert.Equal((4UL, 1UL, 1UL, 1U), (plan.Documents, plan.Candidates, plan.Scored, plan.Rows));
        Assert.Equal((1U, 1U), (plan.Windows, plan.WindowsWithCandidates));
        Assert.Equal(2U, plan.Steps.Single(step => step.Access == PlanAccess.Postings).Words);
    }

    [Fact]
    public void A_filter_that_leaves_nothing_is_the_last_one_to_be_asked()
    {
        using Machine machine = Small();
        SubqueryPlan plan = Explain(machine, new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 10,
            Filter = Filter.And(Filter.Compare("n", FilterOperator.Gt, Value.Of(9L)),
                Filter.Compare("text", FilterOperator.ContainsAnyToken, Value.Of("red"))),
        }).Queries[0];
        Assert.Equal("1 Gt n Column: 4 -> 0", Text(plan.Steps[1]));
        Assert.Equal("1 ContainsAnyToken text Postings: 0 -> 0", Text(plan.Steps[2]));
        Assert.Equal((1U, 0U, 0UL), (plan.Windows, plan.WindowsWithCandidates, plan.Candidates));
    }

    private static string RankText(PlanStep step) =>
        $"{step.Depth} {(RankKind)step.Code} {step.Attribute} {step.Access}{(step.Descending ? " desc" : "")}";

    [Fact]
    public void Rankings_say_which_method_they_are_and_how_many_rows_they_rank()
    {
        using Machine machine = Small();
        (PlanMethod Method, bool Exact, ulong Scored, string Steps) Rank(RankBy rank)
        {
            SubqueryPlan plan = Explain(machine, new Core.Model.Query { RankBy = rank, Limit = 10 }).Queries[0];
            Assert.Equal((4UL, 4UL, (ulong)plan.Rows), (plan.Documents, plan.Candidates, plan.Scored));
            string steps = string.Join("; ", plan.Steps.Select(step =>
                step.Part == PlanPart.Filter ? Text(step) : RankText(step)));
            return (plan.Method, plan.Exact, plan.Scored, steps);
        }

        Assert.Equal((PlanMethod.Vectors, true, 2UL, "0 Ann v Vectors"), Rank(RankBy.Ann("v", [1f, 0f])));
        Assert.Equal((PlanMethod.Order, true, 4UL, "0 Attributes n Column desc; 0 Attributes id Column"),
            Rank(RankBy.OrderBy(("n", true), ("id", false))));
        Assert.Equal((PlanMethod.Scores, true, 2UL, "0 Bm25 text Postings"), Rank(RankBy.Bm25("text", "dog cat")));
        RankBy filter = new()
        {
            Kind = RankKind.Filter, Filter = Filter.Compare("n", FilterOperator.Gte, Value.Of(3L)),
        };
        RankBy sum = new() { Kind = RankKind.Sum, Children = [filter, RankBy.Bm25("text", "fox")] };
        Assert.Equal((PlanMethod.Scores, true, 3UL,
            "0 Sum  Parts; 1 Filter  Parts; 2 Gte n Column: 4 -> 2; 1 Bm25 text Postings"), Rank(sum));
    }

    [Fact]
    public void Aggregates_groups_and_limits_read_columns()
    {
        using Machine machine = Small();
        ExplainReply reply = Explain(machine,
            new Core.Model.Query
            {
                Aggregates = [new("rows", AggregateFunction.Count), new("sum", AggregateFunction.Sum, "n")],
                GroupBy = ["n"],
            },
            new Core.Model.Query { RankBy = Ask.ById, Limit = 3, LimitPer = ["id"], PerLimit = 1 });
        SubqueryPlan counts = reply.Queries[0];
        Assert.Equal((PlanMethod.Aggregates, 0U), (counts.Method, counts.Rows));
        Assert.Equal([(PlanPart.Aggregate, "n"), (PlanPart.Group, "n")],
            counts.Steps.Select(step => (step.Part, step.Attribute)));
        Assert.Equal((PlanMethod.Order, 3U), (reply.Queries[1].Method, reply.Queries[1].Rows));
        Assert.Equal([(PlanPart.Rank, "id"), (PlanPart.LimitPer, "id")],
            reply.Queries[1].Steps.Select(step => (step.Part, step.Attribute)));
    }

    [Fact]
    public void What_is_wrong_with_a_query_is_wrong_with_its_plan()
    {
        using Machine machine = Small();
        QueryRequest request = new()
        {
            Namespace = "n", Queries = [new() { RankBy = RankBy.Bm25("code", "x"), Limit = 1 }],
        };
        machine.Commit(Operation.Query, request.Write, out ReplyStatus query);
        machine.Commit(Operation.Explain, request.Write, out ReplyStatus plan);
        Assert.Equal((query.Code, query.Message), (plan.Code, plan.Message));
        Assert.Equal(ErrorCode.AttributeNotFilterable, plan.Code);
    }

    [Fact]
    public void An_answer_that_does_not_fit_has_a_plan_and_no_size()
    {
        using Machine machine = new();
        Value text = Value.Of(new string('x', 400 << 10));
        for (ulong id = 1; id <= 3; id++)
            machine.Write(new WriteRequest
            {
                Namespace = "n", Schema = [new() { Name = "t", Type = AttributeType.String, Filterable = false }],
                Upserts = [Ask.Row(id, ("t", text))],
            });
        Core.Model.Query all = new() { RankBy = Ask.ById, Limit = 3, Include = IncludeMode.All };
        Assert.Equal(ErrorCode.ReplyTooLarge, machine.Fails(all).Code);
        ExplainReply reply = Explain(machine, all);
        Assert.Equal((0U, 3U), (reply.AnswerSize, reply.Queries[0].Rows));
    }

    [Fact]
    public void A_batch_of_plans_and_queries_is_answered_as_they_are_alone()
    {
        using Machine machine = Small();
        Machine.BodyWriter query = new QueryRequest
        {
            Namespace = "n", Queries = [new() { RankBy = RankBy.Bm25("text", "dog"), Limit = 5 }],
        }.Write;
        byte[] rows = machine.Read(Operation.Query, query);
        byte[] plan = machine.Read(Operation.Explain, query);
        byte[] body = Body(query);
        byte[] batch = machine.Read(Operation.Batch, (ref WireWriter writer) =>
        {
            writer.U16(3);
            foreach (Operation part in (Operation[])[Operation.Query, Operation.Explain, Operation.Query])
            {
                writer.U32((uint)part);
                writer.U32((uint)body.Length);
                writer.Bytes(body);
            }
        });
        WireReader reader = new(batch);
        Assert.Equal((0, 3), (reader.U16(), reader.U16()));
        foreach (byte[] expected in (byte[][])[rows, plan, rows])
            Assert.Equal(expected, reader.Bytes(reader.U32()).ToArray());
    }

    private static byte[] Body(Machine.BodyWriter write)
    {
        WireWriter writer = new(new byte[1 << 16]);
        write(ref writer);
        return writer.Written.ToArray();
    }

    /// <summary>Every document takes the steps of a random filter in their order; the rows and the size of the answer
    /// are the query's own.</summary>
    [Fact]
    public void Counts_agree_with_the_definition_and_with_the_query()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 5000);
        Random random = new(31);
        for (int i = 0; i < 120; i++)
        {
            Filter filter = FilterProperties.Tree(random, 4);
            RankBy rank = (i % 3) switch
            {
                0 => RankBy.OrderBy((random.GetItems(Corpus.ScalarNames, 1)[0], true)),
                1 => RankBy.Ann("v", Corpus.Vector(random)),
                _ => RankBy.Saturate(RankBy.OfAttribute("u"), 2),
            };
            QueryRequest request = new()
            {
                Namespace = "n",
                Queries = [new() { RankBy = rank, Filter = filter, Limit = 10_000 }],
            };
            ExplainReply reply = Explain(corpus.Machine, request);
            List<string> expected = [];
            List<NaiveDocument> candidates = Narrow(filter, [.. corpus.Documents.Values], 0, expected);
            Assert.Equal(expected, reply.Queries[0].Steps.Where(step => step.Part == PlanPart.Filter)
                .Select(step => $"{step.Depth} {(FilterOperator)step.Code}: {step.Considered} -> {step.Matched}"));
            Assert.Equal((ulong)candidates.Count, reply.Queries[0].Candidates);
            int rows = corpus.Machine.All(request).Results[0].Rows.Count;
            Assert.Equal((uint)rows, reply.Queries[0].Rows);
            Assert.Equal((ulong)rows, reply.Queries[0].Scored);
            Assert.Equal((uint)corpus.Machine.Reply.Length, reply.AnswerSize);
        }
    }

    private static List<NaiveDocument> Narrow(
        Filter filter, List<NaiveDocument> asked, int depth, List<string> steps)
    {
        int at = steps.Count;
        steps.Add("");
        List<NaiveDocument> left = asked;
        switch (filter.Operator)
        {
            case FilterOperator.And:
                foreach (Filter child in filter.Children) left = Narrow(child, left, depth + 1, steps);
                break;
            case FilterOperator.Or:
                foreach (Filter child in filter.Children)
                    left = [.. left.Except(Narrow(child, left, depth + 1, steps))];
                left = [.. asked.Except(left)];
                break;
            case FilterOperator.Not:
                left = [.. asked.Except(Narrow(filter.Children[0], asked, depth + 1, steps))];
                break;
            default:
                left = [.. asked.Where(document => NaiveFilter.Matches(filter, document))];
                break;
        }
        steps[at] = $"{depth} {filter.Operator}: {asked.Count} -> {left.Count}";
        return left;
    }

    [Fact]
    public void Asking_for_plans_allocates_nothing()
    {
        using Machine machine = Small();
        machine.Guarded = false;
        byte[] body = Body(new QueryRequest
        {
            Namespace = "n",
            Queries =
            [
                new()
                {
                    RankBy = RankBy.Bm25("text", "dog"), Limit = 5,
                    Filter = Filter.Compare("n", FilterOperator.Lt, Value.Of(4L)),
                },
                new() { RankBy = RankBy.Ann("v", [1f, 0f]), Limit = 5 },
            ],
        }.Write);
        for (int i = 0; i < 3; i++) machine.Commit(Operation.Explain, body);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20; i++) machine.Commit(Operation.Explain, body);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
