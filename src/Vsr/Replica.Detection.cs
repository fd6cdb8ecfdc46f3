using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Who is held to be alive: a backup listens for its primary, and a primary listens whether anybody hears
/// it.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private const int SilenceTicksMin = 25;
    private const int SilenceTicksMax = 200;
    private const int SilenceTicksStart = 60;
    private const int SilenceWindowTicks = 300;

    /// <summary>Every replica pings every other one several times in as long.</summary>
    private const int DeafTicks = 100;

    private readonly Patience _patience =
        new(SilenceTicksMin, SilenceTicksMax, SilenceTicksStart, SilenceWindowTicks);

    /// <summary>When each of the others was heard last.</summary>
    private readonly ulong[] _heardAt = new ulong[Limits.ReplicasMax];
    private ulong _listeningSince;

    private void HeardPrimary()
    {
        _patience.Heard();
        _silenceTimeout.Reset(_patience.Ticks);
    }

    private void Heard(in Header header)
    {
        if (header.Replica >= _replicaCount) return;
        if (!header.Command.IsPassedOn()) _heardAt[header.Replica] = Ticks;
    }

    private void ListenAnew()
    {
        _listeningSince = Ticks;
        _patience.Restart();
        _silenceTimeout.Reset(_patience.Ticks);
    }

    /// <summary>A primary that too few replicas reach for a quorum. It may well be heard by all: its heartbeats must
    /// not keep them from choosing one that hears.</summary>
    private bool IsDeaf
    {
        get
        {
            if (!IsPrimary || _listeningSince + DeafTicks > Ticks) return false;
            int heard = 1;
            for (byte replica = 0; replica < _replicaCount; replica++)
                if (replica != _self && _heardAt[replica] + DeafTicks > Ticks) heard++;
            return heard < _quorums.Replication;
        }
    }

    /// <summary>A primary that cannot run what is committed, or that hears nobody, stops speaking, so that another is
    /// chosen.</summary>
    private bool Abdicates => IsPrimary && (_stuckTicks >= StuckTicks || IsDeaf);

    private bool _abdicated;

    /// <summary>The others notice its silence, most often before it asks for another view itself.</summary>
    private void TickAbdication()
    {
        bool abdicates = Abdicates;
        if (abdicates && !_abdicated) _options.Marks.Hit(Mark.PrimaryAbdicated);
        _abdicated = abdicates;
        if (abdicates && _silenceTimeout.Fires()) VoteToExit();
    }

    private void TickSilence()
    {
        _patience.Tick();
        if (!_silenceTimeout.Fires()) return;
        _options.Marks.Hit(Mark.PrimarySuspected);
        _patience.Suspect();
        _silenceTimeout.Reset(_patience.Ticks);
        VoteToExit();
    }

    /// <summary>Another one has lost faith in the primary. Whoever misses it too need not wait to the end.</summary>
    private void SecondDoubt()
    {
        Check.That(!_isStandby);
        bool doubts = Status == ReplicaStatus.Normal && !IsPrimary && (_exitVotes & 1u << _self) == 0 &&
            2 * _patience.SilentTicks >= _patience.Ticks;
        if (doubts) VoteToExit();
    }
}
