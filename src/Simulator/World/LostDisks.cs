using Deterministic.Core;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.World;

/// <summary>When a machine is lost with its disk. It is always the same one of a run: whoever loses a disk while
/// another is not yet filled has lost more than is promised to survive, while the same replica may lose one new disk
/// after the other.</summary>
internal sealed class LostDisks
{
    private const int Nobody = -1;
    private readonly TapeStream _tape;
    private readonly int _interval;
    private int _ticks;

    public LostDisks(int replicas, SimulationOptions options, TapeStream tape)
    {
        _tape = tape;
        Loser = Nobody;
        // Two replicas are too few to make up for one that has forgotten everything.
        if (replicas < 3 || options.Lite || tape.Below(3) != 2) return;
        Loser = tape.Below(replicas);
        _interval = 200 + tape.Below(3000);
        DownTicksMax = 1 + (tape.Below(50) << tape.Below(4));
        _ticks = 1 + tape.Below(_interval);
    }

    /// <summary>Index of the replica that loses disks; negative if none does.</summary>
    public int Loser { get; }

    /// <summary>It takes so long at most until there is another machine.</summary>
    public int DownTicksMax { get; }

    /// <summary>Time passes; true if the disk is lost now.</summary>
    public bool Tick()
    {
        if (Loser == Nobody || --_ticks > 0) return false;
        Check.That(_interval > 0);
        _ticks = 1 + _tape.Below(_interval);
        return true;
    }

    public override string ToString() => Loser == Nobody ? "" : $"; {Loser} loses its disk within {_interval} ticks";
}
