using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>How a sub-query finds its best rows. Append only.</summary>
public enum PlanMethod : byte
{
    /// <summary>By the values of attributes.</summary>
    Order = 1,

    /// <summary>By the value of an expression, evaluated for every candidate.</summary>
    Scores = 2,

    /// <summary>By the distance of a vector, computed for every candidate that has one.</summary>
    Vectors = 3,

    /// <summary>Nothing is ranked: candidates are counted and summed up.</summary>
    Aggregates = 4,
}

/// <summary>What a step of a plan belongs to. Append only.</summary>
public enum PlanPart : byte
{
    /// <summary>A node of a filter: its code is a <see cref="FilterOperator"/>.</summary>
    Filter = 1,

    /// <summary>A node of a ranking: its code is a <see cref="RankKind"/>.</summary>
    Rank = 2,

    /// <summary>An aggregate that reads an attribute: its code is an <see cref="AggregateFunction"/>.</summary>
    Aggregate = 3,
    Group = 4,
    LimitPer = 5,
}

/// <summary>Where a step gets at what it has to know. Append only.</summary>
public enum PlanAccess : byte
{
    /// <summary>From its parts.</summary>
    Parts = 0,

    /// <summary>It is the same for every document.</summary>
    Constant = 1,

    /// <summary>The attribute's values, side by side in the order of document numbers.</summary>
    Column = 2,

    /// <summary>Whole documents, one after the other.</summary>
    Documents = 3,

    /// <summary>The inverted index: for each word, or dimension of a sparse vector, the documents that have
    /// it.</summary>
    Postings = 4,

    /// <summary>The attribute's vectors, side by side.</summary>
    Vectors = 5,
}

/// <summary>One step of a plan, each before its parts. On the wire: part u8, depth u8, code u8, access u8, descending
/// u8, attribute (a name, empty for none), words u32, considered u64, matched u64.</summary>
public sealed class PlanStep
{
    public required PlanPart Part { get; init; }

    /// <summary>How many steps it is a part of.</summary>
    public byte Depth { get; init; }

    /// <summary>What the step does, see <see cref="PlanPart"/>.</summary>
    public byte Code { get; init; }
    public PlanAccess Access { get; init; }
    public bool Descending { get; init; }
    public string Attribute { get; init; } = "";

    /// <summary>Of a step that uses the inverted index: words, or dimensions, that are looked up.</summary>
    public uint Words { get; init; }

    /// <summary>Of a filter: documents that it was asked about, all windows together.</summary>
    public ulong Considered { get; init; }

    /// <summary>Of those, the ones that it lets through.</summary>
    public ulong Matched { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Part);
        writer.U8(Depth);
        writer.U8(Code);
        writer.U8((byte)Access);
        writer.U8(Descending ? (byte)1 : (byte)0);
        writer.Name(Encoding.UTF8.GetBytes(Attribute));
        writer.U32(Words);
        writer.U64(Considered);
        writer.U64(Matched);
    }

    public static PlanStep Read(ref WireReader reader) => new()
    {
        Part = (PlanPart)reader.U8(), Depth = reader.U8(), Code = reader.U8(), Access = (PlanAccess)reader.U8(),
        Descending = reader.U8() != 0, Attribute = Encoding.UTF8.GetString(reader.Name()), Words = reader.U32(),
        Considered = reader.U64(), Matched = reader.U64(),
    };
}

/// <summary>How one sub-query was carried out. On the wire: method u8, exact u8, windows u32, windows with candidates
/// u32, documents u64, candidates u64, scored u64, rows u32, computed attributes u16, bytes read u64, steps (u16
/// count).</summary>
public sealed class SubqueryPlan
{
    public required PlanMethod Method { get; init; }

    /// <summary>Whether the rows are the best there are, and not only probably so.</summary>
    public bool Exact { get; init; }

    /// <summary>Steps of <see cref="Limits.WindowDocuments"/> document numbers in which there are documents.</summary>
    public uint Windows { get; init; }

    /// <summary>Of those, the ones in which documents pass the filter.</summary>
    public uint WindowsWithCandidates { get; init; }

    /// <summary>Live documents of the namespace.</summary>
    public ulong Documents { get; init; }

    /// <summary>Documents that pass the filter.</summary>
    public ulong Candidates { get; init; }

    /// <summary>Candidates about which the ranking says something.</summary>
    public ulong Scored { get; init; }

    /// <summary>Rows of the sub-query; none for aggregates.</summary>
    public uint Rows { get; init; }

    /// <summary>Attributes that are computed for each of those rows.</summary>
    public ushort Computed { get; init; }

    /// <summary>Bytes of columns, postings and vectors that were looked at.</summary>
    public ulong BytesRead { get; init; }
    public List<PlanStep> Steps { get; init; } = [];

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Method);
        writer.U8(Exact ? (byte)1 : (byte)0);
        writer.U32(Windows);
        writer.U32(WindowsWithCandidates);
        writer.U64(Documents);
        writer.U64(Candidates);
        writer.U64(Scored);
        writer.U32(Rows);
        writer.U16(Computed);
        writer.U64(BytesRead);
        writer.U16(Steps.Count);
        foreach (PlanStep step in Steps) step.Write(ref writer);
    }

    public static SubqueryPlan Read(ref WireReader reader)
    {
        SubqueryPlan plan = new()
        {
            Method = (PlanMethod)reader.U8(), Exact = reader.U8() != 0, Windows = reader.U32(),
            WindowsWithCandidates = reader.U32(), Documents = reader.U64(), Candidates = reader.U64(),
            Scored = reader.U64(), Rows = reader.U32(), Computed = (ushort)reader.U16(), BytesRead = reader.U64(),
        };
        int count = reader.U16();
        for (int i = 0; i < count && !reader.Failed; i++) plan.Steps.Add(PlanStep.Read(ref reader));
        return plan;
    }
}

/// <summary>Reply to Explain, whose body is that of a query: u8 count of plans and the plans of the sub-queries in
/// their order, fused u8, size of the query's answer u32, 0 if it does not fit into one message. The query has been
/// carried out; only its rows are left out.</summary>
public sealed class ExplainReply
{
    public List<SubqueryPlan> Queries { get; init; } = [];

    /// <summary>Whether the lists of the sub-queries became one.</summary>
    public bool Fused { get; init; }

    /// <summary>Bytes of the body of the query's answer; 0: more than a message holds.</summary>
    public uint AnswerSize { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Queries.Count);
        foreach (SubqueryPlan plan in Queries) plan.Write(ref writer);
        writer.U8(Fused ? (byte)1 : (byte)0);
        writer.U32(AnswerSize);
    }

    public static ExplainReply Read(ref WireReader reader)
    {
        List<SubqueryPlan> queries = [];
        int count = reader.U8();
        for (int i = 0; i < count && !reader.Failed; i++) queries.Add(SubqueryPlan.Read(ref reader));
        return new ExplainReply { Queries = queries, Fused = reader.U8() != 0, AnswerSize = reader.U32() };
    }
}
