using System.Collections.Generic;
using System.Text;
using Deterministic.Simulator.Linearizability;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>Reads and writes of several registers at once.</summary>
internal readonly record struct RegistersOperation(List<(bool IsWrite, string Register, long? Value)> Steps)
{
    public static RegistersOperation Parse(object value)
    {
        RegistersOperation operation = new([]);
        foreach (object? item in (List<object?>)value)
        {
            List<object?> step = (List<object?>)item!;
            operation.Steps.Add(((string)step[0]! == "write", (string)step[1]!, (long?)step[2]));
        }
        return operation;
    }
}

/// <summary>Registers that are 0 at first.</summary>
internal readonly struct RegistersModel : ISequentialModel<RegistersOperation, SortedDictionary<string, long>>
{
    public SortedDictionary<string, long> Initial => [];

    public SortedDictionary<string, long> Apply(
        SortedDictionary<string, long> state, in RegistersOperation operation, out bool agrees)
    {
        agrees = true;
        SortedDictionary<string, long> next = new(state);
        foreach ((bool isWrite, string register, long? value) in operation.Steps)
        {
            if (isWrite) next[register] = value!.Value;
            else agrees &= next.GetValueOrDefault(register) == value;
        }
        return next;
    }

    public bool MayChange(in RegistersOperation operation, bool returned) =>
        operation.Steps.Exists(static step => step.IsWrite);

    public bool Resets(in RegistersOperation operation, out SortedDictionary<string, long> state)
    {
        state = [];
        return false;
    }

    public bool MayLead(
        SortedDictionary<string, long> state, List<RegistersOperation> others, in RegistersOperation read) => true;

    public bool AreEqual(SortedDictionary<string, long> left, SortedDictionary<string, long> right) =>
        Describe(left) == Describe(right);

    public ulong Hash(SortedDictionary<string, long> state)
    {
        ulong hash = 0;
        foreach ((string register, long value) in state)
            hash = hash * 31 + (ulong)(register[0] + value * 257);
        return hash;
    }

    public string Describe(SortedDictionary<string, long> state)
    {
        StringBuilder text = new();
        foreach ((string register, long value) in state) text.Append($"{register}={value} ");
        return text.ToString();
    }

    public string Describe(in RegistersOperation operation, bool returned)
    {
        StringBuilder text = new();
        foreach ((bool isWrite, string register, long? value) in operation.Steps)
            text.Append($"{(isWrite ? "write" : "read")} {register} {value}; ");
        return text.ToString();
    }
}
