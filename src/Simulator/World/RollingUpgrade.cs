using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.World;

/// <summary>What an operator does who brings newer software to a cluster: from a drawn time on, one replica after the
/// other is stopped and started with it. Now and then one gets the older software again.</summary>
internal sealed class RollingUpgrade
{
    public const uint Newer = Header.ReleaseCurrent + 1;
    private static readonly Ratio _goesBack = Ratio.Percent(20);
    private readonly TapeStream _tape;
    private readonly uint[] _software;
    private readonly int _interval;
    private int _ticks;

    /// <param name="replicas">Of the cluster.</param>
    /// <param name="members">And standbys.</param>
    /// <param name="options">Of the worlds.</param>
    /// <param name="tape">Of upgrades.</param>
    public RollingUpgrade(int replicas, int members, SimulationOptions options, TapeStream tape)
    {
        _tape = tape;
        _software = new uint[members];
        Array.Fill(_software, Header.ReleaseCurrent);
        if (replicas == 1 || options.Lite || tape.Below(3) != 2) return;
        _interval = 1 + tape.Below(300);
        _ticks = 1 + tape.Below(700);
    }

    /// <summary>The first replica has been stopped for it.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>The newest release that each replica's software knows when it starts next.</summary>
    public uint Of(byte replica) => _software[replica];

    /// <summary>Time passes.</summary>
    /// <param name="replica">Who gets other software now, and has to be started with it.</param>
    public bool Tick(out byte replica)
    {
        replica = 0;
        if (_ticks == 0 || --_ticks > 0) return false;
        int newer = 0;
        foreach (uint software in _software) newer += software == Newer ? 1 : 0;
        bool all = newer == _software.Length;
        // Going back may be too late, and that is noticed only then.
        if (all && _tape.Boolean()) return false;
        _ticks = 1 + _tape.Below(_interval);
        HasBegun = true;
        bool back = all || (newer > 0 && _tape.Chance(_goesBack));
        replica = Nth(back ? Newer : Header.ReleaseCurrent, _tape.Below(back ? newer : _software.Length - newer));
        _software[replica] = back ? Header.ReleaseCurrent : Newer;
        return true;
    }

    private byte Nth(uint software, int index)
    {
        byte replica = 0;
        while (_software[replica] != software || index-- > 0) replica++;
        return replica;
    }

    /// <summary>The cluster has gone on to the newer release, which the older software of this one does not
    /// know.</summary>
    public void Finish(byte replica)
    {
        Check.That(HasBegun);
        _software[replica] = Newer;
    }

    public override string ToString() =>
        _ticks == 0 ? "" : $"; newer software from tick {_ticks} on, each within {_interval}";
}
