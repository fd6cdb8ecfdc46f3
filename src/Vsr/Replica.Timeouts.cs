using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;

namespace Deterministic.Vsr;

/// <summary>What happens because nothing else did. All times are ticks; those after which a replica loses patience with
/// another differ by chance, so that two do not act at once for ever.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private const int PrepareTicks = 25;
    private const int CommitTicks = 5;
    private const int ExitResendTicks = 30;
    private const int ExitWindowTicks = 300;
    private const int ViewChangeTicks = 200;
    private const int JoinResendTicks = 30;
    private const int GetViewTicks = 60;
    private const int RepairTicks = 5;
    private const int ConfirmTicks = 5;
    private const int PingTicks = 20;

    private readonly Prng _random;
    private Timeout _prepareTimeout;
    private Timeout _commitTimeout;
    private Timeout _silenceTimeout;
    private Timeout _exitResendTimeout;
    private Timeout _exitWindowTimeout;
    private Timeout _viewChangeTimeout;
    private Timeout _joinResendTimeout;
    private Timeout _getViewTimeout;
    private Timeout _repairTimeout;
    private Timeout _confirmTimeout;
    private Timeout _pingTimeout;

    private void CreateTimeouts()
    {
        _prepareTimeout = new Timeout(PrepareTicks, _random);
        _commitTimeout = new Timeout(CommitTicks);
        _silenceTimeout = new Timeout(SilenceTicksStart, _random);
        _exitResendTimeout = new Timeout(ExitResendTicks, _random);
        _exitWindowTimeout = new Timeout(ExitWindowTicks);
        _viewChangeTimeout = new Timeout(ViewChangeTicks, _random);
        _joinResendTimeout = new Timeout(JoinResendTicks, _random);
        _getViewTimeout = new Timeout(GetViewTicks, _random);
        _repairTimeout = new Timeout(RepairTicks, _random);
        _confirmTimeout = new Timeout(ConfirmTicks);
        _pingTimeout = new Timeout(PingTicks);
    }

    private void ResetTimeouts()
    {
        _prepareTimeout.Reset();
        _commitTimeout.Reset();
        _exitResendTimeout.Reset();
        _exitWindowTimeout.Reset();
        _viewChangeTimeout.Reset();
        _joinResendTimeout.Reset();
        _getViewTimeout.Reset();
        _repairTimeout.Reset();
        ListenAnew();
    }

    private void TickTimeouts()
    {
        if (_isSingle)
        {
            if (_memberCount > 1 && _commitTimeout.Fires()) SendCommit();
            return;
        }
        TickProgress();
        if (_exitWindowTimeout.Fires() && Status == ReplicaStatus.Normal) _exitVotes = 0;
        if (_exitResendTimeout.Fires()) SendExitView();
        if (_repairTimeout.Fires()) Repair();
        if (_pingTimeout.Fires()) SendPing();
        TickCleaning();
        switch (Status)
        {
            case ReplicaStatus.Normal when IsPrimary:
                if (_prepareTimeout.Fires() && !Abdicates) ResendPrepares();
                if (_commitTimeout.Fires()) SendCommit();
                if (_confirmTimeout.Fires()) SendConfirmView();
                TickAbdication();
                break;
            case ReplicaStatus.Normal:
                if (_stuckTicks >= StuckTicks && _getViewTimeout.Fires()) SendGetView();
                if (!_isStandby) TickSilence();
                break;
            case ReplicaStatus.ViewChange:
                if (_joinResendTimeout.Fires()) SendJoinView();
                if (_getViewTimeout.Fires()) SendGetView();
                if (_viewChangeTimeout.Fires()) VoteToExit();
                break;
            case ReplicaStatus.RecoveringHead:
                if (_getViewTimeout.Fires()) SendGetView();
                break;
            default:
                break;
        }
    }
}

/// <summary>Counts ticks up to a limit, again and again; with a generator, up to half as much more by chance.</summary>
internal struct Timeout
{
    private int _ticks;
    private readonly Prng? _random;
    private int _left;

    public Timeout(int ticks, Prng? random = null)
    {
        Check.That(ticks > 0);
        _ticks = ticks;
        _random = random;
        Reset();
    }

    public void Reset(int ticks)
    {
        Check.That(ticks > 0);
        _ticks = ticks;
        Reset();
    }

    public void Reset() => _left = _ticks + (_random is null ? 0 : (int)_random.Below((ulong)_ticks / 2 + 1));

    /// <summary>One tick has passed; true if it was the last one.</summary>
    public bool Fires()
    {
        Check.That(_left > 0);
        if (--_left > 0) return false;
        Reset();
        return true;
    }
}
