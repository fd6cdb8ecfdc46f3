using Deterministic.Core;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

internal sealed partial class Simulation
{
    private int _stepsToCrash = -1;
    private int _ticksToPause = -1;

    private void PlanCrash() =>
        _stepsToCrash = _parameters.CrashInterval == 0 ? -1 : 1 + _crashes.Below(_parameters.CrashInterval);

    private void PlanPause() =>
        _ticksToPause = _parameters.Cluster.IsCluster && _parameters.Cluster.PauseInterval > 0
            ? 1 + _crashes.Below(_parameters.Cluster.PauseInterval) : -1;

    private void AfterStep()
    {
        foreach (SimulatedReplica replica in _replicas)
        {
            if (!replica.Stopped) continue;
            if (replica.StoppedForRelease)
            {
                UpgradeRefused(replica);
                continue;
            }
            // Where the disk gave an error, starting again may help; a file that stays unreadable is refused then.
            if (!replica.StoppedForDisk)
            {
                bool beyondRepair = _parameters.Merciless && !replica.IsStandby;
                Check.That(beyondRepair, $"the replica stopped: {replica.StopText}");
                Refused = replica.StopReason;
                return;
            }
            Crash(replica);
        }
        if (_stepsToCrash <= 0 || --_stepsToCrash > 0) return;
        CrashSome();
        PlanCrash();
    }

    /// <summary>One replica that runs, or now and then all of them.</summary>
    private void CrashSome()
    {
        int running = 0;
        foreach (SimulatedReplica replica in _replicas) running += replica.Running ? 1 : 0;
        if (running == 0) return;
        bool all = _replicas.Length > 1 && _crashes.Chance(_parameters.Cluster.PowerLoss);
        if (all) Coverage.Hit("cluster", "power lost everywhere");
        int chosen = all ? -1 : _crashes.Below(running);
        foreach (SimulatedReplica replica in _replicas)
        {
            if (!replica.Running || (chosen >= 0 && chosen-- != 0)) continue;
            Crash(replica);
            if (!all) return;
        }
    }

    private void Crash(SimulatedReplica replica)
    {
        bool wasNormal = replica.Normal;
        if (_replicas.Length > 1 && replica.IsPrimary) Coverage.Hit("cluster", "primary crashed");
        long preparesSize = _layout.RepliesOffset - _layout.JournalPreparesOffset;
        bool preparesWhole = wasNormal && !replica.Disk.IsWriting(_layout.JournalPreparesOffset, preparesSize);
        replica.Crash();
        replica.TicksDown = 1 + _crashes.Below(_parameters.DownTicksMax);
        if (_stepsToCrash < 0 || !_crashes.Chance(_parameters.Damage)) return;
        if (replica.IsStandby && _standbys.Chance(_parameters.DiskLoss))
        {
            replica.LoseDisk(_standbys.U64() | 1);
            return;
        }
        if (_parameters.Cluster.IsCluster || replica.IsStandby)
        {
            replica.Damage.OfCluster(Coverage);
            if (replica.Damage.Told.Length > 0)
                _chronicle?.Note(HappeningKind.Damage, replica.Index, $"has damage:{replica.Damage.Told}");
            return;
        }
        if (_parameters.Merciless) replica.Damage.Merciless();
        else if (wasNormal) replica.Damage.Mendable(preparesWhole);
        if (_parameters.Merciless && _crashes.Boolean()) _archives.Damage(_crashes);
        DamageRepairable();
    }

    /// <summary>Checks the newest checkpoint in the object store, and damages blocks on the disk that it has. What the
    /// state no longer has is not repaired before the next checkpoint, and a standby that takes this one would wait for
    /// it.</summary>
    private void DamageRepairable()
    {
        if (_parameters.Standbys > 0) return;
        if (_archives.IsEmpty || _parameters.Cluster.IsCluster || _parameters.Damage.IsNever) return;
        if (_archives.Restore(newestOnly: true) > 0 && !_parameters.Merciless)
            _replicas[0].Damage.Repairable(_archives.BlocksRestored);
    }

    /// <summary>Now and then a replica stands still: no message, no completion, no tick, while time goes on.</summary>
    private void PauseSometimes()
    {
        if (_ticksToPause <= 0 || --_ticksToPause > 0) return;
        SimulatedReplica replica = _replicas[_crashes.Below(_replicas.Length)];
        if (replica.Running && replica.TicksPaused == 0)
        {
            replica.TicksPaused = 1 + _crashes.Below(_parameters.Cluster.PauseTicksMax);
            Coverage.Hit("cluster", "replica paused");
            _chronicle?.Note(HappeningKind.Pause, replica.Index, $"stands still for {replica.TicksPaused} ticks");
        }
        PlanPause();
    }
}
