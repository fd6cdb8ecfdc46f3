using System.Collections.Generic;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Workload;

/// <summary>Reads everything: all rows of every namespace with all their values, every word of both text indexes,
/// every value of some columns, the neighbours of a vector, the schema and the list of names.</summary>
internal static class Audit
{
    private const uint PageRows = 6;

    /// <param name="rowsOf">Rows of a namespace as the oracle counts them.</param>
    public static List<GeneratedRequest> Requests(Vocabulary vocabulary, System.Func<string, int> rowsOf)
    {
        List<GeneratedRequest> requests = [];
        for (int number = 0; number < vocabulary.Namespaces; number++)
        {
            string name = Vocabulary.NameOf(number);
            for (int offset = 0; offset <= rowsOf(name); offset += (int)PageRows)
            {
                requests.Add(Encode(name, new Query
                {
                    RankBy = RankBy.OrderBy(("id", number % 2 == 0)), Limit = PageRows, Offset = (uint)offset,
                    Include = IncludeMode.All,
                }));
            }
            AddIndexes(requests, vocabulary, name);
            AddNamed(requests, Operation.Metadata, name);
            AddNamed(requests, Operation.Schema, name);
        }
        byte[] body = new byte[64];
        WireWriter writer = new(body);
        new ListNamespacesRequest { PageSize = 100 }.Write(ref writer);
        requests.Add(new GeneratedRequest(Operation.ListNamespaces, writer.Written.ToArray()));
        return requests;
    }

    private static void AddIndexes(List<GeneratedRequest> requests, Vocabulary vocabulary, string name)
    {
        List<RankBy> ranks =
        [
            RankBy.Ann("vector", vocabulary.Probe()), RankBy.OrderBy(("made", true), ("price", false)),
            RankBy.OrderBy(("color", false), ("count", true)), RankBy.Bm25("body", Vocabulary.AllWords),
        ];
        foreach (string word in Vocabulary.AllWords.Split(' ')) ranks.Add(RankBy.Bm25("title", word));
        const int perRequest = 8;
        for (int i = 0; i < ranks.Count; i += perRequest)
        {
            Query[] queries = new Query[int.Min(perRequest, ranks.Count - i)];
            for (int j = 0; j < queries.Length; j++) queries[j] = new Query { RankBy = ranks[i + j], Limit = 80 };
            requests.Add(Encode(name, queries));
        }
        Aggregate[] aggregates =
        [
            new("n", AggregateFunction.Count), new("sizes", AggregateFunction.Sum, "size"),
            new("prices", AggregateFunction.Avg, "price"),
        ];
        requests.Add(Encode(
            name, new Query { Aggregates = aggregates, GroupBy = ["color"] },
            new Query { Aggregates = aggregates, GroupBy = ["sold", "key"] }));
    }

    private static GeneratedRequest Encode(string name, params Query[] queries)
    {
        byte[] body = new byte[8192];
        WireWriter writer = new(body);
        new QueryRequest { Namespace = name, Queries = queries }.Write(ref writer);
        return new GeneratedRequest(Operation.Query, writer.Written.ToArray());
    }

    private static void AddNamed(List<GeneratedRequest> requests, Operation operation, string name)
    {
        byte[] body = new byte[256];
        WireWriter writer = new(body);
        new NamespaceRequest { Namespace = name }.Write(ref writer);
        requests.Add(new GeneratedRequest(operation, writer.Written.ToArray()));
    }
}
