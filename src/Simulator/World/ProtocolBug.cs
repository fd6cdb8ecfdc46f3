using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>One bug of the protocol in all replicas.</summary>
internal sealed class ProtocolBug(ProtocolPlant bug) : Plant
{
    public override ProtocolPlant Protocol => bug;
}
