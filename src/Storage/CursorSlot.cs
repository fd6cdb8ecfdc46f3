using Deterministic.Storage.Levels;

namespace Deterministic.Storage;

/// <summary>Room for one place in a tree that its owner keeps while other searches go on. Placing it again makes the
/// cursor before stale.</summary>
public sealed class CursorSlot
{
    internal CursorSlot(MergeCursor cursor) => Cursor = cursor;

    internal MergeCursor Cursor { get; }
}
