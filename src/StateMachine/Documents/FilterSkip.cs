using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Documents;

/// <summary>Steps over a filter whose compilation has to wait until the rows behind it have named their
/// attributes.</summary>
public static class FilterSkip
{
    /// <summary>Whether there was a filter. Fails the reader on bytes that are none.</summary>
    public static bool Optional(ref WireReader reader)
    {
        bool any = Node(ref reader, 0, out FilterOperator op) && op != FilterOperator.None;
        return any && !reader.Failed;
    }

    private static bool Node(ref WireReader reader, int depth, out FilterOperator op)
    {
        op = (FilterOperator)reader.U8();
        if (depth >= Limits.FilterDepthMax + 1) reader.Fail();
        if (reader.Failed) return false;
        if (op == FilterOperator.None) return depth == 0;
        if (op is FilterOperator.And or FilterOperator.Or or FilterOperator.Not)
        {
            int count = op == FilterOperator.Not ? 1 : reader.U16();
            for (int i = 0; i < count && !reader.Failed; i++)
                if (!Node(ref reader, depth + 1, out _)) reader.Fail();
            return !reader.Failed;
        }
        reader.Name();
        bool newRow = (reader.U8() & Filter.NewRowFlag) != 0;
        if (newRow) reader.Name();
        else EncodedValue.Read(ref reader);
        if (op != FilterOperator.Fuzzy) return !reader.Failed;
        reader.U8();
        reader.Bytes(FuzzyOptions.DistanceSize * reader.U8());
        return !reader.Failed;
    }
}
