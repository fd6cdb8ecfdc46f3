using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryPlan
{
    /// <summary>Dimensions of all sparse vectors of the sub-query, and those of them that some document has.</summary>
    private int _dimensionCount;
    private int _sparseTermCount;

    /// <summary>Reads SparseKnn; the dimensions become terms, in the order of their names' bytes.</summary>
    private bool TrySparse(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        EncodedValue value = EncodedValue.Read(ref reader);
        if (reader.Failed) return error.Malformed("rank_by SparseKNN"u8);
        if (!_view.TryFind(name, out node.Slot))
        {
            error.Begin(ErrorCode.AttributeNotFound).Text("rank_by: attribute "u8).Name(name)
                .Text(" not found in schema"u8);
            return false;
        }
        ref AttributeRecord attribute = ref _view.Attribute(node.Slot);
        if (attribute.Type != AttributeType.SparseF16) return Mismatch(ref error, "rank_by"u8, name, node.Slot);
        if (value.Kind != ValueKind.Sparse)
        {
            error.Begin(ErrorCode.TypeMismatch).Text("rank_by SparseKNN of "u8).Name(name)
                .Text(" expects a sparse vector, got "u8);
            AttributeTypes.Describe(ref error, value.Kind);
            return false;
        }
        SparseFault fault = SparseVector.Judge(value.Payload);
        if (!fault.IsNone)
        {
            error.Begin(fault.Code).Text("rank_by SparseKNN of "u8).Name(name);
            fault.Describe(ref error);
            return false;
        }
        return AddDimensions(ref node, attribute, new SparseVector(value.Payload), ref error);
    }

    /// <summary>A dimension that no document has adds nothing to any score and takes no room.</summary>
    private bool AddDimensions(
        ref RankNode node, in AttributeRecord attribute, SparseVector vector, ref ErrorText error)
    {
        _dimensionCount += vector.Count;
        if (_dimensionCount > Limits.QuerySparseDimensionsMax)
            return OverLimit(ref error, "dimensions of a query"u8, _dimensionCount, Limits.QuerySparseDimensionsMax);
        node.TermStart = _termCount;
        while (vector.MoveNext())
        {
            Keys key = new(_termKeys.Span[_termKeysSize..]);
            key.Namespace(_view.Number).Attribute(attribute.Number).Term(vector.Name);
            if (!TryTerm(key.Key, out _)) continue;
            KeepTerm(new QueryTerm
            {
                KeyOffset = _termKeysSize, KeySize = key.Size,
                Weight = (double)BitConverter.UInt16BitsToHalf(vector.Weight),
            });
            _sparseTermCount++;
        }
        node.TermCount = _termCount - node.TermStart;
        return true;
    }
}
