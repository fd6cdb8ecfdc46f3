using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Sparse vectors by definition: which are taken, and their products.</summary>
[FloatAllowed("dot products in the order that the production states for them")]
internal static class NaiveSparse
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <param name="what">The vector, as the subject of the refusal.</param>
    /// <param name="dimensions">As the request has them.</param>
    public static Refusal? Check(string what, SparseDimension[] dimensions)
    {
        if (dimensions.Length > 1024)
            return new(ErrorCode.LimitExceeded, $"{what} has {dimensions.Length} dimensions, limit is 1024");
        for (int i = 0; i < dimensions.Length; i++)
        {
            int size = dimensions[i].Name.Length;
            if (size is 0 or > 254)
            {
                return new(ErrorCode.LimitExceeded,
                    $"{what} has a dimension whose name has {size} bytes, limit is 1 to 254");
            }
            if (!IsText(dimensions[i].Name))
                return Refusal.Invalid($"{what} has a dimension whose name is not UTF-8");
            string name = Encoding.UTF8.GetString(dimensions[i].Name);
            bool ascends = i == 0 || dimensions[i - 1].Name.SequenceCompareTo(dimensions[i].Name) < 0;
            if (!ascends) return Refusal.Invalid($"{what} has dimension `{name}` twice or out of order");
            if (Half.IsFinite(dimensions[i].Weight)) continue;
            return new(ErrorCode.NotFinite,
                $"{what} has no finite f16 number in dimension `{name}` (limit of its magnitude is 65504)");
        }
        return null;
    }

    /// <summary>Every pair of dimensions with one name, in the order of the first vector.</summary>
    public static double Dot(SparseDimension[] query, SparseDimension[] row)
    {
        double sum = 0;
        foreach (SparseDimension wanted in query)
        {
            foreach (SparseDimension held in row)
            {
                if (wanted.Name.SequenceEqual(held.Name)) sum += (double)wanted.Weight * (double)held.Weight;
            }
        }
        return sum;
    }

    private static bool IsText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _ = Strict.GetCharCount(bytes);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
