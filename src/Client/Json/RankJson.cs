using System;
using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Rankings: <c>["vector","ANN",[…]]</c>, <c>["title","BM25","words"]</c>, <c>["sv","SparseKNN",{…}]</c>,
/// <c>["price","asc"]</c>, <c>["Sum",[…]]</c>, a filter, and the rest of that grammar.</summary>
internal static class RankJson
{
    private const string Shape =
        "a ranking such as [\"vector\",\"ANN\",[…]], [\"title\",\"BM25\",\"words\"] or [\"id\",\"asc\"]";

    public static RankBy Read(ref JsonCursor json, int depth = 0)
    {
        if (depth >= Limits.RankDepthMax)
            throw json.Fail($"rankings are nested deeper than {Limits.RankDepthMax}", ErrorCode.LimitExceeded);
        if (json.Token == JsonTokenType.Number && depth > 0)
            return new RankBy { Kind = RankKind.Constant, Constant = json.Double() };
        JsonCursor start = json.Mark();
        ArrayScope array = json.Array(Shape);
        json.Element(ref array, "an attribute");
        if (json.Token == JsonTokenType.StartArray)
        {
            json.Rewind(start);
            return ReadOrders(ref json);
        }
        string head = json.Name("an attribute, \"Sum\", \"Max\", \"Product\", \"And\", \"Or\" or \"Not\"");
        json.Element(ref array, "what to do with it");
        bool nested = json.Token is JsonTokenType.StartArray or JsonTokenType.Number;
        switch (head)
        {
            case "Sum" or "Max" when nested: return ReadList(ref json, ref array, head, depth);
            case "Product" when nested: return ReadProduct(ref json, ref array, depth);
            case "Saturate" or "Decay" when nested: return CurveJson.Read(ref json, ref array, head, depth);
            case "Dist" when nested: return CurveJson.ReadDistance(ref json, ref array);
            case "And" or "Or" or "Not" when nested: return ReadFilter(ref json, start);
        }
        string operation = json.Name("an operation such as \"ANN\", \"BM25\", \"asc\"");
        switch (operation)
        {
            case "ANN" or "kNN": return ReadVector(ref json, ref array, head, operation);
            case "BM25": return ReadText(ref json, ref array, head);
            case "SparseKNN": return ReadSparse(ref json, ref array, head);
            case "asc" or "desc":
                json.EndArray(ref array, operation);
                return RankBy.OrderBy((head, operation == "desc"));
        }
        if (head == "Attribute")
        {
            if (!json.Next(ref array)) return new RankBy { Kind = RankKind.Attribute, Attribute = operation };
        }
        return ReadFilter(ref json, start);
    }

    public static bool ReadLastAsPrefix(ref JsonCursor json)
    {
        bool lastAsPrefix = false;
        ObjectScope scope = json.Object("an object of options");
        while (json.Next(ref scope, out string name))
        {
            if (name != "last_as_prefix") throw json.Fail("unknown option; known is last_as_prefix");
            lastAsPrefix = json.Bool();
        }
        return lastAsPrefix;
    }

    private static RankBy ReadFilter(ref JsonCursor json, JsonCursor start)
    {
        json.Rewind(start);
        return new RankBy { Kind = RankKind.Filter, Filter = FilterJson.Read(ref json) };
    }

    private static RankBy ReadOrders(ref JsonCursor json)
    {
        List<(string Attribute, bool Descending)> orders = [];
        ArrayScope array = json.Array();
        while (json.Next(ref array))
        {
            ArrayScope order = json.Array("[attribute, \"asc\"|\"desc\"]");
            json.Element(ref order, "an attribute");
            string attribute = json.Name("an attribute");
            json.Element(ref order, "\"asc\" or \"desc\"");
            string direction = json.String("\"asc\" or \"desc\"");
            if (direction is not ("asc" or "desc")) throw json.Expected("\"asc\" or \"desc\"");
            json.EndArray(ref order, direction);
            orders.Add((attribute, direction == "desc"));
        }
        if (orders.Count > Limits.OrderByAttributesMax)
        {
            throw json.Fail($"orders by {orders.Count} attributes, the limit is {Limits.OrderByAttributesMax}",
                ErrorCode.LimitExceeded);
        }
        return RankBy.OrderBy(orders.ToArray());
    }

    public static RankBy ReadVector(ref JsonCursor json, ref ArrayScope array, string attribute, string operation)
    {
        json.Element(ref array, "a vector");
        if (json.FirstElement == JsonTokenType.String) throw json.NotSupported("embedding of text (\"Embed\")");
        Value vector = ValueJson.ReadVector(ref json);
        json.EndArray(ref array, "the vector");
        RankKind kind = operation == "kNN" ? RankKind.Knn : RankKind.Ann;
        return new RankBy { Kind = kind, Attribute = attribute, Operand = vector };
    }

    private static RankBy ReadSparse(ref JsonCursor json, ref ArrayScope array, string attribute)
    {
        json.Element(ref array, "a sparse vector");
        Value vector = ValueJson.ReadSparse(ref json);
        json.EndArray(ref array, "the sparse vector");
        return new RankBy { Kind = RankKind.SparseKnn, Attribute = attribute, Operand = vector };
    }

    private static RankBy ReadText(ref JsonCursor json, ref ArrayScope array, string attribute)
    {
        json.Element(ref array, "a text");
        Value operand = Value.Null;
        if (json.Token == JsonTokenType.StartArray)
        {
            List<Value> tokens = [];
            ArrayScope inner = json.Array();
            while (json.Next(ref inner)) tokens.Add(Value.Of(json.String("a token")));
            operand = Value.Of(tokens.ToArray());
        }
        else
        {
            operand = Value.Of(json.String("a text or an array of tokens"));
        }
        bool lastAsPrefix = false;
        if (json.Next(ref array))
        {
            lastAsPrefix = ReadLastAsPrefix(ref json);
            json.EndArray(ref array, "the options");
        }
        return new RankBy
        {
            Kind = RankKind.Bm25, Attribute = attribute, Operand = operand, LastAsPrefix = lastAsPrefix,
        };
    }

    private static RankBy ReadList(ref JsonCursor json, ref ArrayScope array, string head, int depth)
    {
        List<RankBy> children = [];
        if (head == "Max" && json.Token == JsonTokenType.Number)
        {
            // The floor of one ranking may stand before it without a list.
            children.Add(Read(ref json, depth + 1));
            json.Element(ref array, "a ranking");
            children.Add(Read(ref json, depth + 1));
            json.EndArray(ref array, "the ranking");
            return new RankBy { Kind = RankKind.Max, Children = children.ToArray() };
        }
        ArrayScope inner = json.Array("an array of rankings");
        while (json.Next(ref inner)) children.Add(Read(ref json, depth + 1));
        json.CheckCount(children.Count, Limits.RankNodesMax, "rankings");
        json.EndArray(ref array, head);
        return new RankBy { Kind = head == "Sum" ? RankKind.Sum : RankKind.Max, Children = children.ToArray() };
    }

    private static RankBy ReadProduct(ref JsonCursor json, ref ArrayScope array, int depth)
    {
        RankBy left = Read(ref json, depth + 1);
        json.Element(ref array, "a second factor");
        RankBy right = Read(ref json, depth + 1);
        json.EndArray(ref array, "the second factor");
        return new RankBy { Kind = RankKind.Product, Children = [left, right] };
    }
}
