using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Which filters a schema takes.</summary>
internal static class FilterRules
{
    /// <param name="newRow">Whether the filter may refer to the row being written.</param>
    public static Refusal? Check(Filter? filter, NaiveSchema schema, bool newRow)
    {
        if (filter is null) return null;
        if (filter.Operator is FilterOperator.And or FilterOperator.Or or FilterOperator.Not)
        {
            foreach (Filter child in filter.Children)
            {
                if (Check(child, schema, newRow) is Refusal refusal) return refusal;
            }
            return null;
        }
        string name = filter.Attribute;
        NaiveAttribute? attribute = schema.Find(name);
        if (attribute is null) return Of(ErrorCode.AttributeNotFound, name, "attribute not found in schema");
        bool tokens = filter.Operator >= FilterOperator.ContainsAllTokens;
        if (filter.Operator is >= FilterOperator.Glob and <= FilterOperator.Fuzzy)
            return CheckPattern(filter, attribute);
        if (tokens && attribute.FullText is null)
            return Of(ErrorCode.AttributeNotFilterable, name, "attribute has no full_text_search");
        if (!tokens && !attribute.Filterable)
        {
            return Of(ErrorCode.AttributeNotFilterable, name,
                attribute.IsVector ? "vectors cannot be filtered on" : "attribute is not filterable");
        }
        if (filter.NewRowAttribute is not null) return CheckNewRow(filter, attribute, schema, newRow, tokens);
        return tokens ? CheckTokens(filter, attribute) : CheckOperand(filter.Operator, attribute, filter.Operand);
    }

    private static Refusal? CheckNewRow(
        Filter filter, NaiveAttribute attribute, NaiveSchema schema, bool allowed, bool tokens)
    {
        string name = filter.Attribute;
        if (tokens)
            return Of(ErrorCode.InvalidArgument, name, "$ref_new cannot be an operand of a token filter");
        if (!allowed) return Of(ErrorCode.InvalidArgument, name, "$ref_new is for the conditions of writes");
        NaiveAttribute? other = schema.Find(filter.NewRowAttribute!);
        if (other is null)
            return Of(ErrorCode.AttributeNotFound, filter.NewRowAttribute!, "attribute not found in schema");
        AttributeType left = NaiveValues.Element(attribute.Type);
        AttributeType right = NaiveValues.Element(other.Type);
        if (left == right || (NaiveValues.IsNumber(left) && NaiveValues.IsNumber(right))) return null;
        return Of(ErrorCode.TypeMismatch, name, $"type mismatch, {filter.Operator} compares " +
            $"{NaiveValues.Describe(attribute.Type)} with {NaiveValues.Describe(other.Type)}");
    }

    private static Refusal? CheckPattern(Filter filter, NaiveAttribute attribute)
    {
        string name = filter.Attribute;
        string? missing = filter.Operator switch
        {
            FilterOperator.Regex => attribute.Regex ? null : "attribute has no regex",
            FilterOperator.Fuzzy => attribute.Fuzzy ? null : "attribute has no fuzzy",
            _ => attribute.Glob || attribute.Filterable ? null : "attribute has no glob and is not filterable",
        };
        if (missing is not null) return Of(ErrorCode.AttributeNotFilterable, name, missing);
        if (filter.NewRowAttribute is not null)
            return Of(ErrorCode.InvalidArgument, name, $"$ref_new cannot be an operand of {filter.Operator}");
        if (attribute.Type == AttributeType.None) return null;
        if (NaiveValues.Element(attribute.Type) != AttributeType.String)
        {
            return Of(ErrorCode.TypeMismatch, name,
                $"type mismatch, {filter.Operator} is for strings, but the attribute is {attribute.Describe()}");
        }
        if (filter.Operand.Kind != ValueKind.String) return Expects(filter, "string", filter.Operand);
        if (filter.Operator == FilterOperator.Fuzzy) return CheckFuzzy(filter);
        string? problem = NaivePattern.Problem(filter.Operator, filter.Operand.AsString);
        return problem is null ? null
            : Of(ErrorCode.InvalidArgument, name, $"{filter.Operator} has {problem}");
    }

    private static Refusal? CheckFuzzy(Filter filter)
    {
        bool sound = filter.Fuzzy is not null && filter.Fuzzy.Distances.Length > 0;
        for (int i = 0; sound && i < filter.Fuzzy!.Distances.Length; i++)
        {
            FuzzyDistance distance = filter.Fuzzy.Distances[i];
            sound = distance.Distance is 1 or 2 && distance.CharactersMin >= 3 * (distance.Distance + 1);
        }
        return sound ? null : Of(ErrorCode.InvalidArgument, filter.Attribute,
            "max_edit_distance needs at least one entry, each with a distance of 1 or 2 and " +
            "min_query_chars of at least 3 * (distance + 1)");
    }

    private static Refusal? CheckTokens(Filter filter, NaiveAttribute attribute)
    {
        bool array = filter.Operand.Kind == ValueKind.Array;
        if (!array && filter.Operand.Kind != ValueKind.String) return Expects(filter, "string", filter.Operand);
        if (!array && attribute.FullText!.Tokenizer == Tokenizer.PreTokenizedArray)
            return Expects(filter, "[]string", filter.Operand);
        foreach (Value element in filter.Operand.AsArray)
        {
            if (element.Kind != ValueKind.String) return Expects(filter, "[]string", filter.Operand);
        }
        return null;
    }

    /// <summary>Whether an operator takes the operand for the attribute.</summary>
    public static Refusal? CheckOperand(FilterOperator op, NaiveAttribute attribute, Value operand)
    {
        bool list = op is FilterOperator.In or FilterOperator.NotIn or FilterOperator.ContainsAny
            or FilterOperator.NotContainsAny;
        if (attribute.Type == AttributeType.None) return null;
        if (operand.IsNull)
        {
            bool takesNull = op is FilterOperator.Eq or FilterOperator.NotEq
                or (>= FilterOperator.Lt and <= FilterOperator.Gte);
            return takesNull ? null : Expects(op, attribute, list, operand);
        }
        bool forArrays = op is (>= FilterOperator.Contains and <= FilterOperator.NotContainsAny)
            or (>= FilterOperator.AnyLt and <= FilterOperator.AnyGte);
        bool forScalars = op is >= FilterOperator.Lt and <= FilterOperator.Gte;
        if ((forArrays && !attribute.IsArray) || (forScalars && attribute.IsArray))
        {
            return Of(ErrorCode.TypeMismatch, attribute.Name, $"type mismatch, {op} is for " +
                $"{(forArrays ? "arrays" : "scalars")}, but the attribute is {attribute.Describe()}");
        }
        bool wholeArray = attribute.IsArray && (op == FilterOperator.Eq || op == FilterOperator.NotEq);
        bool anyOf = op is FilterOperator.ContainsAny or FilterOperator.NotContainsAny;
        bool isList = wholeArray || anyOf || (list && operand.Kind == ValueKind.Array);
        if (!isList) return Takes(attribute, operand) ? null : Expects(op, attribute, false, operand);
        if (operand.Kind != ValueKind.Array) return Expects(op, attribute, true, operand);
        foreach (Value element in operand.AsArray)
        {
            if (!Takes(attribute, element)) return Expects(op, attribute, true, operand);
        }
        return null;
    }

    /// <summary>Numbers compare with numbers of any type; text can be a UUID or a datetime.</summary>
    private static bool Takes(NaiveAttribute attribute, Value value)
    {
        AttributeType element = NaiveValues.Element(attribute.Type);
        if (NaiveValues.IsNumber(element) && NaiveValues.IsNumber(value)) return true;
        if (NaiveValues.IsNumber(element) && value.Kind != ValueKind.String) return false;
        return NaiveValues.Convert(value, element) is not null;
    }

    private static Refusal Expects(FilterOperator op, NaiveAttribute attribute, bool list, Value got)
    {
        AttributeType element = NaiveValues.Element(attribute.Type);
        string expected = NaiveValues.Describe(list ? element | AttributeType.ArrayFlag : element);
        return Expects(new Filter { Operator = op, Attribute = attribute.Name }, expected, got);
    }

    private static Refusal Expects(Filter filter, string expected, Value got)
    {
        string kind = got.Kind != ValueKind.Array ? NaiveValues.Describe(got.Kind)
            : got.AsArray.Length == 0 ? "[]" : "[]" + NaiveValues.Describe(got.AsArray[0].Kind);
        return Of(ErrorCode.TypeMismatch, filter.Attribute,
            $"type mismatch, {filter.Operator} expects {expected}, but got {kind}");
    }

    private static Refusal Of(ErrorCode code, string name, string text) =>
        new(code, $"filter error in key `{name}`: {text}");
}
