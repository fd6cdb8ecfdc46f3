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

/// <summary>Draws requests of every kind from a tape; a few are wrong on purpose.</summary>
/// <param name="tape">Where everything is drawn from.</param>
/// <param name="vocabulary">What the requests are about.</param>
/// <param name="mix">How often each kind is drawn.</param>
/// <param name="bulk">Most writes fill their message.</param>
/// <param name="bodySizeMax">Of a request.</param>
/// <param name="exists">Whether there is a namespace of that name now.</param>
[FloatAllowed("draws numbers from exact ones")]
internal sealed class RequestGenerator(
    TapeStream tape, Vocabulary vocabulary, WorkloadMix mix, bool bulk, int bodySizeMax, Func<string, bool> exists)
{
    private readonly FilterGenerator _filters = new(tape, vocabulary);
    private readonly RankGenerator _ranks = new(tape, vocabulary, new FilterGenerator(tape, vocabulary));
    private readonly SchemaGenerator _schemas = new(tape, vocabulary);
    private readonly WrongRequests _wrong = new(tape, vocabulary, new FilterGenerator(tape, vocabulary));
    private readonly KeyGenerator _keys = new(tape);
    private readonly byte[] _buffer = new byte[bodySizeMax];

    public GeneratedRequest Next()
    {
        int kind = tape.Weighted(mix.Weights);
        return kind switch
        {
            WorkloadMix.Write => Encode(Operation.Write, Write()),
            WorkloadMix.Query => Encode(Asking(), Query()),
            WorkloadMix.List => Encode(Operation.ListNamespaces, List()),
            WorkloadMix.Metadata => Encode(Operation.Metadata, Named()),
            WorkloadMix.Schema => Encode(Operation.Schema, Named()),
            WorkloadMix.DeleteNamespace => Encode(Operation.DeleteNamespace, Named()),
            WorkloadMix.Branch => Encode(Branch()),
            WorkloadMix.UpdateSchema => Encode(UpdateSchema()),
            WorkloadMix.Wrong => Wrong(),
            WorkloadMix.Keys => _keys.Next(),
            _ => Batch(tape.Boolean()),
        };
    }

    /// <summary>One that changes nothing.</summary>
    public GeneratedRequest NextRead() => tape.Below(11) switch
    {
        6 => Encode(Operation.ListNamespaces, List()),
        7 => Encode(Operation.Metadata, Named()),
        8 => Encode(Operation.Schema, Named()),
        9 => Batch(queries: true),
        10 => _keys.List(),
        _ => Encode(Asking(), Query()),
    };

    /// <summary>For the rows of a query, or for how they are found.</summary>
    private Operation Asking() => tape.Below(8) == 7 ? Operation.Explain : Operation.Query;

    private NamespaceRequest Named() => new() { Namespace = Namespace() };

    /// <summary>At times a branch, which may not be there.</summary>
    private string Namespace()
    {
        string name = vocabulary.Namespace();
        return tape.Below(10) == 9 ? Vocabulary.BranchOf(name) : name;
    }

    private BranchRequest Branch()
    {
        string source = Namespace();
        string name = tape.Below(4) == 3 ? vocabulary.Namespace() : Vocabulary.BranchOf(source);
        return new() { Namespace = name, Source = source };
    }

    private UpdateSchemaRequest UpdateSchema()
    {
        string name = Namespace();
        return new UpdateSchemaRequest { Namespace = name, Schema = _schemas.Draw(name) };
    }

    /// <summary>A namespace that is not there yet gets all of its schema; later writes name the types or nothing, and
    /// now and then change the indexes, or set them back.</summary>
    private AttributeSchema[] SchemaFor(string name)
    {
        if (!exists(name)) return vocabulary.SchemaOf(name);
        return tape.Below(16) switch
        {
            >= 6 and < 14 => [],
            14 => vocabulary.SchemaOf(name),
            15 => [.. vocabulary.TypesOf(name), .. _schemas.Draw(name)],
            _ => vocabulary.TypesOf(name),
        };
    }

    private ListNamespacesRequest List() => new()
    {
        Prefix = tape.Below(3) == 0 ? "ns-1" : "",
        Cursor = tape.Below(3) == 0 ? vocabulary.Namespace() : "",
        PageSize = (uint)tape.Range(1, 5),
    };

    private WriteRequest Write()
    {
        string name = Namespace();
        SortedDictionary<string, bool> taken = new(StringComparer.Ordinal);
        WriteRequest request = new()
        {
            Namespace = name,
            Metric = Vocabulary.MetricOf(name),
            Schema = SchemaFor(name),
            Flags = tape.Below(2) == 0 ? WriteFlags.None : (WriteFlags)tape.Below((int)WriteFlags.All + 1),
            DeleteByFilter = tape.Below(12) == 0 ? _filters.Draw(name, 2) : null,
            PatchByFilter = tape.Below(12) == 0 ? _filters.Draw(name, 2) : null,
            UpsertCondition = tape.Below(8) == 0 ? _filters.Condition(name) : null,
            PatchCondition = tape.Below(8) == 0 ? _filters.Condition(name) : null,
            DeleteCondition = tape.Below(8) == 0 ? _filters.Condition(name) : null,
        };
        if (request.PatchByFilter is not null)
            request.PatchByFilterValues.AddRange(Attributes(name, vectors: false, few: true));
        bool many = bulk ? tape.Below(4) > 0 : tape.Below(6) == 0;
        int upserts = tape.Below(!many ? 5 : bulk ? 64 : 24);
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
        rows.Add(new Row { Id = id, Attributes = Attributes(name, vectors, few: !vectors) });
    }

    private List<KeyValuePair<string, Value>> Attributes(string name, bool vectors, bool few)
    {
        List<KeyValuePair<string, Value>> attributes = [];
        bool inferred = Vocabulary.IsInferred(name);
        if (vectors && tape.Below(8) != 0) attributes.Add(new("vector", vocabulary.VectorValue("vector")));
        if (vectors && !inferred && tape.Below(2) == 1) attributes.Add(new("image", vocabulary.VectorValue("image")));
        foreach (string scalar in FilterGenerator.Scalars)
        {
            if (inferred) AddInferred(attributes, scalar);
            else AddSometimes(attributes, scalar, few, array: false);
        }
        // Arrays that are not declared would get their type from whichever value comes first.
        foreach (string array in FilterGenerator.Arrays)
            if (!inferred || array == "tags") AddSometimes(attributes, array, few: few || inferred, array: true);
        AddSometimes(attributes, "note", few, array: false);
        if (!inferred) AddSparse(attributes, few);
        AddText(attributes, "title", few, 6);
        AddText(attributes, "body", few, 20);
        if (tape.Below(24) == 23) attributes.Add(new("extra-" + tape.Below(3), vocabulary.Scalar("color")));
        return attributes;
    }

    /// <summary>The types that these values give are those that the other namespaces declare, but for counts.</summary>
    private void AddInferred(List<KeyValuePair<string, Value>> attributes, string name)
    {
        if (tape.Below(3) != 2) attributes.Add(new(name, vocabulary.Plain(name)));
    }

    private void AddSometimes(List<KeyValuePair<string, Value>> attributes, string name, bool few, bool array)
    {
        int draw = tape.Below(few ? 8 : 4);
        if (draw == 1) attributes.Add(new(name, Value.Null));
        else if (draw is 0 or 2) attributes.Add(new(name, array ? vocabulary.Array(name) : vocabulary.Scalar(name)));
    }

    private void AddSparse(List<KeyValuePair<string, Value>> attributes, bool few)
    {
        int draw = tape.Below(few ? 8 : 3);
        if (draw == 1) attributes.Add(new("weights", Value.OfSparse(vocabulary.Sparse(6))));
        else if (draw == 2) attributes.Add(new("weights", Value.Null));
    }

    private void AddText(List<KeyValuePair<string, Value>> attributes, string name, bool few, int wordsMax)
    {
        if (tape.Below(few ? 6 : 2) == 0) attributes.Add(new(name, Value.Of(vocabulary.Text(wordsMax))));
    }

    private QueryRequest Query()
    {
        string name = Namespace();
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
        string[] per = tape.Below(5) == 4 ? LimitPer(include) : [];
        uint limit = (uint)(tape.Below(8) == 0 ? 1000 : tape.Range(1, 10));
        return new Query
        {
            RankBy = tape.Below(40) == 39 ? new RankBy { Kind = RankKind.None } : _ranks.Draw(name, ordered),
            Filter = tape.Boolean() ? _filters.Draw(name, 3) : null,
            Limit = limit, LimitPer = per, PerLimit = per.Length > 0 ? (uint)tape.Range(1, int.Min(3, (int)limit)) : 0,
            Offset = tape.Below(6) == 0 ? (uint)tape.Below(4) : 0,
            Include = include,
            IncludeNames = named ? ["color", "vector"] : [],
            Computed = tape.Below(6) == 5 ? _ranks.Computed(name) : [],
        };
    }

    /// <summary>Of attributes that are part of the answer, at times one that is not.</summary>
    private string[] LimitPer(IncludeMode include) => include switch
    {
        IncludeMode.IdOnly when tape.Below(8) == 7 => ["size"],
        IncludeMode.IdOnly => ["id"],
        IncludeMode.Listed => ["color"],
        IncludeMode.AllExcept => tape.Boolean() ? ["sold"] : ["key", "size"],
        _ => tape.Boolean() ? ["color"] : ["sold", "made", "price"],
    };

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

    private GeneratedRequest Wrong()
    {
        switch (tape.Below(15))
        {
            case 13: return Encode(new BranchRequest { Namespace = _wrong.Name(), Source = Namespace() });
            case 0: return Encode(Operation.ListNamespaces, _wrong.List());
            case 1:
                Operation[] named = [Operation.Metadata, Operation.Schema, Operation.DeleteNamespace];
                return Encode(named[tape.Below(3)], new NamespaceRequest { Namespace = _wrong.Name() });
            case 2: return Longer(Encode(Asking(), Query()));
            case 3: return Longer(Encode(Operation.Write, Write()));
            case 4: return Encode(new UpdateSchemaRequest { Namespace = _wrong.Name(), Schema = [] });
            case 5: return Longer(Encode(Operation.ListNamespaces, List()));
            case < 9: return Encode(Asking(), _wrong.Query());
            case < 12: return Encode(Operation.Write, _wrong.Write());
            case 12: return Longer(_keys.Next());
            default: return _keys.Wrong();
        }
    }

    /// <summary>One byte too many at the end.</summary>
    private static GeneratedRequest Longer(GeneratedRequest request) =>
        new(request.Operation, [.. request.Body, 7]);

    private GeneratedRequest Batch(bool queries)
    {
        WireWriter writer = new(_buffer.AsSpan());
        List<GeneratedRequest> parts = [];
        for (int i = tape.Range(1, 3); i > 0; i--)
            parts.Add(queries ? Encode(Asking(), Query()) : Encode(Operation.Write, Plain(Write())));
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

    /// <summary>A change by filter cannot be in a batch.</summary>
    private static WriteRequest Plain(WriteRequest request)
    {
        request.DeleteByFilter = null;
        request.PatchByFilter = null;
        request.PatchByFilterValues.Clear();
        return request;
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

    private GeneratedRequest Encode(BranchRequest request)
    {
        WireWriter writer = new(_buffer);
        request.Write(ref writer);
        return Finish(Operation.Branch, writer);
    }

    private GeneratedRequest Encode(UpdateSchemaRequest request)
    {
        WireWriter writer = new(_buffer);
        request.Write(ref writer);
        return Finish(Operation.UpdateSchema, writer);
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
    public const int UpdateSchema = 8;
    public const int Keys = 9;
    public const int Branch = 10;
    public const int Count = 11;

    public ReadOnlySpan<int> Weights => weights;

    public override string ToString() => string.Join('/', weights);

    public static WorkloadMix Draw(TapeStream tape, bool bulk)
    {
        int[] weights = [10 + tape.Below(30), 10 + tape.Below(30), tape.Below(4), tape.Below(4), tape.Below(4),
            tape.Below(3), tape.Below(6), tape.Below(8), tape.Below(4), tape.Below(4), tape.Below(3)];
        Check.That(weights.Length == Count);
        if (bulk) weights[Write] += 100;
        return new WorkloadMix(weights);
    }
}
