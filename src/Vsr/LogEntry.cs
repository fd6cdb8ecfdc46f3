using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What running an entry of the log means.</summary>
public static class LogEntry
{
    /// <summary>What the state machine is asked to run for an entry; false if the entry is of the log's own.</summary>
    /// <param name="entry">Its header.</param>
    /// <param name="body">Behind the header, sound.</param>
    /// <param name="request">The body of the operation.</param>
    /// <param name="context">Of the operation.</param>
    public static bool TryRequest(
        in Header entry, ReadOnlySpan<byte> body, out ReadOnlySpan<byte> request, out OperationContext context)
    {
        Check.That(entry.Command == Command.Prepare && body.Length == entry.Size - Limits.HeaderSize);
        Operation operation = entry.Prepare.Operation;
        request = body;
        if (operation == Operation.Group)
        {
            bool whole = GroupBody.TryRead(body, out request, out _);
            Check.That(whole, "a primary made a group that is none");
            operation = Operation.Batch;
        }
        context = new OperationContext(entry.Prepare.Op, entry.Prepare.Timestamp, operation);
        return operation >= Operation.Write;
    }
}
