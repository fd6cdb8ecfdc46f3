using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;

namespace Deterministic.Simulator;

/// <summary>What operators do: other machines, other software.</summary>
internal sealed partial class Simulation
{
    private const int RestartTicksMax = 50;
    private readonly LostDisks _lostDisks;
    private readonly TapeStream _replacements;
    private readonly RollingUpgrade _upgrade;
    private readonly TapeStream _releases;

    /// <summary>Now and then a machine is lost for good, and another one takes its place.</summary>
    private void LoseDiskSometimes()
    {
        if (!_lostDisks.Tick()) return;
        SimulatedReplica replica = _replicas[_lostDisks.Loser];
        // A used disk or one full of zeroes.
        ulong pattern = _replacements.Boolean() ? _replacements.U64() | 1 : 0;
        if (!TryPromote(replica, pattern)) replica.LoseDisk(pattern);
        replica.TicksDown = 1 + _replacements.Below(_lostDisks.DownTicksMax);
    }

    /// <summary>Where there are standbys, one may take the place of the lost machine.</summary>
    private bool TryPromote(SimulatedReplica lost, ulong pattern)
    {
        int standbys = _parameters.Standbys;
        if (standbys == 0 || _standbys.Boolean()) return false;
        SimulatedReplica standby = _replicas[_parameters.Cluster.Replicas + _standbys.Below(standbys)];
        bool promoted = lost.TryTakePlaceWith(standby, pattern);
        standby.TicksDown = 1 + _standbys.Below(_lostDisks.DownTicksMax);
        return promoted;
    }

    private void UpgradeSometimes()
    {
        if (!_upgrade.Tick(out byte index)) return;
        if (_upgrade.Of(index) != RollingUpgrade.Newer) Coverage.Hit("cluster", "older software again");
        StartWithSoftware(_replicas[index]);
    }

    private void StartWithSoftware(SimulatedReplica replica)
    {
        replica.ReleaseMax = _upgrade.Of(replica.Index);
        if (!replica.Running) return;
        replica.Crash();
        replica.TicksDown = 1 + _releases.Below(RestartTicksMax);
    }

    /// <summary>A replica with the older software has met the newer release and gets the newer software.</summary>
    private void UpgradeRefused(SimulatedReplica replica)
    {
        bool older = _upgrade.HasBegun && replica.ReleaseMax < RollingUpgrade.Newer;
        Check.That(older, $"the replica stopped: {replica.StopText}");
        _log.CheckKnown(RollingUpgrade.Newer);
        Coverage.Hit("cluster", "older software refused");
        _upgrade.Finish(replica.Index);
        StartWithSoftware(replica);
    }

    /// <summary>What has begun comes to its end.</summary>
    private void FinishUpgrade()
    {
        if (!UpgradeIsUnderWay) return;
        Check.That(_core == (1u << _replicas.Length) - 1, "a newer release needs all replicas");
        foreach (SimulatedReplica replica in _replicas)
        {
            if (_upgrade.Of(replica.Index) == RollingUpgrade.Newer) continue;
            _upgrade.Finish(replica.Index);
            StartWithSoftware(replica);
        }
    }

    /// <summary>Replicas get newer software, and the log has not come to its release.</summary>
    private bool UpgradeIsUnderWay => _upgrade.HasBegun && _log.Release != RollingUpgrade.Newer;
}
