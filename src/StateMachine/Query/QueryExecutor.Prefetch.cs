using System;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Prefetch;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    /// <summary>Asks for what a request reads. As soon as all that ranking reads is in memory it ranks, keeps the
    /// outcome for <see cref="Execute"/> and asks for the rows of the answer. A request that will be refused needs no
    /// more than what it takes to find that out.</summary>
    /// <param name="op">The operation.</param>
    /// <param name="part">Index among the parts of a batch.</param>
    /// <param name="body">The request.</param>
    public void Prefetch(ulong op, int part, ReadOnlySpan<byte> body)
    {
        _lists.Begin(op);
        if (_lists.TryFind(op, part, out _)) return;
        _partRead = NoPart;
        ErrorText error = new(_unusedError);
        WireReader reader = new(body);
        if (!TryHeader(ref reader, out ReadOnlySpan<byte> name, ref error)) return;
        if (!NamespacePrefetch.TryTouch(_trees, name, out _)) return;
        if (!TryRead(body, touching: true, ref error)) return;
        _lists.BeginRequest();
        // The rows of the answer are touched until they are there, and for that they have to be found again.
        if (TryRank(body, touching: true, ref error) && _lists.Fits && _trees.Forest.IsAllResident)
        {
            _lists.Keep(part);
            if (_queries == 1) _partRead = part;
        }
        else
        {
            _lists.Drop();
        }
    }
}
