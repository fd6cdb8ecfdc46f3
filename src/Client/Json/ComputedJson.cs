using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Computed attributes: <c>{"near":["vector","VectorDist",[…]],"score":["title","BM25","words"]}</c>, any
/// ranking by scores, and <c>["Highlight","text",{"fragment_by":"word"}]</c>.</summary>
internal static class ComputedJson
{
    /// <summary>What stands for the fragments in the ranking of them.</summary>
    private const string FragmentName = "$fragment";

    public static ComputedAttribute[] Read(ref JsonCursor json)
    {
        List<ComputedAttribute> computed = [];
        ObjectScope scope = json.Object("an object such as {\"near\":[\"vector\",\"VectorDist\",[…]]}");
        while (json.Next(ref scope, out string label))
        {
            json.CheckName(label);
            computed.Add(ReadOne(ref json, label));
        }
        json.CheckCount(computed.Count, Limits.ComputedAttributesMax, "computed attributes");
        return computed.ToArray();
    }

    /// <summary>Highlights that do not say how their fragments are ranked take the BM25 clauses of the query's ranking
    /// over the same attribute.</summary>
    public static void Infer(ref JsonCursor json, ComputedAttribute[] computed, RankBy? rankBy)
    {
        for (int i = 0; i < computed.Length; i++)
        {
            if (computed[i].Highlight is not { Clauses.Length: 0 } highlight) continue;
            List<HighlightClause> clauses = [];
            if (rankBy is not null) Collect(rankBy, highlight.Attribute, clauses);
            if (clauses.Count == 0)
            {
                throw json.Fail($"computed attribute `{computed[i].Label}`: cannot infer `rank_fragments_by` because " +
                    $"the query `rank_by` has no BM25 clause over `{highlight.Attribute}`; provide " +
                    "`rank_fragments_by` explicitly");
            }
            computed[i] = new ComputedAttribute
            {
                Label = computed[i].Label,
                Highlight = new Highlight
                {
                    Attribute = highlight.Attribute, FragmentBy = highlight.FragmentBy, Offsets = highlight.Offsets,
                    FragmentLimit = highlight.FragmentLimit, Clauses = clauses.ToArray(),
                },
            };
        }
    }

    private static void Collect(RankBy rank, string attribute, List<HighlightClause> clauses)
    {
        if (rank.Kind == RankKind.Bm25 && rank.Attribute == attribute && rank.Operand.Kind == ValueKind.String)
            clauses.Add(new HighlightClause(rank.Operand.AsString, rank.LastAsPrefix));
        foreach (RankBy child in rank.Children) Collect(child, attribute, clauses);
    }

    private static ComputedAttribute ReadOne(ref JsonCursor json, string label)
    {
        JsonCursor start = json.Mark();
        ArrayScope array = json.Array("an expression such as [\"vector\",\"VectorDist\",[…]]");
        json.Element(ref array, "an attribute");
        if (json.Token == JsonTokenType.String)
        {
            string head = json.Name("an attribute");
            json.Element(ref array, "an operation such as \"VectorDist\"");
            string operation = json.Token == JsonTokenType.String ? json.String() : "";
            if (operation == "VectorDist")
            {
                RankBy distance = RankJson.ReadVector(ref json, ref array, head, operation);
                return new ComputedAttribute { Label = label, Score = distance };
            }
            if (head == "Highlight" && operation.Length > 0 && operation != "BM25")
                return new ComputedAttribute { Label = label, Highlight = ReadHighlight(ref json, ref array) };
        }
        json.Rewind(start);
        RankBy score = RankJson.Read(ref json, depth: 1);
        if (score.Kind >= RankKind.Bm25) return new ComputedAttribute { Label = label, Score = score };
        throw json.Fail("expects VectorDist, Highlight or a ranking by scores");
    }

    private static Highlight ReadHighlight(ref JsonCursor json, ref ArrayScope array)
    {
        string attribute = json.Name("an attribute");
        FragmentUnit unit = FragmentUnit.Sentence;
        OffsetUnit offsets = OffsetUnit.None;
        uint limit = Highlight.FragmentLimitDefault;
        List<HighlightClause> clauses = [];
        if (json.Next(ref array))
        {
            ObjectScope scope = json.Object("an object of options");
            while (json.Next(ref scope, out string name))
            {
                if (json.IsNull) continue;
                switch (name)
                {
                    case "fragment_by": unit = ReadUnit(ref json); break;
                    case "fragment_limit": limit = json.Count(1, Limits.HighlightFragmentsMax); break;
                    case "include_offsets": offsets = ReadOffsets(ref json); break;
                    case "rank_fragments_by":
                        Flatten(ref json, RankJson.Read(ref json, depth: 1), 1, clauses);
                        break;
                    default:
                        throw json.Fail("unknown option; known are fragment_by, fragment_limit, include_offsets and " +
                            "rank_fragments_by");
                }
            }
            json.EndArray(ref array, "the options");
        }
        return new Highlight
        {
            Attribute = attribute, FragmentBy = unit, FragmentLimit = limit, Offsets = offsets,
            Clauses = clauses.ToArray(),
        };
    }

    private static FragmentUnit ReadUnit(ref JsonCursor json) => json.String() switch
    {
        "none" => FragmentUnit.None,
        "sentence" => FragmentUnit.Sentence,
        "paragraph" => FragmentUnit.Paragraph,
        "word" => FragmentUnit.Word,
        _ => throw json.UnknownVariant("none, sentence, paragraph or word",
            "one of `none`, `sentence`, `paragraph`, `word`"),
    };

    private static OffsetUnit ReadOffsets(ref JsonCursor json) => json.String() switch
    {
        "utf-8" => OffsetUnit.Utf8,
        "utf-16" => OffsetUnit.Utf16,
        "codepoints" => OffsetUnit.Codepoints,
        _ => throw json.UnknownVariant("utf-8, utf-16 or codepoints", "one of `utf-8`, `utf-16`, `codepoints`"),
    };

    /// <summary>A sum of weighted BM25 clauses over the fragments.</summary>
    private static void Flatten(ref JsonCursor json, RankBy rank, double weight, List<HighlightClause> clauses)
    {
        switch (rank.Kind)
        {
            case RankKind.Bm25 when rank.Attribute == FragmentName && rank.Operand.Kind == ValueKind.String:
                clauses.Add(new HighlightClause(rank.Operand.AsString, rank.LastAsPrefix, weight));
                json.CheckCount(clauses.Count, Limits.HighlightClausesMax, "clauses");
                break;
            case RankKind.Sum:
                foreach (RankBy child in rank.Children) Flatten(ref json, child, weight, clauses);
                break;
            case RankKind.Product when rank.Children[0].Kind == RankKind.Constant:
                Flatten(ref json, rank.Children[1], weight * rank.Children[0].Constant, clauses);
                break;
            case RankKind.Product when rank.Children[1].Kind == RankKind.Constant:
                Flatten(ref json, rank.Children[0], weight * rank.Children[1].Constant, clauses);
                break;
            default:
                throw json.NotSupported("rank_fragments_by with anything but Sum, Product and BM25 of $fragment");
        }
    }
}
