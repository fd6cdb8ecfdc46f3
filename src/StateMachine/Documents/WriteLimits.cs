namespace Deterministic.StateMachine.Documents;

/// <summary>Bounds of the work of one write, so that an operation never holds up the log for long.</summary>
public static class WriteLimits
{
    /// <summary>Bytes of new rows and vectors that one request may lead to, those of patched documents
    /// included.</summary>
    public const int StageSize = 64 << 20;

    /// <summary>Bytes of rows and vectors that one change by filter may touch.</summary>
    public const int ByFilterSize = 16 << 20;

    /// <summary>Documents that may exist when an attribute's index is built or removed.</summary>
    public const int IndexRowsMax = 100_000;

    /// <summary>Entries of deleted namespaces that one operation removes on the side from a tree of small
    /// values.</summary>
    public const int GarbageEntriesPerOperation = 256;

    /// <summary>The same for a tree of chunks.</summary>
    public const int GarbageChunksPerOperation = 32;
}
