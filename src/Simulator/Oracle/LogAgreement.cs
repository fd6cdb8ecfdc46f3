using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>The log of the cluster as the replicas have committed it, from the first entry on and for ever: whoever
/// commits an entry, commits the one that is here; each names the one before it; and no request of a session is in it
/// twice.</summary>
internal sealed class LogAgreement
{
    private readonly List<Header> _entries;
    private readonly SortedDictionary<(UInt128 Client, uint Number), ulong> _requests = [];

    public LogAgreement(UInt128 cluster) => _entries = [Header.Root(cluster)];

    /// <summary>The last entry that anybody has committed.</summary>
    public ulong Op => (ulong)_entries.Count - 1;

    /// <summary>Entries that a second or later replica committed, and that agreed.</summary>
    public ulong Compared { get; private set; }

    public void Commit(in Header entry)
    {
        ulong op = entry.Prepare.Op;
        Check.That(op > 0 && op <= Op + 1, "an entry was committed beyond a gap");
        if (op <= Op)
        {
            Check.That(_entries[(int)op].Checksum == entry.Checksum, "two replicas committed different entries");
            Compared++;
            return;
        }
        Header before = _entries[^1];
        Check.That(entry.Prepare.Parent == before.Checksum, "the committed log is not a chain");
        Check.That(entry.View >= before.View, "the view of the committed log went back");
        Check.That(entry.Prepare.Timestamp > before.Prepare.Timestamp, "time went back in the log");
        Check.That(entry.Prepare.Commit < op, "an entry says that itself is committed");
        _entries.Add(entry);
        // A session that was lost may be opened again by a copy of its register that was late. The log's own entries
        // have no client, and the table of sessions takes no request of a group twice.
        if (entry.Prepare.Operation == Operation.Register || entry.Prepare.Client == 0) return;
        bool first = _requests.TryAdd((entry.Prepare.Client, entry.Prepare.RequestNumber), op);
        Check.That(first, "a request was carried out twice");
    }
}
