using Deterministic.Core;
using Deterministic.Storage;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>Where tests plant bugs, to see that the checkers catch them. This one plants none.</summary>
internal class Plant
{
    public static Plant None { get; } = new();

    /// <summary>Whether the disk says that this write is done without doing it.</summary>
    public virtual bool LosesWrite(ulong number, long offset) => false;

    /// <summary>Whether the object store says that this put is done without doing it.</summary>
    public virtual bool ForgetsPut(ulong number) => false;

    /// <summary>Whether the object store loses an object, acknowledged long ago, after somebody has read it.</summary>
    public virtual bool LosesObject(string key) => false;

    /// <summary>Bugs of the storage under test.</summary>
    public virtual StoragePlant Storage => StoragePlant.None;

    /// <summary>A bug of the protocol under test.</summary>
    public virtual ProtocolPlant Protocol => ProtocolPlant.None;

    /// <summary>What runs in the place of the machine under test; called at every start of the replica.</summary>
    public virtual IStateMachine Replace(IStateMachine machine) => machine;

    /// <summary>How many rows the oracle expects where a query allows <paramref name="limit"/>.</summary>
    public virtual uint OracleLimit(uint limit) => limit;
}
