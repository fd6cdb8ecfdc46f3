using Deterministic.Core;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Packs;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage;

/// <summary>What a checkpoint consists of.</summary>
public sealed partial class Forest
{
    /// <summary>All blocks of the checkpoint that was written or opened last: tables, trailers, root. To be asked
    /// before the next operation changes the tables.</summary>
    public void CopyLiveBlocks(LiveBlocks into)
    {
        Check.That(_step == CheckpointStep.None && into.Blocks == Grid.Free.Blocks);
        into.Clear();
        if (_root.IsNone) return;
        into.Add(in _root);
        foreach (Trailer trailer in _trailers)
            for (int page = 0; page < trailer.Pages; page++) into.Add(trailer[page]);
        for (int table = 0; table < _store.SlotsUsed; table++)
        {
            if (_store[table].State == TableState.Free) continue;
            into.Add(_store[table].Index);
            TableIndex index = _store.Index(table);
            for (int item = 0; item < index.Blocks; item++) into.Add(index.Reference(item));
        }
    }
}
