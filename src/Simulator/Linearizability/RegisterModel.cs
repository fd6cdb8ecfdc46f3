using System.Collections.Generic;

namespace Deterministic.Simulator.Linearizability;

internal enum RegisterKind : byte
{
    Read,
    Write,
    CompareAndSet,
}

/// <summary>An operation on a register of a number or nothing.</summary>
internal readonly struct RegisterOperation
{
    public required RegisterKind Kind { get; init; }

    /// <summary>What a compare-and-set wants to find.</summary>
    public long? Expected { get; init; }

    /// <summary>What is written; of a read, what it found.</summary>
    public long? Value { get; init; }

    /// <summary>Whether a compare-and-set found what it wanted.</summary>
    public bool Succeeded { get; init; }

    public static RegisterOperation Read(long? found) => new() { Kind = RegisterKind.Read, Value = found };

    public static RegisterOperation Write(long? value) => new() { Kind = RegisterKind.Write, Value = value };

    public static RegisterOperation CompareAndSet(long? expected, long? value, bool succeeded) =>
        new() { Kind = RegisterKind.CompareAndSet, Expected = expected, Value = value, Succeeded = succeeded };
}

/// <summary>A register with reads, writes and compare-and-set. A lock is one of 0 and 1: to take it is to set 0 to
/// 1.</summary>
internal readonly struct RegisterModel(long? initial) : ISequentialModel<RegisterOperation, long?>
{
    public long? Initial => initial;

    public long? Apply(long? state, in RegisterOperation operation, out bool agrees)
    {
        switch (operation.Kind)
        {
            case RegisterKind.Read:
                agrees = state == operation.Value;
                return state;
            case RegisterKind.Write:
                agrees = true;
                return operation.Value;
            default:
                bool succeeds = state == operation.Expected;
                agrees = succeeds == operation.Succeeded;
                return succeeds ? operation.Value : state;
        }
    }

    public bool MayChange(in RegisterOperation operation, bool returned) => operation.Kind switch
    {
        RegisterKind.Read => false,
        RegisterKind.Write => true,
        _ => !returned || operation.Succeeded,
    };

    public bool Resets(in RegisterOperation operation, out long? state)
    {
        state = operation.Value;
        return operation.Kind != RegisterKind.Read;
    }

    public bool MayLead(long? state, List<RegisterOperation> others, in RegisterOperation read) =>
        read.Kind != RegisterKind.Read || state == read.Value;

    public bool AreEqual(long? left, long? right) => left == right;

    public ulong Hash(long? state) => state is long value ? unchecked((ulong)value + 1) : 0;

    public string Describe(long? state) => state is long value ? $"{value}" : "nothing";

    public string Describe(in RegisterOperation operation, bool returned) => operation.Kind switch
    {
        RegisterKind.Read => $"read {(returned ? Describe(operation.Value) : "?")}",
        RegisterKind.Write => $"write {Describe(operation.Value)}",
        _ => $"set {Describe(operation.Expected)} to {Describe(operation.Value)}: " +
            (!returned ? "?" : operation.Succeeded ? "done" : "was another"),
    };
}
