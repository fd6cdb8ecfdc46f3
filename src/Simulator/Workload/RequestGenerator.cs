using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Workload;

/// <summary>A request that a simulated client is going to send.</summary>
internal readonly struct GeneratedRequest(Operation operation, byte[] body)
{
    public Operation Operation { get; } = operation;
    public byte[] Body { get; } = body;
}

/// <summary>Draws requests of every kind from a tape; a few are wrong on purpose in a way whose answer is
/// known.</summary>
[FloatAllowed("draws numbers from exact ones")]
internal sealed class RequestGenerator(TapeStream tape, Vocabulary vocabulary, WorkloadMix mix, int bodySizeMax)
{
    private readonly FilterGenerator _filters = new(tape, vocabulary);
    private readonly byte[] _buffer = new byte[bodySizeMax];

    public GeneratedRequest Next()
    {
        int kind = tape.Weighted(mix.Weights);
        return kind switch
        {
            WorkloadMix.Write => Encode(Operation.Write, Write()),
            WorkloadMix.Query => Encode(Operation.Query, Query()),
            WorkloadMix.List => Encode(Operation.ListNamespaces, List()),
            WorkloadMix.Metadata => Encode(Operation.Metadata, Named()),
            WorkloadMix.Schema => Encode(Operation.Schema, Named()),
            WorkloadMix.DeleteNamespace => Encode(Operation.DeleteNamespace, Named()),
            WorkloadMix.Wrong => Wrong(),
            _ => Batch(),
        };
    }

    private NamespaceRequest Named() => new() { Namespace = vocabulary.Namespace() };

    private ListNamespacesRequest List() => new()
    {
        Prefix = tape.Below(3) == 0 ? "ns-1" : "",
        Cursor = tape.Below(3) == 0 ? vocabulary.Namespace() : "",
        PageSize = (uint)tape.Range(1, 5),
    };

    private WriteRequest Write()
    {
        string name = vocabulary.Namespace();
        SortedDictionary<string, bool> taken = new(StringComparer.Ordinal);
        WriteRequest request = new()
        {
            Namespace = name,
            Metric = Vocabulary.MetricOf(name),
            Schema = vocabulary.SchemaOf(name),
            Flags = tape.Below(3) == 0 ? WriteFlags.ReturnAffectedIds : WriteFlags.None,
            DeleteByFilter = tape.Below(12) == 0 ? _filters.Draw(name, 2) : null,
            PatchByFilter = tape.Below(12) == 0 ? _filters.Draw(name, 2) : null,
            UpsertCondition = tape.Below(8) == 0 ? _filters.Condition() : null,
            PatchCondition = tape.Below(8) == 0 ? _filters.Condition() : null,
            DeleteCondition = tape.Below(8) == 0 ? _filters.Condition() : null,
        };
        if (request.PatchByFilter is not null)
            request.PatchByFilterValues.AddRange(Attributes(vectors: false, few: true));
        int upserts = tape.Below(tape.Below(6) == 0 ? 24 : 5);
        for (int i = 0; i < upserts; i++) AddRow(request.Upserts, name, taken, vectors: true);
        int patches = tape.Below(4);
        for (int i = 0; i < patches; i++) AddRow(request.Patches, name, taken, vectors: false);
        int deletes = tape.Below(4) == 0 ? tape.Below(6) : 0;
        for (int i = 0; i < deletes; i++)
        {
            Value id = vocabulary.Id(name);
            if (taken.TryAdd(id.ToString(), true)) request.Deletes.Add(id);
        }
        return request;
    }

    /// <summary>An id may appear once in a request.</summary>
    private void AddRow(List<Row> rows, string name, SortedDictionary<string, bool> taken, bool vectors)
    {
        Value id = vocabulary.Id(name);
        if (!taken.TryAdd(id.ToString(), true)) return;
        rows.Add(new Row { Id = id, Attributes = Attributes(vectors, few: !vectors) });
    }

    private List<KeyValuePair<string, Value>> Attributes(bool vectors, bool few)
    {
        List<KeyValuePair<string, Value>> attributes = [];
        if (vectors && tape.Below(8) != 0) attributes.Add(new("vector", Value.Of(vocabulary.Vector())));
        foreach (string name in FilterGenerator.Scalars) AddSometimes(attributes, name, few, array: false);
        foreach (string name in FilterGenerator.Arrays) AddSometimes(attributes, name, few, array: true);
        AddSometimes(attributes, "note", few, array: false);
        AddText(attributes, "title", few, 6);
        AddText(attributes, "body", few, 20);
        return attributes;
    }

    private void AddSometimes(List<KeyValuePair<string, Value>> attributes, string name, bool few, bool array)
    {
        int draw = tape.Below(few ? 8 : 4);
        if (draw == 1) attributes.Add(new(name, Value.Null));
        else if (draw is 0 or 2) attributes.Add(new(name, array ? vocabulary.Array(name) : vocabulary.Scalar(name)));
    }

    private void AddText(List<KeyValuePair<string, Value>> attributes, string name, bool few, int wordsMax)
    {
        if (tape.Below(few ? 6 : 2) == 0) attributes.Add(new(name, Value.Of(vocabulary.Text(wordsMax))));
    }

    private QueryRequest Query()
    {
        string name = vocabulary.Namespace();
        int count = tape.Below(4) == 0 ? tape.Range(2, 4) : 1;
        bool fuse = count > 1 && tape.Boolean();
        Query[] queries = new Query[count];
        for (int i = 0; i < count; i++)
            queries[i] = !fuse && tape.Below(6) == 0 ? Aggregation(name) : Ranked(name, ordered: !fuse);
        double[] weights = new double[fuse && tape.Boolean() ? count : 0];
        for (int i = 0; i < weights.Length; i++) weights[i] = tape.Range(1, 5) / 2.0;
        return new QueryRequest
        {
            Namespace = name,
            Metric = tape.Below(3) == 0 ? Vocabulary.MetricOf(name) : DistanceMetric.Unspecified,
            Queries = queries,
            Rerank = fuse ? Rerank.ReciprocalRankFusion : Rerank.None,
            Weights = weights,
            FusedLimit = fuse ? (uint)tape.Below(6) : 0,
        };
    }

    private Query Ranked(string name, bool ordered)
    {
        IncludeMode include = (IncludeMode)tape.Below(4);
        bool named = include is IncludeMode.Listed or IncludeMode.AllExcept;
        return new Query
        {
            RankBy = _filters.Rank(ordered),
            Filter = tape.Boolean() ? _filters.Draw(name, 3) : null,
            Limit = (uint)(tape.Below(8) == 0 ? 1000 : tape.Range(1, 10)),
            Offset = tape.Below(6) == 0 ? (uint)tape.Below(4) : 0,
            Include = include,
            IncludeNames = named ? ["color", "vector", "tags", "note"] : [],
        };
    }

    private Query Aggregation(string name)
    {
        List<Aggregate> aggregates = [new("n", AggregateFunction.Count)];
        if (tape.Boolean()) aggregates.Add(new("sizes", AggregateFunction.Sum, "size"));
        if (tape.Boolean()) aggregates.Add(new("least", AggregateFunction.Min, "price"));
        if (tape.Boolean()) aggregates.Add(new("most", AggregateFunction.Max, "count"));
        if (tape.Boolean()) aggregates.Add(new("mean", AggregateFunction.Avg, "price"));
        if (tape.Boolean()) aggregates.Add(new("total", AggregateFunction.Sum, "price"));
        return new Query
        {
            Filter = tape.Boolean() ? _filters.Draw(name, 2) : null,
            Aggregates = [.. aggregates],
            GroupBy = tape.Below(3) switch { 0 => ["color"], 1 => ["sold", "size"], _ => [] },
        };
    }

    /// <summary>Requests that must be refused and change nothing.</summary>
    private GeneratedRequest Wrong()
    {
        string name = vocabulary.Namespace();
        Value id = vocabulary.Id(name);
        WriteRequest Upsert(params Row[] rows) => new()
        {
            Namespace = name, Metric = Vocabulary.MetricOf(name), Schema = vocabulary.SchemaOf(name),
            Upserts = new List<Row>(rows),
        };
        Row good = new Row { Id = vocabulary.Id(name) }.With("color", Value.Of("red"));
        switch (tape.Below(6))
        {
            case 0:
                Value narrow = Value.Of(new float[vocabulary.Dimensions + 1]);
                return Encode(Operation.Write, Upsert(new Row { Id = id }.With("vector", narrow)));
            case 1:
                float[] notFinite = vocabulary.Vector();
                notFinite[^1] = tape.Boolean() ? float.NaN : float.PositiveInfinity;
                Row poisoned = new Row { Id = id }.With("vector", Value.Of(notFinite));
                return Encode(Operation.Write, Upsert(poisoned));
            case 2:
                return Encode(Operation.Write, Upsert(good, good));
            case 3:
                Row mistyped = new Row { Id = id }.With("size", Value.Of("large"));
                return Encode(Operation.Write, Upsert(mistyped));
            case 4:
                return Encode(Operation.Query, Filtered(name, "absent", FilterOperator.Eq));
            default:
                return Encode(Operation.Query, Filtered(name, "color", FilterOperator.Regex));
        }
    }

    private static QueryRequest Filtered(string name, string attribute, FilterOperator op) => new()
    {
        Namespace = name,
        Queries =
        [
            new Query
            {
                RankBy = RankBy.OrderBy(("id", false)), Limit = 3,
                Filter = Filter.Compare(attribute, op, Value.Of("red")),
            },
        ],
    };

    private GeneratedRequest Batch()
    {
        WireWriter writer = new(_buffer.AsSpan());
        List<GeneratedRequest> parts = [];
        for (int i = tape.Range(1, 3); i > 0; i--)
        {
            GeneratedRequest part = tape.Boolean()
                ? Encode(Operation.Query, Query()) : Encode(Operation.Write, Write());
            parts.Add(part);
        }
        writer.U16(parts.Count);
        foreach (GeneratedRequest part in parts)
        {
            writer.U8((byte)part.Operation);
            writer.U8(0);
            writer.U16(0);
            writer.U32((uint)part.Body.Length);
            writer.Bytes(part.Body);
        }
        return writer.Overflowed ? parts[0] : new GeneratedRequest(Operation.Batch, writer.Written.ToArray());
    }

    private GeneratedRequest Encode(Operation operation, WriteRequest request)
    {
        WireWriter writer = new(_buffer);
        request.Write(ref writer);
        // A write that does not fit is cut down: what remains is a request like any other.
        while (writer.Overflowed && request.Upserts.Count > 0)
        {
            request.Upserts.RemoveAt(request.Upserts.Count - 1);
            writer = new WireWriter(_buffer);
            request.Write(ref writer);
        }
        return Finish(operation, writer);
    }

    private GeneratedRequest Encode(Operation operation, QueryRequest request)
    {
        WireWriter writer = new(_buffer);
        request.Write(ref writer);
        return Finish(operation, writer);
    }

    private GeneratedRequest Encode(Operation operation, NamespaceRequest request)
    {
        WireWriter writer = new(_buffer);
        request.Write(ref writer);
        return Finish(operation, writer);
    }

    private GeneratedRequest Encode(Operation operation, ListNamespacesRequest request)
    {
        WireWriter writer = new(_buffer);
        request.Write(ref writer);
        return Finish(operation, writer);
    }

    private static GeneratedRequest Finish(Operation operation, WireWriter writer)
    {
        Check.That(!writer.Overflowed);
        return new GeneratedRequest(operation, writer.Written.ToArray());
    }
}

/// <summary>How often each kind of request is drawn; a run switches some off.</summary>
internal readonly struct WorkloadMix(int[] weights)
{
    public const int Write = 0;
    public const int Query = 1;
    public const int List = 2;
    public const int Metadata = 3;
    public const int Schema = 4;
    public const int DeleteNamespace = 5;
    public const int Wrong = 6;
    public const int Batch = 7;
    public const int Count = 8;

    public ReadOnlySpan<int> Weights => weights;

    public override string ToString() => string.Join('/', weights);

    public static WorkloadMix Draw(TapeStream tape)
    {
        int[] weights = [10 + tape.Below(30), 10 + tape.Below(30), tape.Below(4), tape.Below(4), tape.Below(4),
            tape.Below(3), tape.Below(6), tape.Below(8)];
        Check.That(weights.Length == Count);
        return new WorkloadMix(weights);
    }
}
