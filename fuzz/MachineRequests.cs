using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;

namespace Deterministic.Fuzz;

/// <summary>A log in small: first writes that make namespaces with rows, then requests about them. Each is operation
/// u8, size u16 and body.</summary>
internal static class MachineRequests
{
    public const int FrameSize = 3;
    private static readonly string[] Namespaces = ["a", "b"];
    private static readonly string[] Known = ["a", "b", "c"];
    private static readonly string[] Words =
        ["quick", "brown fox", "the lazy dog", "naïve Straße", "fox-trot 3.14", ""];
    private static readonly string[] Tags = ["x", "y", "z"];

    public static byte[] Generate(TapeStream tape)
    {
        List<byte> log = [];
        foreach (string name in Namespaces) Append(log, Operation.Write, Founding(name, tape).Write);
        for (int i = tape.Range(2, 10); i > 0; i--) AppendAny(log, tape);
        return [.. log];
    }

    private delegate void Body(ref WireWriter writer);

    private static void Append(List<byte> log, Operation operation, Body write)
    {
        WireWriter writer = new(new byte[Generators.MessageSizeMax]);
        write(ref writer);
        log.Add((byte)operation);
        log.Add((byte)(writer.Position & 0xFF));
        log.Add((byte)(writer.Position >> 8));
        log.AddRange(writer.Written);
    }

    private static void AppendAny(List<byte> log, TapeStream tape)
    {
        string name = tape.Pick<string>(Known);
        RequestGenerator wild = new(tape);
        switch (tape.Weighted([8, 8, 2, 2, 1, 1, 1, 1, 1, 2, 1, 1, 2, 1]))
        {
            case 0: Append(log, Asking(tape), Query(name, tape).Write); break;
            case 1: Append(log, Operation.Write, Change(name, tape).Write); break;
            case 2: Append(log, Asking(tape), wild.QueryRequest(name).Write); break;
            case 3: Append(log, Operation.Write, wild.WriteRequest(name).Write); break;
            case 4: Append(log, Operation.Metadata, new NamespaceRequest { Namespace = name }.Write); break;
            case 5: Append(log, Operation.Schema, new NamespaceRequest { Namespace = name }.Write); break;
            case 6: Append(log, Operation.ListNamespaces, new ListNamespacesRequest().Write); break;
            case 7:
                UpdateSchemaRequest update = new() { Namespace = name, Schema = Update(wild, tape) };
                Append(log, Operation.UpdateSchema, update.Write);
                break;
            case 8: AppendBatch(log, tape); break;
            case 9: Append(log, Operation.CreateKey, new CreateKeyRequest { Key = Key(tape) }.Write); break;
            case 10:
                ListKeysRequest list = new() { Cursor = Id(tape), PageSize = (uint)tape.Below(4) };
                Append(log, Operation.ListKeys, list.Write);
                break;
            case 11: Append(log, Operation.RevokeKey, new RevokeKeyRequest { Id = Id(tape) }.Write); break;
            case 12:
                BranchRequest branch = new() { Namespace = tape.Boolean() ? "c" : name, Source = name };
                Append(log, Operation.Branch, branch.Write);
                break;
            default:
                Append(log, Operation.DeleteNamespace, new NamespaceRequest { Namespace = name }.Write);
                break;
        }
    }

    private static Operation Asking(TapeStream tape) =>
        tape.Chance(Ratio.OneIn(4)) ? Operation.Explain : Operation.Query;

    private static string Id(TapeStream tape) => tape.Pick<string>(["a", "b", "key 3", ""]);

    private static ApiKey Key(TapeStream tape)
    {
        byte[] hash = new byte[Limits.KeyHashSize];
        tape.Bytes(hash);
        return new ApiKey
        {
            Id = Id(tape), Name = tape.Pick<string>(Words), Prefix = tape.Pick<string>(Namespaces),
            Scopes = (KeyScopes)tape.Below((int)KeyScopes.All + 1), RequestsPerSecond = (uint)tape.Below(9),
            Hash = hash,
        };
    }

    private static AttributeSchema[] Update(RequestGenerator wild, TapeStream tape) => tape.Boolean()
        ? wild.Schema()
        : [new AttributeSchema { Name = "later", Type = AttributeType.Int, Filterable = tape.Boolean() }];

    private static void AppendBatch(List<byte> log, TapeStream tape)
    {
        List<byte> parts = [];
        int count = tape.Range(1, 4);
        bool reads = tape.Chance(Ratio.OneIn(3));
        for (int i = 0; i < count; i++)
        {
            string name = tape.Pick<string>(Namespaces);
            WireWriter writer = new(new byte[Generators.MessageSizeMax]);
            Operation operation = AppendPart(name, reads, tape, ref writer);
            byte[] body = writer.Written.ToArray();
            WireWriter frame = new(new byte[8]);
            frame.U8((byte)operation);
            frame.Bytes([0, 0, 0]);
            frame.U32((uint)body.Length);
            parts.AddRange(frame.Written);
            parts.AddRange(body);
        }
        byte[] all = [.. parts];
        Append(log, Operation.Batch, (ref WireWriter writer) =>
        {
            writer.U16(count);
            writer.Bytes(all);
        });
    }

    private static Operation AppendPart(string name, bool reads, TapeStream tape, ref WireWriter writer)
    {
        RequestGenerator wild = new(tape);
        if (reads)
        {
            Query(name, tape).Write(ref writer);
            return Asking(tape);
        }
        switch (tape.Weighted([6, 2, 1, 1, 1]))
        {
            case 0:
                Plain(Change(name, tape), tape).Write(ref writer);
                return Operation.Write;
            case 1:
                Plain(wild.WriteRequest(name), tape).Write(ref writer);
                return Operation.Write;
            case 2:
                new UpdateSchemaRequest { Namespace = name, Schema = Update(wild, tape) }.Write(ref writer);
                return Operation.UpdateSchema;
            case 3:
                new CreateKeyRequest { Key = Key(tape) }.Write(ref writer);
                return Operation.CreateKey;
            default:
                new NamespaceRequest { Namespace = name }.Write(ref writer);
                return Operation.DeleteNamespace;
        }
    }

    /// <summary>A change by filter is refused beside others, so only some batches have one.</summary>
    private static WriteRequest Plain(WriteRequest request, TapeStream tape)
    {
        if (tape.Chance(Ratio.OneIn(20))) return request;
        request.DeleteByFilter = null;
        request.PatchByFilter = null;
        request.PatchByFilterValues.Clear();
        return request;
    }

    private static WriteRequest Founding(string name, TapeStream tape)
    {
        WriteRequest request = new()
        {
            Namespace = name,
            Metric = tape.Boolean() ? DistanceMetric.CosineDistance : DistanceMetric.EuclideanSquared,
            Schema =
            [
                new()
                {
                    Name = "title", Type = AttributeType.String, Filterable = true, FullText = new(), Regex = true,
                    Fuzzy = true,
                },
                new() { Name = "year", Type = AttributeType.Int, Filterable = true },
                new() { Name = "price", Type = AttributeType.Float },
                new() { Name = "tags", Type = AttributeType.StringArray, Glob = true },
                new() { Name = "vector", Type = AttributeType.VectorF32, Dimensions = 3, Ann = true },
                new() { Name = "weights", Type = AttributeType.SparseF16 },
            ],
        };
        AddRows(request.Upserts, tape, tape.Range(1, 8));
        return request;
    }

    private static WriteRequest Change(string name, TapeStream tape)
    {
        WriteRequest request = new()
        {
            Namespace = name,
            Flags = tape.Boolean() ? WriteFlags.ReturnAffectedIds : WriteFlags.None,
            DeleteByFilter = tape.Chance(Ratio.OneIn(6)) ? Filter(tape, 0) : null,
            PatchByFilter = tape.Chance(Ratio.OneIn(6)) ? Filter(tape, 0) : null,
            UpsertCondition = tape.Chance(Ratio.OneIn(4)) ? Filter(tape, 0) : null,
            DeleteCondition = tape.Chance(Ratio.OneIn(4)) ? Filter(tape, 0) : null,
        };
        if (request.PatchByFilter is not null) request.PatchByFilterValues.Add(new("year", Value.Of(7L)));
        AddRows(request.Upserts, tape, tape.Below(4));
        if (tape.Boolean()) request.Patches.Add(new Row { Id = Value.Of(20UL) }.With("year", Value.Of(1L)));
        if (tape.Boolean())
            request.Patches.Add(new Row { Id = Value.Of(2UL) }.With("weights", Value.OfSparse(Sparse(tape))));
        for (int i = tape.Below(3); i > 0; i--) request.Deletes.Add(Value.Of(30UL + (ulong)i));
        return request;
    }

    /// <summary>Rows with different ids, each attribute present or not.</summary>
    private static void AddRows(List<Row> rows, TapeStream tape, int count)
    {
        ulong id = (ulong)tape.Below(4);
        for (int i = 0; i < count; i++, id += (ulong)tape.Range(1, 3))
        {
            Row row = new() { Id = Value.Of(id) };
            if (tape.Boolean()) row.With("title", Value.Of(tape.Pick<string>(Words)));
            if (tape.Boolean()) row.With("year", Value.Of(tape.Range(-3L, 3)));
            if (tape.Boolean()) row.With("price", Value.Of(tape.Range(-8, 8) / 4.0));
            if (tape.Boolean()) row.With("tags", Value.Of([Value.Of(tape.Pick<string>(Tags))]));
            if (tape.Boolean()) row.With("vector", Value.Of(Vector(tape)));
            if (tape.Boolean()) row.With("weights", Value.OfSparse(Sparse(tape)));
            rows.Add(row);
        }
    }

    private static float[] Vector(TapeStream tape) => [tape.Range(1, 4), tape.Range(-4, 4) / 2f, tape.Range(-4, 4)];

    /// <summary>Now and then a dimension twice, which is refused.</summary>
    private static SparseDimension[] Sparse(TapeStream tape)
    {
        SparseDimension[] dimensions = new SparseDimension[tape.Below(4)];
        int first = tape.Below(Words.Length - 1);
        for (int i = 0; i < dimensions.Length; i++)
        {
            string name = Words[(first + (tape.Below(20) == 19 ? 0 : i)) % (Words.Length - 1)];
            dimensions[i] = new SparseDimension(name, tape.Range(-4, 12) / 8.0);
        }
        return dimensions;
    }

    private static Filter Filter(TapeStream tape, int depth)
    {
        switch (tape.Weighted([2, 2, 2, 2, 2, depth < 2 ? 1 : 0, depth < 2 ? 1 : 0, depth < 2 ? 1 : 0, 2]))
        {
            case 0: return Leaf(FilterOperator.Gte, "year", Value.Of(tape.Range(-3L, 3)));
            case 1: return Leaf(FilterOperator.Eq, "title", Value.Of(tape.Pick<string>(Words)));
            case 2: return Leaf(FilterOperator.Contains, "tags", Value.Of(tape.Pick<string>(Tags)));
            case 3: return Leaf(FilterOperator.Lt, "price", Value.Of(tape.Range(-8, 8) / 4.0));
            case 4: return Leaf(FilterOperator.In, "id", Value.Of([Value.Of((ulong)tape.Below(9)), Value.Of(2UL)]));
            case 5: return Core.Model.Filter.Not(Filter(tape, depth + 1));
            case 6: return Core.Model.Filter.And([Filter(tape, depth + 1), Filter(tape, depth + 1)]);
            case 7: return Core.Model.Filter.Or([Filter(tape, depth + 1), Filter(tape, depth + 1)]);
            default: return Pattern(tape);
        }
    }

    private static Filter Pattern(TapeStream tape) => tape.Below(3) switch
    {
        0 => Leaf(FilterOperator.Glob, "tags", Value.Of(tape.Pick<string>(["x", "[!x]", "{x,y}", "*"]))),
        1 => Leaf(FilterOperator.Regex, "title", Value.Of(tape.Pick<string>(["fox$", "\\bdog|(?i)Q", "[^x]{2,3}"]))),
        _ => new()
        {
            Operator = FilterOperator.Fuzzy, Attribute = "title", Operand = Value.Of("brwon fox"),
            Fuzzy = new() { Distances = [new(6, 1), new(9, 2)] },
        },
    };

    private static Filter Leaf(FilterOperator @operator, string attribute, Value operand) =>
        new() { Operator = @operator, Attribute = attribute, Operand = operand };

    private static QueryRequest Query(string name, TapeStream tape)
    {
        bool fused = tape.Chance(Ratio.OneIn(4));
        Query[] queries = new Query[fused ? 2 : 1];
        for (int i = 0; i < queries.Length; i++) queries[i] = OneQuery(tape, fused);
        return new QueryRequest
        {
            Namespace = name, Queries = queries, Rerank = fused ? Rerank.ReciprocalRankFusion : Rerank.None,
        };
    }

    private static ComputedAttribute[] Computed(TapeStream tape) =>
    [
        new() { Label = "near", Score = RankBy.Ann("vector", Vector(tape)) },
        new()
        {
            Label = "marked", Highlight = new Highlight
            {
                Attribute = "title", FragmentBy = (FragmentUnit)tape.Below(4), Offsets = (OffsetUnit)tape.Below(4),
                Clauses = [new HighlightClause(tape.Pick<string>(Words), tape.Boolean())],
            },
        },
        new() { Label = "weight", Score = RankBy.SparseKnn("weights", Sparse(tape)) },
        new() { Label = "fox", Score = RankBy.Bm25("title", tape.Pick<string>(Words[..4])) },
    ];

    private static double Exponent(TapeStream tape) => tape.Boolean() ? 1 : tape.Range(1, 40) / 8.0;

    private static Query OneQuery(TapeStream tape, bool fused)
    {
        Filter? filter = tape.Boolean() ? Filter(tape, 0) : null;
        if (!fused && tape.Chance(Ratio.OneIn(4)))
        {
            bool grouped = tape.Boolean();
            return new Query
            {
                Filter = filter, GroupBy = grouped ? ["year"] : [], Limit = grouped ? 10u : 0,
                Aggregates = [new("n", AggregateFunction.Count), new("s", AggregateFunction.Sum, "price")],
            };
        }
        RankBy rank = tape.Below(7) switch
        {
            0 => RankBy.Ann("vector", Vector(tape)),
            1 => RankBy.Bm25("title", tape.Pick<string>(Words[..4])),
            2 when !fused => RankBy.OrderBy(("year", tape.Boolean())),
            3 => RankBy.Decay(RankBy.Dist("year", Value.Of(tape.Range(-3L, 3))), tape.Range(1, 4), Exponent(tape)),
            5 => RankBy.SparseKnn("weights", Sparse(tape)),
            4 => RankBy.Saturate(RankBy.OfAttribute("price"), tape.Range(1, 4) / 2.0, Exponent(tape)),
            _ => new RankBy
            {
                Kind = RankKind.Sum, Children = [RankBy.Bm25("title", "fox"), RankBy.Bm25("title", "dog")],
            },
        };
        bool capped = tape.Chance(Ratio.OneIn(4));
        return new Query
        {
            RankBy = rank, Filter = filter, Limit = (uint)tape.Range(3, 12),
            Include = capped || tape.Boolean() ? IncludeMode.All : IncludeMode.IdOnly,
            LimitPer = capped ? ["year"] : [], PerLimit = capped ? (uint)tape.Range(1, 3) : 0,
            Computed = tape.Chance(Ratio.OneIn(4)) ? Computed(tape) : [],
        };
    }
}
