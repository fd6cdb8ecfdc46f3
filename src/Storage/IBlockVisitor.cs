using Deterministic.Core.Wire;

namespace Deterministic.Storage;

/// <summary>Is shown the blocks of a state one by one.</summary>
public interface IBlockVisitor
{
    void Visit(in BlockReference block, BlockKind kind);
}
