using System.Collections.Generic;

namespace Deterministic.Simulator.Linearizability;

internal enum DocumentKind : byte
{
    Read,
    Upsert,
    Patch,
    Delete,
}

/// <summary>An operation on one attribute of one document of the database.</summary>
internal readonly struct DocumentOperation
{
    public required DocumentKind Kind { get; init; }

    /// <summary>What is written; of a read, what it found. Null means that there is no document.</summary>
    public long? Value { get; init; }

    /// <summary>The condition that the attribute has this value; null without a condition.</summary>
    public long? Expected { get; init; }

    /// <summary>Rows that the reply to a write counts.</summary>
    public int Affected { get; init; }
}

/// <summary>A document under the rules of writes: an upsert replaces or inserts, and its condition is asked only of a
/// document that exists; a patch changes one that exists; a delete without a condition counts one row whether there was
/// one or not, a delete with one counts what it removed.</summary>
internal readonly struct DocumentModel : ISequentialModel<DocumentOperation, long?>
{
    public long? Initial => null;

    public long? Apply(long? state, in DocumentOperation operation, out bool agrees)
    {
        if (operation.Kind == DocumentKind.Read)
        {
            agrees = state == operation.Value;
            return state;
        }
        bool allowed = operation.Expected is null || state == operation.Expected;
        bool affects = operation.Kind switch
        {
            DocumentKind.Upsert => state is null || allowed,
            DocumentKind.Patch => state is not null && allowed,
            _ => allowed,
        };
        agrees = operation.Affected == (affects ? 1 : 0);
        if (!affects) return state;
        return operation.Kind == DocumentKind.Delete ? null : operation.Value;
    }

    public bool MayChange(in DocumentOperation operation, bool returned) =>
        operation.Kind != DocumentKind.Read && (!returned || operation.Affected > 0);

    public bool Resets(in DocumentOperation operation, out long? state)
    {
        state = operation.Kind == DocumentKind.Delete ? null : operation.Value;
        return operation.Kind != DocumentKind.Read;
    }

    public bool MayLead(long? state, List<DocumentOperation> others, in DocumentOperation read) =>
        read.Kind != DocumentKind.Read || state == read.Value;

    public bool AreEqual(long? left, long? right) => left == right;

    public ulong Hash(long? state) => state is long value ? unchecked((ulong)value + 1) : 0;

    public string Describe(long? state) => state is long value ? $"{value}" : "no document";

    public string Describe(in DocumentOperation operation, bool returned)
    {
        if (operation.Kind == DocumentKind.Read) return $"read {(returned ? Describe(operation.Value) : "?")}";
        string what = operation.Kind switch
        {
            DocumentKind.Upsert => $"upsert {operation.Value}",
            DocumentKind.Patch => $"patch to {operation.Value}",
            _ => "delete",
        };
        string condition = operation.Expected is long expected ? $" if {expected}" : "";
        return $"{what}{condition}: {(returned ? $"{operation.Affected}" : "?")} rows";
    }
}
