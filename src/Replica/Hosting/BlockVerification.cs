using System;
using System.Linq;
using Deterministic.Core.Wire;
using Deterministic.Replica.Io;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.Replica.Hosting;

/// <summary>Reads every block that a state refers to, straight from the data file, and counts the damaged ones by
/// kind.</summary>
internal sealed class BlockVerification(DataFileSource source, Grid grid) : IBlockVisitor
{
    private readonly byte[] _block = new byte[grid.BlockSize];
    private readonly long[] _sound = new long[Kinds.Max(kind => (int)kind) + 1];
    private readonly long[] _damaged = new long[Kinds.Max(kind => (int)kind) + 1];

    /// <summary>The first damaged block that was met; 0 if none was.</summary>
    public ulong FirstDamaged { get; private set; }

    public bool IsSound => FirstDamaged == 0;

    private static BlockKind[] Kinds => Enum.GetValues<BlockKind>();

    public void Visit(in BlockReference block, BlockKind kind)
    {
        bool sound = source.TryRead(grid.OffsetOf(block.Address), _block) && grid.IsSound(_block, in block);
        (sound ? _sound : _damaged)[(int)kind]++;
        if (!sound && FirstDamaged == 0) FirstDamaged = block.Address;
    }

    public string Text => string.Join(", ", Kinds
        .Where(kind => _sound[(int)kind] + _damaged[(int)kind] > 0)
        .Select(kind => $"{NameOf(kind)} {_sound[(int)kind]:N0}" +
            (_damaged[(int)kind] == 0 ? "" : $" and {_damaged[(int)kind]:N0} DAMAGED")));

    private static string NameOf(BlockKind kind) => kind switch
    {
        BlockKind.Entries => "entries",
        BlockKind.LargeValue => "large values",
        BlockKind.TableIndex => "indexes",
        BlockKind.Trailer => "trailers",
        BlockKind.Root => "root",
        BlockKind.Filter => "filters",
        _ => "others",
    };
}
