namespace Deterministic.Storage.Tables;

/// <summary>What a key means in one table.</summary>
internal enum EntryKind : byte
{
    Value = 0,

    /// <summary>The key is gone; older values below do not count.</summary>
    Tombstone = 1,
}
