using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>A replica that does not know where its log ends, because the end is damaged or the disk is new. It says
/// nothing about its log before a primary has told it all of it.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>From opening until the log of a view is installed, which may take a while: what is in the journal is
    /// not all that this replica may have acknowledged.</summary>
    private bool _headUnknown;

    /// <summary>See <see cref="SuperblockCopy.ForgottenOp"/>, durable before the first word about the log.</summary>
    private ulong _forgottenOp;

    /// <summary>Replicas that have told which view they know since this one was opened, and the latest of
    /// these.</summary>
    private uint _viewTellers;
    private uint _viewTold;
    private ulong _openedAt;

    /// <summary>See <see cref="SuperblockCopy.Promotion"/>.</summary>
    private Promotion _promotion;

    /// <summary>The disk is new, or was a standby's. What this replica did with its old one may count in views that it
    /// has forgotten. A standby has no voice that could.</summary>
    private bool KnowsNoView => Status == ReplicaStatus.RecoveringHead && !_isStandby &&
        (_view == 0 || _promotion == Promotion.KnowsNoView);

    private void LoseHead()
    {
        _headUnknown = true;
        _openedAt = _clock.MonotonicNanoseconds;
        _viewTold = _view;
        Status = ReplicaStatus.RecoveringHead;
    }

    /// <summary>A replica that has forgotten what it did begins with a view that is later than any that it took part in
    /// before, so that the others have to agree on the log without it. A view begins when so many have left the one
    /// before it that one of any <see cref="Quorums.Confirmation"/> others is among them: that one knows the view or
    /// the one before.</summary>
    private void HearView(in Header pong)
    {
        Check.That(pong.Command == Command.Pong);
        if (!KnowsNoView || pong.View == 0 || pong.Pong.PingTimestamp < _openedAt) return;
        _viewTellers |= 1u << pong.Replica;
        _viewTold = uint.Max(_viewTold, pong.View);
        if (BitOperations.PopCount(_viewTellers) < _quorums.Confirmation) return;
        _view = Has(ProtocolPlant.ReturnsToView) ? _viewTold : checked(_viewTold + 2);
        if (PrimaryOf(_view) == _self) _view = checked(_view + 1);
        if (_promotion == Promotion.KnowsNoView) _promotion = Promotion.KnowsNoLog;
    }
}
