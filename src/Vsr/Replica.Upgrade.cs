using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>From one release of the state machine to the next, without a stop. Each entry of the log names the release
/// that it is run with, so every replica, now or when it runs the log again, does the same, whatever its software could
/// do as well. A new cluster begins with the oldest one that its software knows. The release rises with an entry of its
/// own, once every replica has said that it knows the newer one: one that did not could not go on.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Who was not heard for so long may have come back with other software.</summary>
    private const int ReleaseTicks = 100;

    /// <summary>The newest release that a replica knows, and when it said so.</summary>
    private struct KnownRelease
    {
        public uint Newest;
        public ulong At;
    }

    private readonly KnownRelease[] _releases = new KnownRelease[Limits.ReplicasMax];

    /// <summary>The release that the state machine runs with; 0 before the checkpoint is known.</summary>
    public uint Release { get; private set; }

    private bool KnowsRelease(uint release) => release >= _options.ReleaseMin && release <= _options.ReleaseMax;

    /// <summary>Of the last entry of the log; new ones have it too.</summary>
    private uint HeadRelease
    {
        get
        {
            if (Op <= CheckpointOp) return _superblock.Working.Checkpoint.Release;
            bool known = _journal.TryKnown(Op, out Header head);
            Check.That(known);
            return head.Release;
        }
    }

    private void HearReleases(in Header ping)
    {
        // A standby that does not know a release waits for newer software, not the cluster for the standby.
        if (ping.Replica >= _replicaCount) return;
        _releases[ping.Replica] = new KnownRelease { Newest = ping.Ping.ReleaseMax, At = Ticks };
    }

    /// <summary>The newest release that all replicas know; 0 if one of them is not there to say.</summary>
    private uint ReleaseOfAll()
    {
        Check.That(_quorums.Upgrade == _replicaCount);
        uint newest = _options.ReleaseMax;
        if (Has(ProtocolPlant.UpgradesAlone)) return newest;
        for (byte replica = 0; replica < _replicaCount; replica++)
        {
            if (replica == _self) continue;
            ref readonly KnownRelease known = ref _releases[replica];
            newest = uint.Min(newest, known.At + ReleaseTicks > Ticks ? known.Newest : 0);
        }
        return newest;
    }

    private void TickUpgrade()
    {
        if (!IsPrimary || !KnowsSessions || Abdicates || IsFull) return;
        uint newest = ReleaseOfAll();
        if (newest <= HeadRelease || NewMessage(Command.Prepare) is not Message message) return;
        message.Header.ChecksumBody = Checksum.Empty;
        PrepareEntry(message, new PrepareFields { Operation = Operation.Upgrade }, newest);
        message.Release();
    }

    /// <summary>Before an entry of this release is run, or the checkpoint after one is opened.</summary>
    private void EnterRelease(uint release)
    {
        if (Has(ProtocolPlant.RunsNewestRelease)) release = _options.ReleaseMax;
        if (release == Release || !HeedRelease(release)) return;
        if (release < Release)
        {
            // Files of one cluster were made by software that does not go together.
            Stop(StopReason.ReleaseTooOld);
            return;
        }
        if (Release != 0) _options.Marks.Hit(Mark.ReleaseEntered);
        Release = release;
        _stateMachine.Enter(release);
    }

    /// <summary>Stops at the first sign of a release that this software does not know, before it takes any further part
    /// in the cluster; false then.</summary>
    private bool HeedRelease(uint release)
    {
        if (KnowsRelease(release)) return true;
        Stop(release > _options.ReleaseMax ? StopReason.ReleaseTooNew : StopReason.ReleaseTooOld);
        return false;
    }
}
