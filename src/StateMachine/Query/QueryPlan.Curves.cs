using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryPlan
{
    /// <summary>Reads Saturate or Decay: the curve, then the ranking that it bends.</summary>
    private bool TryCurve(ref WireReader reader, int index, int depth, ref ErrorText error)
    {
        bool duration = reader.U8() != 0;
        ref RankNode node = ref _ranks[index];
        node.Constant = reader.F64();
        node.Exponent = reader.F64();
        if (reader.Failed) return error.Malformed("rank_by"u8);
        if (!IsPositive(node.Constant)) return Invalid(ref error, "rank_by: midpoint must be finite and above 0"u8);
        if (!IsPositive(node.Exponent)) return Invalid(ref error, "rank_by: exponent must be finite and above 0"u8);
        if (!TryRank(ref reader, depth + 1, ref error)) return false;
        ref RankNode child = ref _ranks[index + 1];
        bool time = child.Kind == RankKind.Dist && _view.Attribute(child.Slot).Type == AttributeType.Datetime;
        return time || !duration || Invalid(ref error,
            "rank_by: only Dist of a datetime attribute can have a duration as midpoint"u8);
    }

    private static bool IsPositive(double value) => value > 0 && double.IsFinite(value);

    /// <summary>Reads Dist; the origin is any value that a write of the attribute would take.</summary>
    private bool TryDistance(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        EncodedValue origin = EncodedValue.Read(ref reader);
        if (reader.Failed) return error.Malformed("rank_by Dist"u8);
        if (!TryColumn("rank_by"u8, name, needsNumber: true, out node.Slot, ref error)) return false;
        KeepsZeroScores = true;
        AttributeType type = _view.Attribute(node.Slot).Type;
        if (type == AttributeType.None) return true;
        Span<byte> encoded = stackalloc byte[1 + sizeof(ulong)];
        WireWriter writer = new(encoded);
        if (ValueConversion.TryConvert(origin, type, ref writer))
        {
            node.Origin = (ulong)ScalarKey.OfStored(type, encoded[1..]);
            return true;
        }
        ref ErrorText text = ref error.Begin(ErrorCode.TypeMismatch).Text("rank_by: the origin of Dist of "u8)
            .Name(name).Text(" must be of type "u8);
        AttributeTypes.Describe(ref text, type, dimensions: 0);
        return false;
    }
}
