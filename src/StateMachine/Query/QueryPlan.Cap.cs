using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryPlan
{
    /// <summary>Reads how many rows may agree in which attributes; all of these are part of the answer.</summary>
    private bool TryCap(ref WireReader reader, SubqueryParts parts, ref ErrorText error)
    {
        _capCount = 0;
        _groupLimit = 0;
        if ((parts & SubqueryParts.LimitPer) == 0) return true;
        int count = reader.U8();
        if (reader.Failed) return error.Malformed("limit.per"u8);
        if (count == 0) return Invalid(ref error, "limit.per needs at least one attribute"u8);
        if (count > Limits.GroupByAttributesMax)
            return OverLimit(ref error, "limit.per"u8, count, Limits.GroupByAttributesMax);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            if (reader.Failed) return error.Malformed("limit.per"u8);
            if (!TryColumn("limit.per"u8, name, needsNumber: false, out int slot, ref error)) return false;
            if (AttributeTypes.IsArray(_view.Attribute(slot).Type))
                return Mismatch(ref error, "limit.per"u8, name, slot);
            if (slot > 0 && !_included[slot])
            {
                error.Begin(ErrorCode.InvalidArgument).Text("limit.per: attribute "u8).Name(name)
                    .Text(" must be included in the answer"u8);
                return false;
            }
            _capSlots[i] = slot;
        }
        _capCount = count;
        _groupLimit = reader.U32();
        return true;
    }
}
