using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;

namespace Deterministic.StateMachine.Filters;

public sealed partial class FilterProgram
{
    /// <summary>Whether one row matches. It asks the row alone, so it also serves rows that are not stored
    /// yet.</summary>
    /// <param name="root">Of <see cref="TryCompile"/>; <see cref="NoFilter"/> matches every row.</param>
    /// <param name="row">The row, in the form of <see cref="DocumentRow"/>.</param>
    /// <param name="newRow">The row being written, which `$ref_new` names attributes of; empty: all are null.</param>
    public bool Matches(int root, ReadOnlySpan<byte> row, ReadOnlySpan<byte> newRow)
    {
        if (root == NoFilter) return true;
        Check.That(root >= 0 && root < _nodeCount);
        // The patterns of conditions are small enough for the longest row; nothing is cut short.
        _patterns.BeginWork(long.MaxValue, keepsStates: true);
        _fuzzy.BeginWork(long.MaxValue);
        return Matches(root, new DocumentRow(row), newRow);
    }

    private bool Matches(int index, DocumentRow row, ReadOnlySpan<byte> newRow)
    {
        FilterNode node = _nodes[index];
        switch (node.Kind)
        {
            case FilterNodeKind.And when !node.AgainstNewRow:
                for (int child = index + 1; child < node.End; child = _nodes[child].End)
                    if (!Matches(child, row, newRow)) return false;
                return true;
            case FilterNodeKind.Or:
                for (int child = index + 1; child < node.End; child = _nodes[child].End)
                    if (Matches(child, row, newRow)) return true;
                return false;
            case FilterNodeKind.Not:
                return !Matches(index + 1, row, newRow);
        }
        EncodedValue value = default;
        bool present;
        if (node.Attribute == 0)
        {
            value = row.Id;
            present = true;
        }
        else
        {
            present = row.TryFind(node.Attribute, out value);
        }
        return node.AgainstNewRow ? MatchesNewRow(node, present, value, newRow) : MatchesLeaf(node, present, value);
    }

    private bool MatchesLeaf(in FilterNode node, bool present, EncodedValue value)
    {
        switch (node.Kind)
        {
            case FilterNodeKind.Constant:
                return node.Missing;
            case FilterNodeKind.Present:
                return present != node.Negated;
            case FilterNodeKind.AllTokens or FilterNodeKind.AnyToken or FilterNodeKind.TokenSequence:
                return present && MatchesTokens(node, value);
        }
        if (!present) return node.Missing;
        bool passed = node.Kind switch
        {
            FilterNodeKind.AnyElement => PassesAnyElement(node, value.Payload),
            FilterNodeKind.ArrayEquals => EqualsArray(node, value.Payload),
            _ => PassesElement(node, value),
        };
        return passed != node.Negated;
    }

    /// <summary>Compiles the comparison with the new row's value now that it is known. A value that the operator cannot
    /// take (an array for Lt, say) matches nothing.</summary>
    private bool MatchesNewRow(FilterNode node, bool present, EncodedValue value, ReadOnlySpan<byte> newRow)
    {
        EncodedValue operand = default;
        if (!newRow.IsEmpty)
        {
            DocumentRow row = new(newRow);
            if (node.NewAttribute == 0) operand = row.Id;
            else if (!row.TryFind(node.NewAttribute, out operand)) operand = default;
        }
        int operandCount = _operandCount;
        int poolSize = _poolSize;
        ErrorText unused = new(stackalloc byte[8]);
        _view.TryFindNumber(node.Attribute, out int slot);
        bool compiled = CompileValue(ref node, default, _view.Attribute(slot), operand, ref unused);
        bool matches = compiled && MatchesLeaf(node, present, value);
        _operandCount = operandCount;
        _poolSize = poolSize;
        return matches;
    }

    private bool EqualsArray(in FilterNode node, ReadOnlySpan<byte> payload)
    {
        EncodedValue array = new(ValueKind.Array, payload);
        if (array.ElementCount != node.OperandCount) return false;
        WireReader elements = array.Elements;
        foreach (ref readonly FilterOperand operand in Operands(node))
        {
            EncodedValue element = EncodedValue.Read(ref elements, element: true);
            bool equal = node.Element == AttributeType.String
                ? element.Payload.SequenceEqual(Bytes(operand))
                : operand.Least <= operand.Greatest && KeyOf(node.Element, element) == operand.Least;
            if (!equal) return false;
        }
        return true;
    }

    /// <summary>Analyses the text and looks for the tokens in it.</summary>
    private bool MatchesTokens(in FilterNode node, EncodedValue text)
    {
        _view.TryFindNumber(node.Attribute, out int slot);
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        _tokens.Clear();
        if (text.Kind == ValueKind.Array)
        {
            WireReader elements = text.Elements;
            for (int i = text.ElementCount; i > 0; i--)
            {
                EncodedValue element = EncodedValue.Read(ref elements, element: true);
                _analyzer.Analyze(attribute.Text, element.Payload, _tokens, _tokens.NextPosition);
            }
        }
        else
        {
            _analyzer.Analyze(attribute.Text, text.Payload, _tokens);
        }
        if (node.Kind == FilterNodeKind.TokenSequence) return HasSequence(node);
        bool all = node.Kind == FilterNodeKind.AllTokens;
        for (int i = 0; i < node.OperandCount; i++)
            if (FindToken(node, i, 0, -1) >= 0 != all) return !all;
        return all;
    }

    /// <summary>Whether the tokens stand at the distances that they have in the operand.</summary>
    private bool HasSequence(in FilterNode node)
    {
        ReadOnlySpan<FilterOperand> operands = Operands(node);
        int start = FindToken(node, 0, 0, -1);
        for (; start >= 0; start = FindToken(node, 0, start + 1, -1))
        {
            int at = start;
            for (int i = 1; i < operands.Length && at >= 0; i++)
            {
                int distance = (int)(uint)(operands[i].Least - operands[0].Least);
                at = FindToken(node, i, at + 1, _tokens.Position(start) + distance);
            }
            if (at >= 0) return true;
        }
        return false;
    }

    /// <summary>Index of the first token of the text, from <paramref name="from"/> on, that equals an operand and,
    /// unless it is negative, stands at the position; or -1.</summary>
    private int FindToken(in FilterNode node, int operand, int from, int position)
    {
        ReadOnlySpan<byte> wanted = Bytes(Operands(node)[operand]);
        bool prefix = node.LastAsPrefix && operand == node.OperandCount - 1;
        for (int i = from; i < _tokens.Count; i++)
        {
            if (position >= 0 && _tokens.Position(i) > position) return -1;
            if (position >= 0 && _tokens.Position(i) != position) continue;
            ReadOnlySpan<byte> token = _tokens.Text(i);
            if (prefix ? token.StartsWith(wanted) : token.SequenceEqual(wanted)) return i;
        }
        return -1;
    }
}
