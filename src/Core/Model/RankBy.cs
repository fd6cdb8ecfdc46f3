using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>What ranks the rows of a query; 0 is "not said". Append only.</summary>
public enum RankKind : byte
{
    None = 0,
    Ann = 1,
    Knn = 2,
    Attributes = 3,
    Bm25 = 10,
    Sum = 11,
    Max = 12,
    Product = 13,
    Filter = 14,
    Attribute = 15,
    Saturate = 16,
    Decay = 17,
    Dist = 18,
    SparseKnn = 19,
    Constant = 20,
}

/// <summary>A ranking expression. Node on the wire: kind u8; Ann/Knn: name, value (vector); SparseKnn: name, value
/// (sparse vector); Attributes: count u8 and (name, descending u8); Bm25: name, flags u8 (1: last token is a prefix),
/// value (string or array of strings); Sum/Max: count u16 and children; Product: two children; Filter: a filter;
/// Attribute: name; Saturate/Decay: flags u8 (1: the midpoint is a duration in milliseconds), midpoint f64, exponent
/// f64, one child; Dist: name, value (the origin); Constant: f64.</summary>
[FloatAllowed("constants; nothing is calculated")]
public sealed class RankBy
{
    public required RankKind Kind { get; init; }
    public string Attribute { get; init; } = "";
    public Value Operand { get; init; } = Value.Null;
    public bool LastAsPrefix { get; init; }
    public RankBy[] Children { get; init; } = [];
    public (string Attribute, bool Descending)[] Order { get; init; } = [];
    public Filter? Filter { get; init; }
    public double Constant { get; init; }

    /// <summary>Where Saturate and Decay are one half.</summary>
    public double Midpoint { get; init; }

    /// <summary>How steep Saturate and Decay are there.</summary>
    public double Exponent { get; init; } = 1;

    /// <summary>Whether the midpoint was said as a duration, which only distances in time have.</summary>
    public bool MidpointIsDuration { get; init; }

    public static RankBy Ann(string attribute, float[] vector) =>
        new() { Kind = RankKind.Ann, Attribute = attribute, Operand = Value.Of(vector) };

    public static RankBy SparseKnn(string attribute, params SparseDimension[] dimensions) =>
        new() { Kind = RankKind.SparseKnn, Attribute = attribute, Operand = Value.OfSparse(dimensions) };

    public static RankBy Bm25(string attribute, string text) =>
        new() { Kind = RankKind.Bm25, Attribute = attribute, Operand = Value.Of(text) };

    public static RankBy OfAttribute(string attribute) => new() { Kind = RankKind.Attribute, Attribute = attribute };

    public static RankBy Dist(string attribute, Value origin) =>
        new() { Kind = RankKind.Dist, Attribute = attribute, Operand = origin };

    public static RankBy Saturate(RankBy child, double midpoint, double exponent = 1) =>
        new() { Kind = RankKind.Saturate, Children = [child], Midpoint = midpoint, Exponent = exponent };

    public static RankBy Decay(RankBy child, double midpoint, double exponent = 1) =>
        new() { Kind = RankKind.Decay, Children = [child], Midpoint = midpoint, Exponent = exponent };

    public static RankBy OrderBy(params (string Attribute, bool Descending)[] order) =>
        new() { Kind = RankKind.Attributes, Order = order };

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Kind);
        switch (Kind)
        {
            case RankKind.None:
                break;
            case RankKind.Ann or RankKind.Knn or RankKind.Dist or RankKind.SparseKnn:
                writer.Name(Encoding.UTF8.GetBytes(Attribute));
                Operand.Write(ref writer);
                break;
            case RankKind.Attributes:
                writer.U8((byte)Order.Length);
                foreach ((string attribute, bool descending) in Order)
                {
                    writer.Name(Encoding.UTF8.GetBytes(attribute));
                    writer.U8(descending ? (byte)1 : (byte)0);
                }
                break;
            case RankKind.Bm25:
                writer.Name(Encoding.UTF8.GetBytes(Attribute));
                writer.U8(LastAsPrefix ? (byte)1 : (byte)0);
                Operand.Write(ref writer);
                break;
            case RankKind.Sum or RankKind.Max:
                writer.U16(Children.Length);
                foreach (RankBy child in Children) child.Write(ref writer);
                break;
            case RankKind.Product:
                Children[0].Write(ref writer);
                Children[1].Write(ref writer);
                break;
            case RankKind.Filter:
                Filter.WriteOptional(ref writer, Filter);
                break;
            case RankKind.Attribute:
                writer.Name(Encoding.UTF8.GetBytes(Attribute));
                break;
            case RankKind.Saturate or RankKind.Decay:
                writer.U8(MidpointIsDuration ? (byte)1 : (byte)0);
                writer.F64(Midpoint);
                writer.F64(Exponent);
                Children[0].Write(ref writer);
                break;
            case RankKind.Constant:
                writer.F64(Constant);
                break;
            default:
                Check.Unreachable();
                break;
        }
    }

    public static RankBy Read(ref WireReader reader, int depth = 0)
    {
        RankKind kind = (RankKind)reader.U8();
        if (depth >= Limits.RankDepthMax) reader.Fail();
        if (reader.Failed) return new RankBy { Kind = RankKind.None };
        switch (kind)
        {
            case RankKind.None:
                return new RankBy { Kind = kind };
            case RankKind.Ann or RankKind.Knn or RankKind.Dist or RankKind.SparseKnn:
                return new RankBy { Kind = kind, Attribute = ReadName(ref reader), Operand = Value.Read(ref reader) };
            case RankKind.Attributes:
                (string, bool)[] order = new (string, bool)[reader.U8()];
                for (int i = 0; i < order.Length; i++) order[i] = (ReadName(ref reader), reader.U8() != 0);
                return new RankBy { Kind = kind, Order = order };
            case RankKind.Bm25:
                string attribute = ReadName(ref reader);
                bool lastAsPrefix = reader.U8() != 0;
                return new RankBy
                {
                    Kind = kind, Attribute = attribute, LastAsPrefix = lastAsPrefix, Operand = Value.Read(ref reader),
                };
            case RankKind.Sum or RankKind.Max or RankKind.Product:
                int count = kind == RankKind.Product ? 2 : reader.U16();
                if (count > reader.Remaining) reader.Fail();
                if (reader.Failed) return new RankBy { Kind = RankKind.None };
                RankBy[] children = new RankBy[count];
                for (int i = 0; i < count; i++) children[i] = Read(ref reader, depth + 1);
                return new RankBy { Kind = kind, Children = children };
            case RankKind.Filter:
                return new RankBy { Kind = kind, Filter = Filter.ReadOptional(ref reader) };
            case RankKind.Attribute:
                return new RankBy { Kind = kind, Attribute = ReadName(ref reader) };
            case RankKind.Saturate or RankKind.Decay:
                return ReadCurve(ref reader, kind, depth);
            case RankKind.Constant:
                return new RankBy { Kind = kind, Constant = reader.F64() };
            default:
                reader.Fail();
                return new RankBy { Kind = RankKind.None };
        }
    }

    private static RankBy ReadCurve(ref WireReader reader, RankKind kind, int depth)
    {
        bool duration = reader.U8() != 0;
        double midpoint = reader.F64();
        double exponent = reader.F64();
        return new RankBy
        {
            Kind = kind, MidpointIsDuration = duration, Midpoint = midpoint, Exponent = exponent,
            Children = [Read(ref reader, depth + 1)],
        };
    }

    private static string ReadName(ref WireReader reader) => Encoding.UTF8.GetString(reader.Name());
}
