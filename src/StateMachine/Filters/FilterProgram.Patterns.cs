using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Patterns;

namespace Deterministic.StateMachine.Filters;

/// <summary>Filters by globs, regular expressions and fuzzy texts. A walk over a namespace may take
/// <see cref="Limits.PatternWorkMax"/> steps of them; conditions of a write, which are tested when rows change already,
/// are bounded by their size instead.</summary>
public sealed partial class FilterProgram
{
    /// <summary>Instructions and characters of the conditions' patterns.</summary>
    private int _conditionCode;

    /// <summary>Whether a walk has taken more steps than it may: what it found is not all.</summary>
    public bool WorkExceeded => _patterns.Work > Limits.PatternWorkMax || _fuzzy.Work > Limits.PatternWorkMax;

    /// <summary>Starts a walk over windows. The same walk over the same state takes the same steps.</summary>
    public void BeginWork()
    {
        _patterns.BeginWork(Limits.PatternWorkMax, keepsStates: false);
        _fuzzy.BeginWork(Limits.PatternWorkMax);
    }

    /// <summary>Ends it: false, and the error, if it was too much.</summary>
    public bool TryEndWork(ref ErrorText error)
    {
        if (!WorkExceeded) return true;
        error.Begin(ErrorCode.LimitExceeded).Text("filters by patterns need more than "u8)
            .Number(Limits.PatternWorkMax).Text(" steps; put a filter that leaves fewer rows before them in an And"u8);
        return false;
    }

    private static bool CheckPatternUse(
        FilterOperator op, in AttributeRecord attribute, ReadOnlySpan<byte> name, ref ErrorText error)
    {
        AttributeFlags needed = op switch
        {
            FilterOperator.Regex => AttributeFlags.Regex,
            FilterOperator.Fuzzy => AttributeFlags.Fuzzy,
            _ => AttributeFlags.Glob | AttributeFlags.Filterable,
        };
        if ((attribute.Flags & needed) != 0) return true;
        Begin(ref error, ErrorCode.AttributeNotFilterable, name).Text(op switch
        {
            FilterOperator.Regex => "attribute has no regex"u8,
            FilterOperator.Fuzzy => "attribute has no fuzzy"u8,
            _ => "attribute has no glob and is not filterable"u8,
        });
        return false;
    }

    private static bool RefuseNewRow(FilterOperator op, ReadOnlySpan<byte> name, ref ErrorText error)
    {
        Begin(ref error, ErrorCode.InvalidArgument, name).Text("$ref_new cannot be an operand of "u8)
            .Text(OperatorName(op));
        return false;
    }

    private bool CompilePattern(
        ref FilterNode node, ReadOnlySpan<byte> name, in AttributeRecord attribute, EncodedValue value,
        in PatternContext context, ref ErrorText error)
    {
        node.Negated = node.Operator is FilterOperator.NotGlob or FilterOperator.NotIGlob;
        node.Missing = node.Negated;
        if (node.Element == AttributeType.None)
        {
            // The ids' type is open until the first document is written, so no document can match.
            node.Kind = FilterNodeKind.Constant;
            return true;
        }
        if (node.Element != AttributeType.String)
        {
            ref ErrorText text = ref Begin(ref error, ErrorCode.TypeMismatch, name).Text("type mismatch, "u8)
                .Text(OperatorName(node.Operator)).Text(" is for strings, but the attribute is "u8);
            AttributeTypes.Describe(ref text, attribute.Type, 0);
            return false;
        }
        if (value.Kind != ValueKind.String) return Mismatch(node, name, "string"u8, value, ref error);
        if (value.Payload.Length > Limits.PatternSizeMax)
        {
            Begin(ref error, ErrorCode.LimitExceeded, name).Text(OperatorName(node.Operator)).Text(" has "u8)
                .Number((long)value.Payload.Length).Text(" bytes, limit is "u8).Number((long)Limits.PatternSizeMax);
            return false;
        }
        if (_patterns.Count + _fuzzy.Count == Limits.PatternsMax)
            return Limit(ref error, "request has too many filters by patterns, at most "u8, Limits.PatternsMax);
        node.Kind = node.IsArray ? FilterNodeKind.AnyElement : FilterNodeKind.Scalar;
        node.FromRows = (attribute.Flags & AttributeFlags.Filterable) == 0;
        int before = _patterns.CodeSize + _fuzzy.Size;
        bool compiled = node.Operator == FilterOperator.Fuzzy
            ? CompileFuzzy(ref node, name, value.Payload, context, ref error)
            : CompileSyntax(ref node, name, value.Payload, ref error);
        if (!compiled || !context.IsCondition) return compiled;
        _conditionCode += _patterns.CodeSize + _fuzzy.Size - before;
        return _conditionCode <= Limits.ConditionCodeMax || Limit(ref error,
            "patterns of conditions are too complex, their steps may be at most "u8, Limits.ConditionCodeMax);
    }

    private bool CompileSyntax(
        ref FilterNode node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, ref ErrorText error)
    {
        PatternSyntax syntax = node.Operator switch
        {
            FilterOperator.Regex => PatternSyntax.Regex,
            FilterOperator.Glob or FilterOperator.NotGlob => PatternSyntax.Glob,
            _ => PatternSyntax.GlobIgnoringCase,
        };
        node.Test = FilterTest.Pattern;
        node.Pattern = _patterns.Count;
        if (_patterns.TryAdd(syntax, text, out PatternFault fault)) return true;
        if (fault.TooComplex)
        {
            Begin(ref error, ErrorCode.LimitExceeded, name).Text(OperatorName(node.Operator))
                .Text(" is too complex: it, or all of the request, needs more steps than the limit of "u8)
                .Number((long)Limits.PatternCodeMax);
            return false;
        }
        Begin(ref error, ErrorCode.InvalidArgument, name).Text(OperatorName(node.Operator))
            .Text(" has at byte "u8).Number((long)fault.Position).Text(" "u8).Text(fault.Problem);
        return false;
    }

    private bool CompileFuzzy(
        ref FilterNode node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> text, in PatternContext context,
        ref ErrorText error)
    {
        if (!context.TryDistance(FuzzyMatcher.Length(text), out int distance))
        {
            Begin(ref error, ErrorCode.InvalidArgument, name)
                .Text("max_edit_distance needs at least one entry, each with a distance of 1 or 2 and "u8)
                .Text("min_query_chars of at least 3 * (distance + 1)"u8);
            return false;
        }
        if (distance == 0)
        {
            // Shorter than any threshold.
            node.Kind = FilterNodeKind.Constant;
            return true;
        }
        node.Test = FilterTest.Fuzzy;
        node.Pattern = _fuzzy.Count;
        if (_fuzzy.TryAdd(text, distance, context.CaseSensitive)) return true;
        return Limit(ref error, "request has too many characters of fuzzy filters, at most "u8, FuzzyMatcher.PointsMax);
    }

    /// <summary>Tests the documents one by one.</summary>
    private void EvaluateRows(in FilterNode node, uint window, ReadOnlySpan<ulong> care, Span<ulong> result)
    {
        result.Clear();
        Keys key = new(stackalloc byte[12]);
        int bit = WindowBitmap.Next(care, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(care, bit + 1))
        {
            key.Namespace(_view.Number).Document(window * Limits.WindowDocuments + (uint)bit);
            bool exists = _trees.Documents.TryGet(key.Key, out ReadOnlySpan<byte> row);
            Check.That(exists);
            _columnBytesRead += row.Length;
            bool present = new DocumentRow(row).TryFind(node.Attribute, out EncodedValue value);
            if (MatchesLeaf(node, present, value)) WindowBitmap.Set(result, bit);
        }
    }

    /// <summary>What is said of a filter by a pattern beside its operand.</summary>
    private ref struct PatternContext
    {
        private ReadOnlySpan<byte> _distances;

        public bool IsCondition { get; init; }
        public bool CaseSensitive { get; private set; }

        /// <summary>Reads what <see cref="FuzzyOptions"/> writes.</summary>
        public bool TryReadOptions(ref WireReader reader)
        {
            byte caseSensitive = reader.U8();
            _distances = reader.Bytes(FuzzyOptions.DistanceSize * reader.U8());
            CaseSensitive = caseSensitive == 1;
            return !reader.Failed && caseSensitive <= 1;
        }

        /// <summary>Edits allowed for a text of that length, 0 if it is too short; false if the options are
        /// wrong.</summary>
        public readonly bool TryDistance(int characters, out int distance)
        {
            distance = 0;
            int reached = 0;
            WireReader reader = new(_distances);
            while (!reader.AtEnd)
            {
                int least = reader.U16();
                int edits = reader.U8();
                if (edits is < 1 or > 2 || least < 3 * (edits + 1)) return false;
                if (least > characters || least < reached) continue;
                reached = least;
                distance = edits;
            }
            return !_distances.IsEmpty;
        }
    }
}
