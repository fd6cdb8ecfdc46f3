using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Filters;

public sealed partial class FilterProgram
{
    /// <summary>Reads one optional filter and adds it to the pool. <paramref name="root"/> is then what to evaluate, or
    /// <see cref="NoFilter"/>. False: the error has been written.</summary>
    /// <param name="reader">At the filter; behind it afterwards.</param>
    /// <param name="newRowAllowed">Whether the filter is a write's condition, which may name attributes of the new
    /// row.</param>
    /// <param name="error">Takes the error.</param>
    /// <param name="root">Index for the evaluation.</param>
    public bool TryCompile(ref WireReader reader, bool newRowAllowed, ref ErrorText error, out int root)
    {
        WireReader ahead = reader;
        root = NoFilter;
        if (ahead.U8() == (byte)FilterOperator.None && !ahead.Failed)
        {
            reader.U8();
            return true;
        }
        int first = _nodeCount;
        if (!Compile(ref reader, newRowAllowed, 0, ref error)) return false;
        root = first;
        Check.That(_nodes[root].End == _nodeCount);
        return true;
    }

    private bool Compile(ref WireReader reader, bool newRowAllowed, int depth, ref ErrorText error)
    {
        FilterOperator op = (FilterOperator)reader.U8();
        if (reader.Failed) return error.Malformed("filter"u8);
        if (_nodeCount == Limits.FilterNodesMax)
            return Limit(ref error, "filter has too many nodes, at most "u8, Limits.FilterNodesMax);
        if (depth == Limits.FilterDepthMax)
            return Limit(ref error, "filter is nested too deeply, at most "u8, Limits.FilterDepthMax);
        int index = _nodeCount++;
        _nodes[index] = new FilterNode { Operator = op };
        if (op is FilterOperator.And or FilterOperator.Or or FilterOperator.Not)
        {
            _nodes[index].Kind = op switch
            {
                FilterOperator.And => FilterNodeKind.And,
                FilterOperator.Or => FilterNodeKind.Or,
                _ => FilterNodeKind.Not,
            };
            int children = op == FilterOperator.Not ? 1 : reader.U16();
            for (int i = 0; i < children; i++)
                if (!Compile(ref reader, newRowAllowed, depth + 1, ref error)) return false;
        }
        else if (!CompileComparison(ref reader, newRowAllowed, ref _nodes[index], ref error))
        {
            return false;
        }
        if (reader.Failed) return error.Malformed("filter"u8);
        _nodes[index].End = _nodeCount;
        return true;
    }

    private bool CompileComparison(
        ref WireReader reader, bool newRowAllowed, ref FilterNode node, ref ErrorText error)
    {
        if (node.Operator is < FilterOperator.Eq or > FilterOperator.ContainsTokenSequence)
            return error.Malformed("filter operator"u8);
        ReadOnlySpan<byte> name = reader.Name();
        byte flags = reader.U8();
        bool newRow = (flags & Filter.NewRowFlag) != 0;
        ReadOnlySpan<byte> newName = newRow ? reader.Name() : default;
        EncodedValue value = newRow ? default : EncodedValue.Read(ref reader);
        if (reader.Failed) return error.Malformed("filter operand"u8);
        PatternContext context = new() { IsCondition = newRowAllowed };
        if (node.Operator == FilterOperator.Fuzzy && !context.TryReadOptions(ref reader))
            return error.Malformed("options of Fuzzy"u8);
        node.LastAsPrefix = (flags & Filter.LastAsPrefixFlag) != 0;
        if (!_view.TryFind(name, out int slot))
        {
            Begin(ref error, ErrorCode.AttributeNotFound, name).Text("attribute not found in schema"u8);
            return false;
        }
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        bool tokens = node.Operator >= FilterOperator.ContainsAllTokens;
        bool patterns = node.Operator is >= FilterOperator.Glob and <= FilterOperator.Fuzzy;
        bool allowed = patterns
            ? CheckPatternUse(node.Operator, attribute, name, ref error)
            : CheckUse(attribute, name, tokens, ref error);
        if (!allowed) return false;
        node.Attribute = attribute.Number;
        node.IsArray = AttributeTypes.IsArray(attribute.Type);
        node.Element = node.IsArray ? AttributeTypes.Element(attribute.Type) : attribute.Type;
        if (newRow && patterns) return RefuseNewRow(node.Operator, name, ref error);
        if (newRow) return CompileNewRow(newName, newRowAllowed, tokens, ref node, name, attribute, ref error);
        if (patterns) return CompilePattern(ref node, name, attribute, value, context, ref error);
        if (tokens) return CompileTokens(ref node, name, attribute, value, ref error);
        return CompileValue(ref node, name, attribute, value, ref error);
    }

    private static bool CheckUse(
        in AttributeRecord attribute, ReadOnlySpan<byte> name, bool tokens, ref ErrorText error)
    {
        AttributeFlags needed = tokens ? AttributeFlags.FullText : AttributeFlags.Filterable;
        if ((attribute.Flags & needed) != 0) return true;
        ref ErrorText text = ref Begin(ref error, ErrorCode.AttributeNotFilterable, name);
        if (tokens) text.Text("attribute has no full_text_search"u8);
        else if (AttributeTypes.IsVector(attribute.Type)) text.Text("vectors cannot be filtered on"u8);
        else text.Text("attribute is not filterable"u8);
        return false;
    }

    /// <summary>Which other attribute the node compares with; its value is known when a row is tested.</summary>
    private bool CompileNewRow(
        ReadOnlySpan<byte> newName, bool allowed, bool tokens, ref FilterNode node, ReadOnlySpan<byte> name,
        in AttributeRecord attribute, ref ErrorText error)
    {
        if (!allowed || tokens)
        {
            Begin(ref error, ErrorCode.InvalidArgument, name).Text(tokens
                ? "$ref_new cannot be an operand of a token filter"u8
                : "$ref_new is for the conditions of writes"u8);
            return false;
        }
        if (!_view.TryFind(newName, out int slot))
        {
            Begin(ref error, ErrorCode.AttributeNotFound, newName).Text("attribute not found in schema"u8);
            return false;
        }
        AttributeRecord other = _view.Attribute(slot);
        bool array = AttributeTypes.IsArray(other.Type);
        AttributeType element = array ? AttributeTypes.Element(other.Type) : other.Type;
        bool numbers = IsNumber(node.Element) && IsNumber(element);
        if (numbers || element == node.Element)
        {
            node.AgainstNewRow = true;
            node.NewAttribute = other.Number;
            return true;
        }
        ref ErrorText text = ref Begin(ref error, ErrorCode.TypeMismatch, name).Text("type mismatch, "u8)
            .Text(OperatorName(node.Operator)).Text(" compares "u8);
        AttributeTypes.Describe(ref text, attribute.Type, 0);
        AttributeTypes.Describe(ref text.Text(" with "u8), other.Type, 0);
        return false;
    }

    private static bool IsNumber(AttributeType type) =>
        type is AttributeType.Int or AttributeType.Uint or AttributeType.Float or AttributeType.Datetime;

    private bool CompileTokens(
        ref FilterNode node, ReadOnlySpan<byte> name, in AttributeRecord attribute, EncodedValue value,
        ref ErrorText error)
    {
        bool array = value.Kind == ValueKind.Array;
        if (!array && value.Kind != ValueKind.String) return Mismatch(node, name, "string"u8, value, ref error);
        if (!array && attribute.Text.Tokenizer == Tokenizer.PreTokenizedArray)
            return Mismatch(node, name, "[]string"u8, value, ref error);
        _tokens.Clear();
        bool fits = true;
        if (array)
        {
            WireReader elements = value.Elements;
            for (int i = value.ElementCount; i > 0 && fits; i--)
            {
                EncodedValue element = EncodedValue.Read(ref elements, element: true);
                if (element.Kind != ValueKind.String) return Mismatch(node, name, "[]string"u8, value, ref error);
                fits = _analyzer.Analyze(attribute.Text, element.Payload, _tokens, _tokens.NextPosition);
            }
        }
        else
        {
            fits = _analyzer.Analyze(attribute.Text, value.Payload, _tokens);
        }
        if (!fits || _tokens.Count > Limits.QueryTermsMax)
            return Limit(ref error, "token filter has too many tokens, at most "u8, Limits.QueryTermsMax);
        node.Kind = _tokens.Count == 0 ? FilterNodeKind.Constant : node.Operator switch
        {
            FilterOperator.ContainsAllTokens => FilterNodeKind.AllTokens,
            FilterOperator.ContainsAnyToken => FilterNodeKind.AnyToken,
            _ => FilterNodeKind.TokenSequence,
        };
        node.OperandStart = _operandCount;
        for (int i = 0; i < _tokens.Count; i++)
            if (!AddBytes(ref node, _tokens.Text(i), (uint)_tokens.Position(i), ref error)) return false;
        return true;
    }

    private static ref ErrorText Begin(ref ErrorText error, ErrorCode code, scoped ReadOnlySpan<byte> name) =>
        ref error.Begin(code).Text("filter error in key "u8).Name(name).Text(": "u8);

    private static bool Limit(ref ErrorText error, ReadOnlySpan<byte> what, int limit)
    {
        error.Begin(ErrorCode.LimitExceeded).Text(what).Number((long)limit);
        return false;
    }

    private static bool Mismatch(
        in FilterNode node, scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> expected, scoped EncodedValue got,
        ref ErrorText error)
    {
        ref ErrorText text = ref Begin(ref error, ErrorCode.TypeMismatch, name).Text("type mismatch, "u8)
            .Text(OperatorName(node.Operator)).Text(" expects "u8).Text(expected).Text(", but got "u8);
        if (got.Kind != ValueKind.Array)
        {
            AttributeTypes.Describe(ref text, got.Kind);
            return false;
        }
        text.Text("[]"u8);
        if (got.ElementCount == 0) return false;
        WireReader elements = got.Elements;
        AttributeTypes.Describe(ref text, EncodedValue.Read(ref elements, element: true).Kind);
        return false;
    }

    private static ReadOnlySpan<byte> OperatorName(FilterOperator op) => op switch
    {
        FilterOperator.Eq => "Eq"u8,
        FilterOperator.NotEq => "NotEq"u8,
        FilterOperator.In => "In"u8,
        FilterOperator.NotIn => "NotIn"u8,
        FilterOperator.Contains => "Contains"u8,
        FilterOperator.NotContains => "NotContains"u8,
        FilterOperator.ContainsAny => "ContainsAny"u8,
        FilterOperator.NotContainsAny => "NotContainsAny"u8,
        FilterOperator.Lt => "Lt"u8,
        FilterOperator.Lte => "Lte"u8,
        FilterOperator.Gt => "Gt"u8,
        FilterOperator.Gte => "Gte"u8,
        FilterOperator.AnyLt => "AnyLt"u8,
        FilterOperator.AnyLte => "AnyLte"u8,
        FilterOperator.AnyGt => "AnyGt"u8,
        FilterOperator.AnyGte => "AnyGte"u8,
        FilterOperator.Glob => "Glob"u8,
        FilterOperator.NotGlob => "NotGlob"u8,
        FilterOperator.IGlob => "IGlob"u8,
        FilterOperator.NotIGlob => "NotIGlob"u8,
        FilterOperator.Regex => "Regex"u8,
        FilterOperator.Fuzzy => "Fuzzy"u8,
        FilterOperator.ContainsAllTokens => "ContainsAllTokens"u8,
        FilterOperator.ContainsAnyToken => "ContainsAnyToken"u8,
        _ => "ContainsTokenSequence"u8,
    };
}
