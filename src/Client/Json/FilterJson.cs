using System;
using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Filters: <c>["And",[f…]]</c>, <c>["Or",[f…]]</c>, <c>["Not",f]</c>, <c>["attribute","Eq",value]</c>,
/// <c>["attribute","Fuzzy",text,{"max_edit_distance":[{"min_query_chars":6,"distance":1}]}]</c>.</summary>
internal static class FilterJson
{
    private const string Shape = "a filter, [attribute, operator, value] or [\"And\"|\"Or\"|\"Not\", …]";

    /// <param name="newRow">Whether a value may be <c>{"$ref_new":"attribute"}</c>: in the conditions of a
    /// write.</param>
    public static Filter Read(ref JsonCursor json, bool newRow = false, int depth = 0)
    {
        if (depth >= Limits.FilterDepthMax)
            throw json.Fail($"filters are nested deeper than {Limits.FilterDepthMax}", ErrorCode.LimitExceeded);
        ArrayScope array = json.Array(Shape);
        json.Element(ref array, "an attribute or \"And\", \"Or\", \"Not\"");
        string head = json.Name("an attribute or \"And\", \"Or\", \"Not\"");
        json.Element(ref array, "an operator");
        if (json.Token == JsonTokenType.StartArray) return ReadLogic(ref json, ref array, head, newRow, depth);
        FilterOperator op = ReadOperator(ref json);
        json.Element(ref array, "a value");
        Value operand = Value.Null;
        string? reference = null;
        if (json.Token == JsonTokenType.StartObject) reference = ReadReference(ref json, newRow);
        else if (head == ValueJson.IdName) operand = Unsigned(ValueJson.Read(ref json));
        else operand = ValueJson.Read(ref json);
        bool lastAsPrefix = false;
        FuzzyOptions? fuzzy = null;
        while (json.Next(ref array))
        {
            bool takesOptions = op is FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken
                or FilterOperator.Fuzzy;
            if (array.Count > 4 || !takesOptions) throw json.Fail($"expects nothing more after the value of {op}");
            if (op == FilterOperator.Fuzzy) fuzzy = ReadFuzzy(ref json);
            else lastAsPrefix = RankJson.ReadLastAsPrefix(ref json);
        }
        if (op == FilterOperator.Fuzzy && fuzzy is null)
            throw json.Fail("Fuzzy expects {\"max_edit_distance\":[…]} after its value");
        return new Filter
        {
            Operator = op, Attribute = head, Operand = operand, NewRowAttribute = reference,
            LastAsPrefix = lastAsPrefix, Fuzzy = fuzzy,
        };
    }

    private static Filter ReadLogic(ref JsonCursor json, ref ArrayScope array, string head, bool newRow, int depth)
    {
        FilterOperator op = head switch
        {
            "And" => FilterOperator.And,
            "Or" => FilterOperator.Or,
            "Not" => FilterOperator.Not,
            _ => throw json.Expected("an operator such as \"Eq\""),
        };
        List<Filter> children = [];
        if (op == FilterOperator.Not)
        {
            children.Add(Read(ref json, newRow, depth + 1));
        }
        else
        {
            ArrayScope inner = json.Array();
            while (json.Next(ref inner)) children.Add(Read(ref json, newRow, depth + 1));
            json.CheckCount(children.Count, Limits.FilterNodesMax, "filters");
        }
        json.EndArray(ref array, head);
        return new Filter { Operator = op, Children = children.ToArray() };
    }

    private static FilterOperator ReadOperator(ref JsonCursor json)
    {
        string name = json.String("an operator such as \"Eq\"");
        if (!char.IsAsciiLetterUpper(name.Length == 0 ? ' ' : name[0]) || !Enum.TryParse(name, out FilterOperator op)
            || op < FilterOperator.Eq || Enum.GetName(op) != name)
        {
            throw json.Fail($"\"{name}\" is not an operator; known are Eq, NotEq, In, NotIn, Contains, NotContains, " +
                "ContainsAny, NotContainsAny, Lt, Lte, Gt, Gte, AnyLt, AnyLte, AnyGt, AnyGte, " +
                "Glob, NotGlob, IGlob, NotIGlob, Regex, Fuzzy, ContainsAllTokens, ContainsAnyToken, " +
                "ContainsTokenSequence");
        }
        return op;
    }

    private static FuzzyOptions ReadFuzzy(ref JsonCursor json)
    {
        List<FuzzyDistance>? distances = null;
        bool caseSensitive = true;
        ObjectScope scope = json.Object("an object of options");
        while (json.Next(ref scope, out string name))
        {
            switch (name)
            {
                case "case_sensitive": caseSensitive = json.Bool(); break;
                case "max_edit_distance": distances = ReadDistances(ref json); break;
                default: throw json.Fail("unknown option; known are max_edit_distance, case_sensitive");
            }
        }
        if (distances is null) throw json.Missing("max_edit_distance");
        return new FuzzyOptions { CaseSensitive = caseSensitive, Distances = distances.ToArray() };
    }

    private static List<FuzzyDistance> ReadDistances(ref JsonCursor json)
    {
        List<FuzzyDistance> distances = [];
        ArrayScope array = json.Array("an array of {min_query_chars, distance}");
        while (json.Next(ref array))
        {
            uint? characters = null;
            uint? distance = null;
            ObjectScope scope = json.Object("{\"min_query_chars\": …, \"distance\": …}");
            while (json.Next(ref scope, out string name))
            {
                if (name == "min_query_chars") characters = json.Count(0, ushort.MaxValue);
                else if (name == "distance") distance = json.Count(0, byte.MaxValue);
                else throw json.Fail("unknown key; known are min_query_chars, distance");
            }
            if (characters is null) throw json.Missing("min_query_chars");
            if (distance is null) throw json.Missing("distance");
            distances.Add(new FuzzyDistance((ushort)characters.Value, (byte)distance.Value));
            json.CheckCount(distances.Count, byte.MaxValue, "distances");
        }
        return distances;
    }

    private static string ReadReference(ref JsonCursor json, bool newRow)
    {
        string? reference = null;
        ObjectScope scope = json.Object();
        while (json.Next(ref scope, out string name))
        {
            if (name != "$ref_new") throw json.Fail("objects are not values; only {\"$ref_new\":\"attribute\"} is");
            if (!newRow) throw json.Fail("$ref_new has a meaning only in the conditions of a write");
            reference = json.Name("the name of an attribute");
        }
        return reference ?? throw json.Fail("an empty object is not a value");
    }

    /// <summary>Ids are unsigned, so whole numbers beside one are too.</summary>
    private static Value Unsigned(Value value) => value.Kind switch
    {
        ValueKind.Int when value.AsInt >= 0 => Value.Of((ulong)value.AsInt),
        ValueKind.Array => Value.Of(System.Array.ConvertAll(value.AsArray, Unsigned)),
        _ => value,
    };
}
