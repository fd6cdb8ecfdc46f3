using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What a new primary can say about the log from the <see cref="Command.JoinView"/> messages it has.</summary>
public enum JoinViewOutcome : byte
{
    /// <summary>More replicas have to speak before anything can be said.</summary>
    Awaiting,

    /// <summary>Every replica has spoken and an entry that may have been committed is nowhere to be found. Staying
    /// unavailable is better than losing it.</summary>
    Lost,

    /// <summary>The log of the new view is known.</summary>
    Complete,
}

/// <summary>Decides the log of a new view. An entry stays unless so many replicas have certainly never acknowledged it
/// that no quorum can have; it is not given up for being damaged somewhere.</summary>
public sealed class JoinViewQuorum
{
    private readonly Quorums _quorums;
    private readonly Header[] _joins;
    private readonly Header[] _headers;
    private readonly int _replicaCount;
    private readonly int _headersMax;
    private readonly Header[] _log;

    /// <param name="replicaCount">Replicas of the cluster, standbys aside.</param>
    /// <param name="headersMax">Headers in one message: one more than the pipeline is long.</param>
    public JoinViewQuorum(int replicaCount, int headersMax)
    {
        Check.That(headersMax is > 1 and <= Header.HeadersMax);
        _quorums = new Quorums(replicaCount);
        _replicaCount = replicaCount;
        _headersMax = headersMax;
        _joins = new Header[replicaCount];
        _headers = new Header[replicaCount * headersMax];
        _log = new Header[headersMax];
    }

    /// <summary>Replicas that have spoken.</summary>
    public int Count { get; private set; }

    internal ProtocolPlant Plant { get; init; }

    public bool Has(int replica) => _joins[replica].Command == Command.JoinView;

    public void Clear()
    {
        Array.Clear(_joins);
        Count = 0;
    }

    /// <summary>Takes a sound message; a later one of the same replica takes the place of an earlier.</summary>
    /// <returns>False if the body holds what no correct replica sends.</returns>
    public bool TryAdd(in Header join, ReadOnlySpan<byte> body, int messageSizeMax)
    {
        Check.That(join.Command == Command.JoinView && body.Length % Limits.HeaderSize == 0);
        int count = body.Length / Limits.HeaderSize;
        if (join.Replica >= _replicaCount || count > _headersMax) return false;
        Span<Header> headers = _headers.AsSpan(join.Replica * _headersMax, _headersMax);
        bool known = Has(join.Replica);
        _joins[join.Replica] = default;
        for (int i = 0; i < count; i++)
        {
            headers[i] = Header.Read(body[(i * Limits.HeaderSize)..]);
            if (headers[i].Size == 0) continue;
            bool sound = headers[i].ValidChecksum() && headers[i].Command == Command.Prepare &&
                headers[i].Invalid(messageSizeMax) is null && headers[i].Cluster == join.Cluster &&
                headers[i].Prepare.Op == join.JoinView.Op - (ulong)i;
            if (sound) continue;
            if (known) Count--;
            return false;
        }
        headers[count..].Clear();
        _joins[join.Replica] = join;
        if (!known) Count++;
        return true;
    }

    /// <param name="op">The head of the new view's log.</param>
    /// <param name="commitMax">The greatest op that is known to be committed.</param>
    public JoinViewOutcome Decide(out ulong op, out ulong commitMax)
    {
        op = 0;
        commitMax = 0;
        int tooFew = Plant == ProtocolPlant.ViewChangeTooSmall ? 1 : 0;
        if (Count < _quorums.ViewChange - tooFew) return JoinViewOutcome.Awaiting;
        uint logView = 0;
        for (int i = 0; i < _replicaCount; i++)
            if (Has(i) && _joins[i].JoinView.LogView > logView) logView = _joins[i].JoinView.LogView;
        ulong opMax = 0;
        for (int i = 0; i < _replicaCount; i++)
        {
            if (!Has(i)) continue;
            commitMax = ulong.Max(commitMax, CommitKnown(i));
            if (_joins[i].JoinView.LogView == logView) opMax = ulong.Max(opMax, _joins[i].JoinView.Op);
        }
        JoinViewOutcome unsettled = Count == _replicaCount ? JoinViewOutcome.Lost : JoinViewOutcome.Awaiting;
        if (commitMax > opMax || opMax - commitMax >= (ulong)_headersMax) return unsettled;
        for (ulong next = commitMax + 1; next <= opMax; next++)
        {
            Header entry = EntryOf(next, logView);
            int copies = Copies(next, in entry, out int nacks);
            if (nacks >= (Plant == ProtocolPlant.TruncatesFreely ? 1 : _quorums.Nack))
            {
                opMax = next - 1;
                break;
            }
            if (entry.Size == 0 || copies == 0) return unsettled;
        }
        if (EntryOf(opMax, logView).Size == 0) return unsettled;
        op = opMax;
        FillLog(op, commitMax, logView);
        return JoinViewOutcome.Complete;
    }

    /// <summary>After a complete decision: the headers of the log's end, its head first, all zero where nobody in the
    /// quorum has one; there is none missing above the committed op.</summary>
    public ReadOnlySpan<Header> Log(ulong op) => _log.AsSpan(0, (int)ulong.Min((ulong)_headersMax, op + 1));

    private ReadOnlySpan<Header> HeadersOf(int replica) => _headers.AsSpan(replica * _headersMax, _headersMax);

    private int CountOf(int replica) => ((int)_joins[replica].Size - Limits.HeaderSize) / Limits.HeaderSize;

    private ulong CommitKnown(int replica)
    {
        ulong commit = _joins[replica].JoinView.CommitMin;
        foreach (ref readonly Header header in HeadersOf(replica)[..CountOf(replica)])
            if (header.Size != 0 && header.Prepare.Commit > commit) commit = header.Prepare.Commit;
        return commit;
    }

    /// <summary>The header of an op in the newest log, or a blank one. What a replica has run is in every later
    /// log.</summary>
    private Header EntryOf(ulong op, uint logView)
    {
        Header entry = default;
        for (int i = 0; i < _replicaCount; i++)
        {
            if (!Has(i) || !TryHeader(i, op, out Header header)) continue;
            if (_joins[i].JoinView.LogView != logView && _joins[i].JoinView.CommitMin < op) continue;
            Check.That(entry.Size == 0 || entry.Checksum == header.Checksum, "one view has one log");
            entry = header;
        }
        return entry;
    }

    private bool TryHeader(int replica, ulong op, out Header header)
    {
        header = default;
        ulong head = _joins[replica].JoinView.Op;
        if (op > head || head - op >= (ulong)CountOf(replica)) return false;
        header = HeadersOf(replica)[(int)(head - op)];
        return header.Size != 0;
    }

    /// <summary>How many replicas hold an entry, and how many certainly never acknowledged it: their log is shorter,
    /// or holds another entry there, or they say so. A damaged entry counts neither way.</summary>
    private int Copies(ulong op, in Header entry, out int nacks)
    {
        int copies = 0;
        nacks = 0;
        for (int i = 0; i < _replicaCount; i++)
        {
            if (!Has(i)) continue;
            ref readonly JoinViewFields join = ref _joins[i].JoinView;
            if (op > join.Op)
            {
                nacks++;
                continue;
            }
            if (join.Op - op >= (ulong)CountOf(i)) continue;
            UInt128 bit = UInt128.One << (int)(join.Op - op);
            bool other = TryHeader(i, op, out Header header) && entry.Size != 0 && header.Checksum != entry.Checksum;
            if (other || (join.Nack & bit) != 0) nacks++;
            else if (header.Size != 0 && (join.Present & bit) != 0) copies++;
        }
        return copies;
    }

    private void FillLog(ulong op, ulong commitMax, uint logView)
    {
        Array.Clear(_log);
        for (int i = 0; i < Log(op).Length; i++)
        {
            ulong at = op - (ulong)i;
            _log[i] = EntryOf(at, logView);
            Check.That(at <= commitMax || _log[i].Size != 0);
            bool follows = i == 0 || _log[i].Size == 0 || _log[i - 1].Size == 0 ||
                _log[i - 1].Prepare.Parent == _log[i].Checksum;
            Check.That(follows, "the log of a view is a chain");
        }
    }
}
