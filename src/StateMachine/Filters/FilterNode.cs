using System;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine.Filters;

/// <summary>What a compiled node does. The operators of the wire come down to these.</summary>
public enum FilterNodeKind : byte
{
    And,
    Or,
    Not,

    /// <summary><see cref="FilterNode.Missing"/> for every document.</summary>
    Constant,

    /// <summary>Whether the attribute has a value.</summary>
    Present,

    /// <summary>Whether a scalar passes the test.</summary>
    Scalar,

    /// <summary>Whether any element of an array passes the test.</summary>
    AnyElement,

    /// <summary>Whether an array has exactly the elements of the operand, in their order.</summary>
    ArrayEquals,
    AllTokens,
    AnyToken,
    TokenSequence,
}

/// <summary>How a value is tested against the node's operands.</summary>
public enum FilterTest : byte
{
    /// <summary>Operand: one interval; a string interval has two operands, either side may be open or absent.</summary>
    Interval,

    /// <summary>Operands: points in ascending order.</summary>
    Points,

    /// <summary>A glob or a regular expression: number <see cref="FilterNode.Pattern"/>.</summary>
    Pattern,

    /// <summary>Text number <see cref="FilterNode.Pattern"/> of the fuzzy ones.</summary>
    Fuzzy,
}

/// <summary>Sides of a string interval.</summary>
[Flags]
public enum IntervalSides : byte
{
    None = 0,
    HasLeast = 1,
    LeastExcluded = 2,
    HasGreatest = 4,
    GreatestExcluded = 8,
}

/// <summary>A node of a compiled filter. Nodes lie in the order of the tree, each before its children;
/// <see cref="End"/> is the index behind the node's subtree.</summary>
public struct FilterNode
{
    public FilterNodeKind Kind;
    public FilterTest Test;
    public IntervalSides Sides;

    /// <summary>Type of the attribute's scalars or elements.</summary>
    public AttributeType Element;

    /// <summary>The operator as the client wrote it; decides a comparison with the new row, which is known
    /// late.</summary>
    public FilterOperator Operator;
    public bool IsArray;

    /// <summary>The answer for a document without a value.</summary>
    public bool Missing;

    /// <summary>Turns the answer for a document with a value.</summary>
    public bool Negated;

    /// <summary>The attribute has no column, so that its values are read from the rows.</summary>
    public bool FromRows;

    /// <summary>The last token stands for all terms that start with it.</summary>
    public bool LastAsPrefix;

    /// <summary>Compares with attribute <see cref="NewAttribute"/> of the row being written.</summary>
    public bool AgainstNewRow;
    public ushort Attribute;
    public ushort NewAttribute;
    public int End;
    public int OperandStart;
    public int OperandCount;
    public int Pattern;

    /// <summary>Where the answer comes from: what is fetched, and how it is evaluated.</summary>
    public readonly PlanAccess Access => Kind switch
    {
        FilterNodeKind.And or FilterNodeKind.Or or FilterNodeKind.Not => PlanAccess.Parts,
        FilterNodeKind.Constant => PlanAccess.Constant,
        FilterNodeKind.AllTokens or FilterNodeKind.AnyToken or FilterNodeKind.TokenSequence => PlanAccess.Postings,
        _ => FromRows ? PlanAccess.Documents : PlanAccess.Column,
    };
}

/// <summary>An operand: keys from <see cref="Least"/> to <see cref="Greatest"/>, both included (none if least is above
/// greatest), or for strings and tokens bytes of the program's pool.</summary>
public struct FilterOperand
{
    public UInt128 Least;
    public UInt128 Greatest;
    public int Offset;
    public int Size;
}
