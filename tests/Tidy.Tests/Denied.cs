using System;

namespace Deterministic.Tidy.Tests;

/// <summary>Members that no deterministic assembly may refer to, with the rule that they break.</summary>
internal static class Denied
{
    private static readonly string[] ExactMath =
    [
        "Sqrt", "Abs", "Min", "Max", "Floor", "Ceiling", "Truncate", "DivRem", "BigMul", "Sign", "Clamp", "CopySign",
        "IsNaN", "IsFinite", "IsInfinity", "IsNegative", "IsPositiveInfinity", "IsNegativeInfinity", "IsSubnormal",
        "CompareTo", "Equals", "ToString", "TryFormat", "Parse", "TryParse", "BitDecrement", "BitIncrement",
    ];

    /// <summary>The broken rule, or null. <paramref name="member"/> is empty for a use of the type itself.</summary>
    public static string? Why(string type, string member, string instantiation)
    {
        if (Is(type, "System.Collections.Generic.Dictionary`2", "System.Collections.Generic.HashSet`1"))
            return "order by hash";
        bool hashes = member == "GetHashCode" && Is(
            type, "System.Object", "System.ValueType", "System.String",
            "System.Collections.Generic.EqualityComparer`1");
        if (hashes || type == "System.HashCode") return "random hash";
        if (type.StartsWith("System.Threading.", StringComparison.Ordinal)) return "thread";
        if (type.StartsWith("System.Runtime.CompilerServices.Async", StringComparison.Ordinal)) return "async";
        if (type.StartsWith("System.Linq.", StringComparison.Ordinal)) return "query operators";
        if (Is(type, "System.Random", "System.Diagnostics.Stopwatch", "System.TimeProvider")) return "outside world";
        if (member is "NewGuid" or "get_Now" or "get_UtcNow" or "CreateVersion7") return "outside world";
        if (type == "System.Environment" && member != "get_NewLine") return "outside world";
        if (Is(type, "System.Math", "System.MathF", "System.Single", "System.Double", "System.Half")
            && member.Length > 0 && Array.IndexOf(ExactMath, member) < 0
            && !member.StartsWith("op_", StringComparison.Ordinal))
            return "inexact mathematics";
        return WhyVector(type, member, instantiation);
    }

    private static string? WhyVector(string type, string member, string instantiation)
    {
        if (member == "FusedMultiplyAdd" || member.EndsWith("Estimate", StringComparison.Ordinal))
            return "inexact mathematics";
        if (Is(type, "System.Runtime.Intrinsics.X86.Fma")) return "inexact mathematics";
        if (Is(type, "System.Numerics.Vector", "System.Numerics.Vector`1")) return "width of the machine";
        bool reduces = member is "Sum" or "Dot" or "SumOfSquares" or "SumOfMagnitudes" or "Product" or "Norm"
            or "Distance" or "CosineSimilarity" or "ProductOfSums" or "ProductOfDifferences" or "Average" or "StdDev";
        if (reduces && type == "System.Numerics.Tensors.TensorPrimitives") return "width of the machine";
        if (reduces && instantiation is ("Single" or "Double")
            && type.StartsWith("System.Runtime.Intrinsics.", StringComparison.Ordinal))
            return "width of the machine";
        return null;
    }

    private static bool Is(string type, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (type == name || type.StartsWith(name + "+", StringComparison.Ordinal)) return true;
        }
        return false;
    }
}
