using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>How long ago this replica's state was surely the newest, told by its own monotonic clock alone. Pings leave
/// with its time and come back with it. A state has every write that was answered before a ping left if the primary
/// answered the ping and the state contains what may have been answered from by then, and if so many others in the same
/// view answered pings that had left no earlier that no later view can have begun before (<see
/// cref="Quorums.Confirmation"/>).</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private const ulong NanosecondsPerMillisecond = 1_000_000;

    /// <summary>What a replica said last.</summary>
    private struct Pong
    {
        public bool IsNormal;
        public uint View;

        /// <summary>When the ping left, by this replica's clock.</summary>
        public ulong PingTimestamp;
        public ulong Commit;
    }

    private readonly Pong[] _pongs = new Pong[Limits.ReplicasMax];
    private bool _freshKnown;
    private ulong _freshAt;

    private void SendPing()
    {
        if (_superblock.Working.View != _view || NewMessage(Command.Ping) is not Message message) return;
        message.Header.Ping = new PingFields
        {
            CheckpointId = CheckpointId, CheckpointOp = CheckpointOp, Timestamp = _clock.MonotonicNanoseconds,
            ReleaseMin = _options.ReleaseMin, ReleaseMax = _options.ReleaseMax,
        };
        SealAndBroadcast(message);
    }

    private void OnPing(in Header ping)
    {
        HearReleases(in ping);
        // The view in its file may be older than those it took part in, so it cannot vouch for any.
        if (KnowsNoView) return;
        if (_superblock.Working.View != _view || NewMessage(Command.Pong) is not Message message) return;
        message.Header.Pong = new PongFields
        {
            PingTimestamp = ping.Ping.Timestamp,
            Realtime = _clock.RealtimeNanoseconds,
            // What an earlier primary may have answered from is in the log with which the view began.
            Commit = IsPrimary ? ulong.Max(CommitMax, _viewHead) : CommitMax,
            CommitMin = CommitMin,
            IsNormal = Status == ReplicaStatus.Normal && ViewIsDurable ? (byte)1 : (byte)0,
        };
        SealAndSend(ping.Replica, message);
    }

    private void OnPong(in Header pong)
    {
        ref Pong last = ref _pongs[pong.Replica];
        if (pong.Pong.PingTimestamp > _clock.MonotonicNanoseconds) return;
        HearView(in pong);
        HearProgress(pong.Replica, pong.Pong.CommitMin);
        if (last.IsNormal && last.PingTimestamp > pong.Pong.PingTimestamp) return;
        // What is known may be good now, and will be forgotten.
        LearnFreshness();
        last = new Pong
        {
            IsNormal = pong.Pong.IsNormal == 1, View = pong.View, PingTimestamp = pong.Pong.PingTimestamp,
            Commit = pong.Pong.Commit,
        };
    }

    private void LearnFreshness()
    {
        if (Status != ReplicaStatus.Normal || !ViewIsDurable) return;
        byte primary = PrimaryOf(_view);
        bool heard = primary == _self || SpeaksInView(primary);
        ulong least = primary == _self ? _viewHead : _pongs[primary].Commit;
        if (!heard || CommitMin < least || !TryConfirmedAt(out ulong at)) return;
        if (primary != _self) at = ulong.Min(at, _pongs[primary].PingTimestamp);
        _freshAt = _freshKnown ? ulong.Max(_freshAt, at) : at;
        _freshKnown = true;
    }

    private bool SpeaksInView(byte replica) => _pongs[replica].IsNormal && _pongs[replica].View == _view;

    /// <summary>The latest time at which no later view had begun, as far as is known.</summary>
    private bool TryConfirmedAt(out ulong at)
    {
        int others = _quorums.Confirmation - (_isStandby ? 0 : 1);
        at = others == 0 ? _clock.MonotonicNanoseconds : 0;
        bool found = others == 0;
        for (byte i = 0; i < _replicaCount && others > 0; i++)
        {
            if (i == _self || !SpeaksInView(i)) continue;
            int count = 0;
            for (byte j = 0; j < _replicaCount; j++)
                if (j != _self && SpeaksInView(j) && _pongs[j].PingTimestamp >= _pongs[i].PingTimestamp) count++;
            if (count < others) continue;
            found = true;
            at = ulong.Max(at, _pongs[i].PingTimestamp);
        }
        return found;
    }

    /// <summary>Whether a stale read asks for a newer state than this one is known to be.</summary>
    private bool IsTooOld(in Header read)
    {
        if (IsStrong(in read)) return false;
        bool old = CommitMin < read.ReadRequest.CommitLeast || IsOlderThan(read.ReadRequest.AgeMaxMilliseconds);
        if (old) _options.Marks.Hit(Mark.ReadTooOld);
        return old;
    }

    /// <param name="ageMaxMilliseconds">0: any age will do.</param>
    private bool IsOlderThan(uint ageMaxMilliseconds)
    {
        if (ageMaxMilliseconds == 0 || _isSingle) return false;
        LearnFreshness();
        if (!_freshKnown) return true;
        ulong now = _clock.MonotonicNanoseconds;
        return now > _freshAt && now - _freshAt > ageMaxMilliseconds * NanosecondsPerMillisecond;
    }
}
