using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Linearizability;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>Histories of a simulated store that does each operation at one moment between its call and its return. Some
/// calls never return, and some of those never happen.</summary>
internal static class GeneratedHistory
{
    /// <param name="draw">An operation; the number of it, for values that are unique.</param>
    /// <param name="perform">The state after an operation, and the operation with its result.</param>
    /// <param name="clients">How many run at once.</param>
    /// <param name="lostOneIn">One call in so many never returns.</param>
    public static List<Invocation<TOperation>> Of<TOperation, TState>(
        Prng prng, int count, int clients, int lostOneIn, TState initial, Func<Prng, int, TOperation> draw,
        Func<TState, TOperation, (TState, TOperation)> perform)
    {
        List<(ulong Moment, int Index)> moments = [];
        List<Invocation<TOperation>> history = [];
        ulong[] free = new ulong[clients];
        for (int i = 0; i < count; i++)
        {
            int client = prng.Below(clients);
            ulong calledAt = free[client] + 1 + prng.Below(20ul);
            ulong moment = calledAt + prng.Below(20ul);
            ulong returnedAt = moment + prng.Below(20ul);
            free[client] = returnedAt + 1;
            bool lost = prng.Below(lostOneIn) == 0;
            if (!lost || prng.Below(2) == 0) moments.Add((lost ? moment + prng.Below(200ul) : moment, i));
            history.Add(new Invocation<TOperation>
            {
                Key = 0, Client = client, CalledAt = calledAt, Operation = draw(prng, i),
                ReturnedAt = lost ? Invocation<TOperation>.Never : returnedAt,
            });
        }
        moments.Sort();
        TState state = initial;
        foreach ((_, int index) in moments)
        {
            (state, TOperation done) = perform(state, history[index].Operation);
            if (history[index].HasReturned) history[index] = history[index] with { Operation = done };
        }
        history.Sort(static (left, right) => left.CalledAt.CompareTo(right.CalledAt));
        return history;
    }

    public static RegisterOperation DrawRegister(Prng prng, int number) => prng.Below(3) switch
    {
        0 => RegisterOperation.Read(null),
        1 => RegisterOperation.Write(prng.Below(3)),
        _ => RegisterOperation.CompareAndSet(prng.Below(3), prng.Below(3), false),
    };

    public static (long?, RegisterOperation) Perform(long? state, RegisterOperation operation)
    {
        bool found = state == operation.Expected;
        return operation.Kind switch
        {
            RegisterKind.Read => (state, RegisterOperation.Read(state)),
            RegisterKind.Write => (operation.Value, operation),
            _ => (found ? operation.Value : state, operation with { Succeeded = found }),
        };
    }

    public static TextOperation DrawText(Prng prng, int number) => prng.Below(5) switch
    {
        < 2 => new(TextKind.Get, ""),
        < 4 => new(TextKind.Append, $"{(char)('a' + prng.Below(3))}"),
        _ => new(TextKind.Put, $"{(char)('a' + prng.Below(3))}"),
    };

    public static (string, TextOperation) Perform(string state, TextOperation operation) => operation.Kind switch
    {
        TextKind.Get => (state, operation with { Text = state }),
        TextKind.Put => (operation.Text, operation),
        _ => (state + operation.Text, operation),
    };

    public static DocumentOperation DrawDocument(Prng prng, int number, int values)
    {
        long value = values == 0 ? number : prng.Below(values);
        long? expected = prng.Below(2) == 0 ? null : prng.Below(values == 0 ? number + 1 : values);
        return prng.Below(8) switch
        {
            < 3 => new DocumentOperation { Kind = DocumentKind.Read },
            < 5 => new DocumentOperation { Kind = DocumentKind.Upsert, Value = value, Expected = expected },
            < 7 => new DocumentOperation { Kind = DocumentKind.Patch, Value = value, Expected = expected },
            _ => new DocumentOperation { Kind = DocumentKind.Delete, Expected = expected },
        };
    }

    /// <summary>Written apart from the model, by cases of what is there.</summary>
    public static (long?, DocumentOperation) Perform(long? state, DocumentOperation operation)
    {
        bool unconditional = operation.Expected is null;
        switch (operation.Kind, state)
        {
            case (DocumentKind.Read, _):
                return (state, operation with { Value = state });
            case (DocumentKind.Upsert, null):
                return (operation.Value, operation with { Affected = 1 });
            case (DocumentKind.Delete, null):
                return (null, operation with { Affected = unconditional ? 1 : 0 });
            case (DocumentKind.Patch, null):
                return (null, operation with { Affected = 0 });
            default:
                bool met = unconditional || state!.Value == operation.Expected!.Value;
                long? after = !met ? state : operation.Kind == DocumentKind.Delete ? null : operation.Value;
                return (after, operation with { Affected = met ? 1 : 0 });
        }
    }
}
