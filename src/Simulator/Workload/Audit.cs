using System.Collections.Generic;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;

namespace Deterministic.Simulator.Workload;

/// <summary>Reads everything: all rows of every namespace with all their values, every word of every text index, every
/// dimension of sparse vectors, every column, the neighbours of a vector in every vector column, the schema, the list
/// of names and that of keys.</summary>
internal static class Audit
{
    private const uint PageRows = 6;

    public static List<GeneratedRequest> Requests(Vocabulary vocabulary, NaiveDatabase database)
    {
        List<GeneratedRequest> requests = [];
        for (int number = 0; number < vocabulary.Namespaces; number++)
        {
            string name = Vocabulary.NameOf(number);
            AddNamespace(requests, name, database, number % 2 == 0);
            // Branches of namespaces whose numbers end alike have one name.
            if (number < 10) AddNamespace(requests, Vocabulary.BranchOf(name), database, number % 2 == 1);
        }
        byte[] body = new byte[64];
        WireWriter writer = new(body);
        new ListNamespacesRequest { PageSize = 100 }.Write(ref writer);
        requests.Add(new GeneratedRequest(Operation.ListNamespaces, writer.Written.ToArray()));
        requests.Add(KeyGenerator.List(new ListKeysRequest()));
        return requests;
    }

    private static void AddNamespace(
        List<GeneratedRequest> requests, string name, NaiveDatabase database, bool descending)
    {
        for (int offset = 0; offset <= (database.Find(name)?.Rows.Count ?? 0); offset += (int)PageRows)
        {
            requests.Add(Encode(name, new Query
            {
                RankBy = RankBy.OrderBy(("id", descending)), Limit = PageRows, Offset = (uint)offset,
                Include = IncludeMode.All,
            }));
        }
        if (database.Find(name) is NaiveNamespace found) AddIndexes(requests, name, found.Schema);
        AddNamed(requests, Operation.Metadata, name);
        AddNamed(requests, Operation.Schema, name);
    }

    /// <summary>One query for each index and word.</summary>
    private static void AddIndexes(List<GeneratedRequest> requests, string name, NaiveSchema schema)
    {
        List<Query> queries = [];
        foreach (NaiveAttribute attribute in schema.ByNumber())
        {
            if (attribute.IsVector)
                AddRank(queries, RankBy.Ann(attribute.Name, Vocabulary.Probe((int)attribute.Dimensions)));
            for (int i = 0; i < Vocabulary.SparseNames.Length && attribute.IsSparse; i++)
                AddRank(queries, RankBy.SparseKnn(attribute.Name, Vocabulary.Unit(Vocabulary.SparseNames[i])));
            if (attribute.FullText is not null) AddWords(queries, attribute);
            if (!attribute.Filterable) continue;
            if (!attribute.IsArray) AddRank(queries, RankBy.OrderBy((attribute.Name, true), ("id", false)));
            else queries.Add(new Query
            {
                Limit = 80, Filter = Filter.Compare(attribute.Name, FilterOperator.NotEq, Value.Null),
            });
            if (attribute.IsArray) continue;
            List<Aggregate> aggregates = [new("n", AggregateFunction.Count, attribute.Name)];
            if (NaiveValues.IsNumber(attribute.Type))
                aggregates.Add(new("most", AggregateFunction.Max, attribute.Name));
            queries.Add(new Query { Aggregates = aggregates.ToArray(), GroupBy = [attribute.Name] });
        }
        const int perRequest = 8;
        for (int i = 0; i < queries.Count; i += perRequest)
            requests.Add(Encode(name, queries.GetRange(i, int.Min(perRequest, queries.Count - i)).ToArray()));
    }

    private static void AddRank(List<Query> queries, RankBy rank) =>
        queries.Add(new Query { RankBy = rank, Limit = 80 });

    private static void AddWords(List<Query> queries, NaiveAttribute attribute)
    {
        bool whole = attribute.FullText!.Tokenizer == Tokenizer.PreTokenizedArray;
        foreach (string word in Vocabulary.AllWords.Split(' '))
        {
            Value operand = whole ? Value.Of(Value.Of(word)) : Value.Of(word);
            AddRank(queries, new RankBy { Kind = RankKind.Bm25, Attribute = attribute.Name, Operand = operand });
        }
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
