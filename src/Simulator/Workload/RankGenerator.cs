using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws rankings. Most are valid for most namespaces of the vocabulary; a schema that has changed makes one
/// of them wrong.</summary>
[FloatAllowed("draws numbers from exact ones")]
internal sealed class RankGenerator(TapeStream tape, Vocabulary vocabulary, FilterGenerator filters)
{
    private const double DayInMilliseconds = 86_400_000;

    private static ReadOnlySpan<string> Numbers => (string[])["size", "count", "price", "made"];

    private static ReadOnlySpan<double> Exponents => [0.5, 2, 1.7, 11];

    /// <param name="name">Of the namespace.</param>
    /// <param name="ordered">Whether ordering by attributes is allowed (fusion wants scores).</param>
    public RankBy Draw(string name, bool ordered)
    {
        bool inferred = Vocabulary.IsInferred(name);
        int kind = tape.Below(ordered ? 6 : 4);
        if (kind < 2) return Neighbours(kind == 0 ? RankKind.Knn : RankKind.Ann, inferred);
        if (kind < 4) return Score(2, inferred);
        (string, bool)[] order = new (string, bool)[tape.Range(1, 3)];
        for (int i = 0; i < order.Length; i++)
        {
            string attribute = FilterGenerator.Scalars[tape.Below(FilterGenerator.Scalars.Length)];
            order[i] = (tape.Below(5) == 0 ? "id" : attribute, tape.Boolean());
        }
        return RankBy.OrderBy(order);
    }

    /// <summary>Up to three, with different labels.</summary>
    public ComputedAttribute[] Computed(string name)
    {
        bool inferred = Vocabulary.IsInferred(name);
        ComputedAttribute[] computed = new ComputedAttribute[tape.Range(1, 3)];
        for (int i = 0; i < computed.Length; i++)
        {
            if (!inferred && tape.Below(3) == 2)
            {
                computed[i] = new ComputedAttribute { Label = "computed-" + i, Highlight = Highlight() };
                continue;
            }
            RankBy score = tape.Below(3) == 2 ? Neighbours(RankKind.Ann, inferred) : Score(1, inferred);
            computed[i] = new ComputedAttribute { Label = "computed-" + i, Score = score };
        }
        return computed;
    }

    private Highlight Highlight()
    {
        HighlightClause[] clauses = new HighlightClause[tape.Range(1, 2)];
        for (int i = 0; i < clauses.Length; i++)
        {
            string text = vocabulary.Word() + " " + vocabulary.Text(4);
            clauses[i] = new HighlightClause(text, lastAsPrefix: tape.Below(4) == 3, tape.Range(0, 4) / 2.0);
        }
        return new Highlight
        {
            Attribute = filters.TextAttribute(), FragmentBy = (FragmentUnit)tape.Below(4),
            FragmentLimit = tape.Below(12) == 11 ? 0 : (uint)tape.Range(1, 5), Offsets = (OffsetUnit)tape.Below(4),
            Clauses = clauses,
        };
    }

    private RankBy Neighbours(RankKind kind, bool inferred)
    {
        string column = !inferred && tape.Below(4) == 3 ? "image" : "vector";
        return new RankBy { Kind = kind, Attribute = column, Operand = vocabulary.VectorValue(column) };
    }

    private string Number() => Numbers[tape.Below(Numbers.Length)];

    /// <param name="depth">Of the tree at most.</param>
    /// <param name="textless">The namespace has no text to rank by, or had none at first.</param>
    private RankBy Score(int depth, bool textless)
    {
        int kind = tape.Below(depth == 0 ? 3 : 9);
        switch (kind)
        {
            case 2 when !textless: return RankBy.SparseKnn("weights", vocabulary.Sparse(5));
            case 0 or 1 or 2:
                if (textless && tape.Below(8) != 7) return RankBy.OfAttribute(Number());
                return new RankBy
                {
                    Kind = RankKind.Bm25, Attribute = filters.TextAttribute(),
                    Operand = Value.Of(vocabulary.Word() + " " + vocabulary.Text(4)), LastAsPrefix = tape.Below(4) == 3,
                };
            case 3:
                if (tape.Below(3) == 2) return RankBy.OfAttribute(Number());
                string scalar = FilterGenerator.Scalars[tape.Below(FilterGenerator.Scalars.Length)];
                return new RankBy { Kind = RankKind.Filter, Filter = filters.Scalar(scalar) };
            case 4:
                RankBy weight = new() { Kind = RankKind.Constant, Constant = tape.Range(0, 8) / 2.0 };
                return new RankBy { Kind = RankKind.Product, Children = [weight, Score(depth - 1, textless)] };
            case 5: return Curve(depth, textless);
            case 6: return Distance(Number());
            default:
                RankBy[] children = new RankBy[tape.Range(1, 3)];
                for (int i = 0; i < children.Length; i++) children[i] = Score(depth - 1, textless);
                return new RankBy { Kind = kind == 7 ? RankKind.Sum : RankKind.Max, Children = children };
        }
    }

    private RankBy Distance(string attribute) => RankBy.Dist(attribute, vocabulary.Scalar(attribute));

    /// <summary>Midpoints are of the size of what they are the middle of.</summary>
    private RankBy Curve(int depth, bool textless)
    {
        string attribute = Number();
        bool distance = tape.Boolean();
        bool time = distance && attribute == "made";
        return new RankBy
        {
            Kind = tape.Boolean() ? RankKind.Saturate : RankKind.Decay,
            Children = [distance ? Distance(attribute) : Score(depth - 1, textless)],
            Midpoint = tape.Range(1, 12) / 2.0 * (time ? DayInMilliseconds : 1),
            Exponent = tape.Boolean() ? 1 : Exponents[tape.Below(Exponents.Length)],
            MidpointIsDuration = time && tape.Boolean(),
        };
    }
}
