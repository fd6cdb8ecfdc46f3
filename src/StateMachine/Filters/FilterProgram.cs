using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Patterns;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Filters;

/// <summary>Compiled filters of one request over one namespace: several trees, each named by the index of its root, in
/// one pool of nodes. Compile them all, then evaluate any of them window by window or against one row. All memory is
/// taken at construction; <see cref="Begin"/> forgets everything. Missing values: Eq null and NotEq null ask for
/// absence and presence; null is below every value, so Lt and Lte match documents without a value and Gt and Gte do
/// not; NotEq, NotIn, NotContains, NotContainsAny, NotGlob and NotIGlob match them.</summary>
public sealed partial class FilterProgram
{
    /// <summary>Operands of all trees of one request; a request with more is refused.</summary>
    public const int OperandsMax = 1 << 16;
    public const int NoFilter = -1;

    private readonly FilterNode[] _nodes = new FilterNode[Limits.FilterNodesMax];
    private readonly NativeBuffer _operandMemory;
    private readonly byte[] _pool;
    private readonly ulong[] _scratch = new ulong[(2 * Limits.FilterDepthMax + 2) * WindowBitmap.Words];
    private readonly NamespaceView _view;
    private readonly Trees _trees;
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;
    private readonly TermReader _terms;
    private readonly PatternMatcher _patterns = new();
    private readonly FuzzyMatcher _fuzzy = new();

    /// <summary>Positions in one text.</summary>
    private readonly NativeBuffer _starts;
    private int _nodeCount;
    private int _operandCount;
    private int _poolSize;
    private long _columnBytesRead;

    /// <param name="memory">Where its token buffers come from.</param>
    /// <param name="trees">Read only.</param>
    /// <param name="view">The namespace that filters are compiled against; opened before <see cref="Begin"/>.</param>
    /// <param name="textSizeMax">Bytes of the longest text, which is a message's; all operands fit into as
    /// many.</param>
    public FilterProgram(StaticMemory memory, Trees trees, NamespaceView view, int textSizeMax)
    {
        Check.That(textSizeMax > 0);
        _view = view;
        _trees = trees;
        _columnChunks = trees.Columns.NewCursor();
        _analyzer = new Analyzer(memory);
        _pool = new byte[6 * textSizeMax];
        _tokens = new TokenBuffer(memory, textSizeMax, 6 * textSizeMax);
        _terms = new TermReader(trees);
        _starts = memory.Take(4L * textSizeMax);
        _operandMemory = memory.Take((long)OperandsMax * Marshal.SizeOf<FilterOperand>());
    }

    private Span<FilterOperand> AllOperands => _operandMemory.As<FilterOperand>();

    public void Begin()
    {
        _nodeCount = 0;
        _operandCount = 0;
        _poolSize = 0;
        _columnBytesRead = 0;
        _terms.BytesRead = 0;
        _patterns.Clear();
        _fuzzy.Clear();
        _conditionCode = 0;
        if (_counting) ClearCounts();
    }

    private ReadOnlySpan<byte> Bytes(in FilterOperand operand) => _pool.AsSpan(operand.Offset, operand.Size);

    private Span<FilterOperand> Operands(in FilterNode node) =>
        AllOperands.Slice(node.OperandStart, node.OperandCount);

    private bool PassesKey(in FilterNode node, UInt128 key)
    {
        ReadOnlySpan<FilterOperand> operands = Operands(node);
        int low = 0;
        int high = operands.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (operands[middle].Greatest < key) low = middle + 1;
            else high = middle;
        }
        return low < operands.Length && operands[low].Least <= key && key <= operands[low].Greatest;
    }

    private bool PassesString(in FilterNode node, ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<FilterOperand> operands = Operands(node);
        if (node.Test == FilterTest.Interval) return InStringInterval(node, operands, value);
        if (node.Test == FilterTest.Pattern) return _patterns.Matches(node.Pattern, value);
        if (node.Test == FilterTest.Fuzzy) return _fuzzy.Matches(node.Pattern, value);
        int low = 0;
        int high = operands.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            int order = Bytes(operands[middle]).SequenceCompareTo(value);
            if (order == 0) return true;
            if (order < 0) low = middle + 1;
            else high = middle;
        }
        return false;
    }

    private bool InStringInterval(in FilterNode node, ReadOnlySpan<FilterOperand> operands, ReadOnlySpan<byte> value)
    {
        if ((node.Sides & IntervalSides.HasLeast) != 0)
        {
            int order = value.SequenceCompareTo(Bytes(operands[0]));
            if (order < 0 || order == 0 && (node.Sides & IntervalSides.LeastExcluded) != 0) return false;
        }
        if ((node.Sides & IntervalSides.HasGreatest) != 0)
        {
            int order = value.SequenceCompareTo(Bytes(operands[^1]));
            if (order > 0 || order == 0 && (node.Sides & IntervalSides.GreatestExcluded) != 0) return false;
        }
        return true;
    }

    /// <summary>Whether any element of a stored array passes.</summary>
    private bool PassesAnyElement(in FilterNode node, ReadOnlySpan<byte> payload)
    {
        EncodedValue array = new(ValueKind.Array, payload);
        WireReader elements = array.Elements;
        for (int i = array.ElementCount; i > 0; i--)
        {
            if (PassesElement(node, EncodedValue.Read(ref elements, element: true))) return true;
        }
        return false;
    }

    private bool PassesElement(in FilterNode node, EncodedValue value)
    {
        if (node.Element == AttributeType.String) return PassesString(node, value.Payload);
        return PassesKey(node, KeyOf(node.Element, value));
    }

    /// <summary>The key of a value of the given type as it lies in rows and arrays.</summary>
    private static UInt128 KeyOf(AttributeType type, EncodedValue value)
    {
        if (type == AttributeType.Bool) return value.AsBool ? 1u : 0u;
        return ScalarKey.OfStored(type, value.Payload);
    }
}
