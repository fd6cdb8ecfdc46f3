using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Packs;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage;

/// <summary>What a checkpoint consists of.</summary>
public sealed partial class Forest
{
    /// <summary>Whether the state that was opened can be asked for its blocks.</summary>
    public bool IsOpen => _openStep == OpenStep.Done;

    /// <summary>Whether the state as it is now refers to a block.</summary>
    public bool Has(in BlockReference block) =>
        TryFindBlock(block.Address, out BlockReference found) && found.Is(in block);

    /// <summary>The block that the state as it is now has at an address; false if it has none there, as also where a
    /// block is only on its way into a table.</summary>
    public bool TryFindBlock(ulong address, out BlockReference block)
    {
        Check.That(IsOpen && address > 0);
        block = _root;
        if (block.Address == address) return true;
        foreach (Trailer trailer in _trailers)
        {
            for (int page = 0; page < trailer.Pages; page++)
            {
                block = trailer[page];
                if (block.Address == address) return true;
            }
        }
        for (int table = 0; table < _store.SlotsUsed; table++)
        {
            if (_store[table].State == TableState.Free) continue;
            block = _store[table].Index;
            if (block.Address == address) return true;
            TableIndex index = _store.Index(table);
            for (int item = 0; item < index.Blocks; item++)
            {
                block = index.Reference(item);
                if (block.Address == address) return true;
            }
        }
        block = default;
        return false;
    }

    /// <summary>All blocks of the checkpoint that was written or opened last: tables, trailers, root. To be asked
    /// before the next operation changes the tables.</summary>
    public void CopyLiveBlocks(LiveBlocks into)
    {
        Check.That(_step == CheckpointStep.None && into.Blocks == Grid.Free.Blocks);
        into.Clear();
        VisitBlocks(into);
    }

    /// <summary>Shows all blocks that the state refers to, with their kinds; some are shown twice.</summary>
    public void VisitBlocks(IBlockVisitor visitor)
    {
        if (_root.IsNone) return;
        visitor.Visit(in _root, BlockKind.Root);
        foreach (Trailer trailer in _trailers)
            for (int page = 0; page < trailer.Pages; page++) visitor.Visit(trailer[page], BlockKind.Trailer);
        for (int table = 0; table < _store.SlotsUsed; table++)
        {
            if (_store[table].State == TableState.Free) continue;
            visitor.Visit(_store[table].Index, BlockKind.TableIndex);
            TableIndex index = _store.Index(table);
            for (int item = 0; item < index.Blocks; item++) visitor.Visit(index.Reference(item), KindOf(index, item));
        }
    }

    private static BlockKind KindOf(TableIndex index, int item) => index.Kind(item) switch
    {
        IndexKind.Entries => BlockKind.Entries,
        IndexKind.Filter => BlockKind.Filter,
        _ => BlockKind.LargeValue,
    };
}
