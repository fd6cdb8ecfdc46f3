using System;
using System.Collections.Generic;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Oracle;

/// <summary>The log of the cluster as the replicas have committed it, from the first entry on and for ever: whoever
/// commits an entry, commits the one that is here; a quorum has had it on their disks before; each names the one before
/// it; and no request of a session is in it twice.</summary>
internal sealed class LogAgreement
{
    private readonly List<Header> _entries;

    /// <summary>By client and number of the request: its entry, and which part of a group it is, -1 for one that has an
    /// entry of its own.</summary>
    private readonly SortedDictionary<(UInt128 Client, uint Number), (ulong Op, int Part)> _requests = [];

    /// <summary>By an entry's checksum: replicas that have had it on their disks; bit i is replica i.</summary>
    private readonly SortedDictionary<UInt128, uint> _holders = [];
    private readonly int _quorum;
    private readonly int _replicas;

    /// <summary>By replica, the newest release that its software has known.</summary>
    private readonly uint[] _releases;

    public LogAgreement(UInt128 cluster, int replicas)
    {
        _entries = [Header.Root(cluster)];
        _quorum = new Quorums(replicas).Replication;
        _releases = new uint[replicas];
        _replicas = replicas;
    }

    /// <summary>The release that the log has come to.</summary>
    public uint Release { get; private set; } = Header.ReleaseOldest;

    /// <summary>A replica starts with software that knows releases up to this one.</summary>
    public void Know(byte replica, uint release)
    {
        if (replica < _replicas) _releases[replica] = uint.Max(_releases[replica], release);
    }

    /// <summary>The last entry that anybody has committed.</summary>
    public ulong Op => (ulong)_entries.Count - 1;

    /// <summary>Entries that a second or later replica committed, and that agreed.</summary>
    public ulong Compared { get; private set; }

    /// <summary>A replica has the entry on its disk, whatever happens to it later. That a standby has it does not
    /// count.</summary>
    public void Hold(byte replica, UInt128 checksum)
    {
        if (replica < _replicas) _holders[checksum] = HoldersOf(checksum) | 1u << replica;
    }

    /// <summary>A replica counts these acknowledgements; bit i is replica i.</summary>
    public void CheckAcknowledged(in Header entry, uint replicas) =>
        Check.That((replicas & ~HoldersOf(entry.Checksum)) == 0, "an acknowledgement is counted that nobody gave");

    private uint HoldersOf(UInt128 checksum) => _holders.TryGetValue(checksum, out uint holders) ? holders : 0;

    /// <param name="entry">What a replica has committed.</param>
    /// <param name="members">Of a group: whose requests are in it.</param>
    public void Commit(in Header entry, ReadOnlySpan<GroupMember> members)
    {
        ulong op = entry.Prepare.Op;
        Check.That(op > 0 && op <= Op + 1, "an entry was committed beyond a gap");
        if (op <= Op)
        {
            Check.That(_entries[(int)op].Checksum == entry.Checksum, "two replicas committed different entries");
            Compared++;
            return;
        }
        bool held = BitOperations.PopCount(HoldersOf(entry.Checksum)) >= _quorum;
        Check.That(held, "an entry was committed that no quorum had on their disks");
        Header before = _entries[^1];
        Check.That(entry.Prepare.Parent == before.Checksum, "the committed log is not a chain");
        Check.That(entry.View >= before.View, "the view of the committed log went back");
        Check.That(entry.Prepare.Timestamp > before.Prepare.Timestamp, "time went back in the log");
        Check.That(entry.Prepare.Commit < op, "an entry says that itself is committed");
        Enter(entry.Release);
        _entries.Add(entry);
        // A session that was lost may be opened again by a copy of its register that was late.
        if (entry.Prepare.Operation == Operation.Register) return;
        for (int i = 0; i < members.Length; i++) Add(members[i].Client, members[i].RequestNumber, op, i);
        if (entry.Prepare.Client != 0) Add(entry.Prepare.Client, entry.Prepare.RequestNumber, op, part: -1);
    }

    private void Enter(uint release)
    {
        Check.That(release >= Release, "the release of the committed log went back");
        CheckKnown(release);
        Release = release;
    }

    /// <summary>The log, committed or not, has come to a release: every replica has come to know it.</summary>
    public void CheckKnown(uint release)
    {
        foreach (uint known in _releases)
            Check.That(release <= known, "the release of the log rose though a replica has never known it");
    }

    private void Add(UInt128 client, uint number, ulong op, int part)
    {
        bool first = _requests.TryAdd((client, number), (op, part));
        Check.That(first, "a request was carried out twice");
    }

    /// <summary>A client has been answered from this entry. Returns which part of a group its request is, or
    /// -1.</summary>
    public int PartOf(UInt128 client, uint number, ulong op)
    {
        bool known = _requests.TryGetValue((client, number), out (ulong Op, int Part) place);
        Check.That(known && place.Op == op, "a client was answered from an entry that is not its request's");
        return place.Part;
    }
}
