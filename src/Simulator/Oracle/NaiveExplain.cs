using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>How many rows each step of a query is asked about and lets through, by definition: every row takes the
/// steps in their order. Where the steps get at the rows, and in how many windows, is taken from what was said: only an
/// implementation can know.</summary>
internal static class NaiveExplain
{
    /// <param name="request">Has passed its rules.</param>
    /// <param name="database">Its namespace.</param>
    /// <param name="limitOf">How many rows to expect where a query allows some number.</param>
    /// <param name="answerSize">Of the query's answer.</param>
    /// <param name="said">What was answered.</param>
    public static ExplainReply Expect(
        QueryRequest request, NaiveNamespace database, Func<uint, uint> limitOf, uint answerSize, ExplainReply said)
    {
        List<SubqueryPlan> plans = [];
        for (int i = 0; i < request.Queries.Length; i++)
        {
            SubqueryPlan? plan = i < said.Queries.Count ? said.Queries[i] : null;
            plans.Add(Expect(request.Queries[i], database, limitOf, plan));
        }
        return new() { Queries = plans, Fused = request.Rerank != Rerank.None, AnswerSize = answerSize };
    }

    private static SubqueryPlan Expect(
        Query query, NaiveNamespace database, Func<uint, uint> limitOf, SubqueryPlan? said)
    {
        (List<NaiveRow> candidates, int scored, int rows) = NaiveQuery.Trace(query, database, limitOf);
        if (said is not null) CheckWindows(said, database.Rows.Count, candidates.Count);
        Steps steps = new(database.Schema, said);
        if (query.Filter is not null) steps.AddFilter(query.Filter, 0, new(database.Rows.Values));
        bool aggregates = query.Aggregates.Length > 0;
        if (!aggregates) steps.AddRank(query.RankBy, 0, candidates);
        foreach (Aggregate aggregate in query.Aggregates)
        {
            if (aggregate.Attribute.Length > 0)
                steps.Add(PlanPart.Aggregate, (byte)aggregate.Function, aggregate.Attribute);
        }
        foreach (string name in query.GroupBy) steps.Add(PlanPart.Group, 0, name);
        foreach (string name in query.LimitPer) steps.Add(PlanPart.LimitPer, 0, name);
        return new SubqueryPlan
        {
            Method = MethodOf(query), Exact = true, Windows = said?.Windows ?? 0,
            WindowsWithCandidates = said?.WindowsWithCandidates ?? 0, Documents = (ulong)database.Rows.Count,
            Candidates = (ulong)candidates.Count, Scored = (ulong)scored, Rows = (uint)rows,
            Computed = (ushort)query.Computed.Length, BytesRead = said?.BytesRead ?? 0, Steps = steps.All,
        };
    }

    private static PlanMethod MethodOf(Query query)
    {
        if (query.Aggregates.Length > 0) return PlanMethod.Aggregates;
        return query.RankBy.Kind switch
        {
            RankKind.Ann or RankKind.Knn => PlanMethod.Vectors,
            RankKind.Attributes or RankKind.None => PlanMethod.Order,
            _ => PlanMethod.Scores,
        };
    }

    private static void CheckWindows(SubqueryPlan said, int rows, int candidates)
    {
        Check.That(said.Windows <= rows && said.WindowsWithCandidates <= candidates, "windows without documents");
        Check.That(said.WindowsWithCandidates <= said.Windows, "candidates in more windows than there are");
        Check.That((said.Windows > 0) == (rows > 0), "documents in no window");
        Check.That((said.WindowsWithCandidates > 0) == (candidates > 0), "candidates in no window");
    }

    /// <summary>Steps in the order of the request, each before its parts.</summary>
    private sealed class Steps(NaiveSchema schema, SubqueryPlan? said)
    {
        public List<PlanStep> All { get; } = [];

        /// <summary>A step that reads a column.</summary>
        public void Add(PlanPart part, byte code, string attribute, bool descending = false) => All.Add(new PlanStep
        {
            Part = part, Code = code, Access = PlanAccess.Column, Attribute = attribute, Descending = descending,
        });

        /// <summary>Returns the rows that match of those that it is asked about, in their order.</summary>
        public List<NaiveRow> AddFilter(Filter filter, int depth, List<NaiveRow> asked)
        {
            int at = All.Count;
            All.Add(new PlanStep { Part = PlanPart.Filter });
            List<NaiveRow> left = asked;
            switch (filter.Operator)
            {
                case FilterOperator.And:
                    foreach (Filter child in filter.Children) left = AddFilter(child, depth + 1, left);
                    break;
                case FilterOperator.Or:
                    foreach (Filter child in filter.Children) left = Without(left, AddFilter(child, depth + 1, left));
                    left = Without(asked, left);
                    break;
                case FilterOperator.Not:
                    left = Without(asked, AddFilter(filter.Children[0], depth + 1, asked));
                    break;
                default:
                    left = asked.FindAll(row => NaiveFilter.Matches(filter, schema, row, null));
                    break;
            }
            All[at] = new PlanStep
            {
                Part = PlanPart.Filter, Depth = (byte)depth, Code = (byte)filter.Operator, Access = AccessAt(at),
                Attribute = filter.Attribute, Words = WordsAt(at), Considered = (ulong)asked.Count,
                Matched = (ulong)left.Count,
            };
            return left;
        }

        public void AddRank(RankBy rank, int depth, List<NaiveRow> candidates)
        {
            if (rank.Kind == RankKind.None) Add(PlanPart.Rank, (byte)RankKind.Attributes, "id");
            foreach ((string attribute, bool descending) in rank.Order)
                Add(PlanPart.Rank, (byte)RankKind.Attributes, attribute, descending);
            if (rank.Kind is RankKind.None or RankKind.Attributes) return;
            int at = All.Count;
            All.Add(new PlanStep
            {
                Part = PlanPart.Rank, Depth = (byte)depth, Code = (byte)rank.Kind, Access = AccessAt(at),
                Attribute = rank.Attribute, Words = WordsAt(at),
            });
            if (rank.Filter is not null) AddFilter(rank.Filter, depth + 1, candidates);
            foreach (RankBy child in rank.Children) AddRank(child, depth + 1, candidates);
        }

        private PlanAccess AccessAt(int at) => Said(at)?.Access ?? PlanAccess.Parts;

        private uint WordsAt(int at) => Said(at)?.Words ?? 0;

        private PlanStep? Said(int at) => at < said?.Steps.Count ? said.Steps[at] : null;

        /// <summary>Both in the same order.</summary>
        private static List<NaiveRow> Without(List<NaiveRow> rows, List<NaiveRow> others)
        {
            List<NaiveRow> left = [];
            int other = 0;
            foreach (NaiveRow row in rows)
            {
                if (other < others.Count && ReferenceEquals(row, others[other])) other++;
                else left.Add(row);
            }
            Check.That(other == others.Count);
            return left;
        }
    }
}
