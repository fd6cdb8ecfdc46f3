using System.Collections.Generic;
using Deterministic.Simulator.Linearizability;
using Xunit;
using static Deterministic.Simulator.Linearizability.RegisterOperation;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>Small histories, right and wrong ones. Each line is (client, called at, returned at, what).</summary>
public sealed class LinearizabilityTests
{
    private const ulong Never = Invocation<RegisterOperation>.Never;

    [Fact]
    public void NothingHappened() => Assert.Equal(Verdict.Linearizable, Register([]).Verdict);

    [Fact]
    public void AReadSeesTheLastWrite() => Assert.Equal(Verdict.Linearizable, Register(
        [(0, 0, 1, Write(1)), (0, 2, 3, Write(2)), (1, 4, 5, Read(2))]).Verdict);

    [Fact]
    public void AReadDuringAWriteSeesTheOldOrTheNew()
    {
        Assert.Equal(Verdict.Linearizable, Register([(0, 0, 9, Write(1)), (1, 2, 3, Read(null))]).Verdict);
        Assert.Equal(Verdict.Linearizable, Register([(0, 0, 9, Write(1)), (1, 2, 3, Read(1))]).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register([(0, 0, 9, Write(1)), (1, 2, 3, Read(2))]).Verdict);
    }

    [Fact]
    public void AStaleReadIsCaught() => Assert.Equal(Verdict.NotLinearizable, Register(
        [(0, 0, 1, Write(1)), (0, 2, 3, Write(2)), (1, 4, 5, Read(1))]).Verdict);

    [Fact]
    public void AValueThatWasSeenCannotBeUnseen() => Assert.Equal(Verdict.NotLinearizable, Register(
        [(0, 0, 9, Write(1)), (1, 1, 2, Read(1)), (2, 3, 4, Read(null))]).Verdict);

    [Fact]
    public void ReadersAtTheSameTimeMayDiffer() => Assert.Equal(Verdict.Linearizable, Register(
        [(0, 0, 9, Write(1)), (1, 1, 4, Read(1)), (2, 3, 5, Read(null))]).Verdict);

    [Fact]
    public void ATouchOfTimesIsConcurrency()
    {
        Assert.Equal(Verdict.Linearizable, Register([(0, 0, 3, Write(1)), (1, 3, 4, Read(null))]).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register([(0, 0, 3, Write(1)), (1, 4, 5, Read(null))]).Verdict);
    }

    [Fact]
    public void AWriteWithoutAnAnswerMayHappenLateOrNeverOrOnce()
    {
        Assert.Equal(Verdict.Linearizable, Register(
            [(0, 0, Never, Write(1)), (1, 10, 11, Read(null)), (1, 90, 91, Read(1))]).Verdict);
        Assert.Equal(Verdict.Linearizable, Register(
            [(0, 0, Never, Write(1)), (1, 10, 11, Read(null)), (1, 90, 91, Read(null))]).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register(
            [(0, 0, Never, Write(1)), (1, 10, 11, Read(1)), (1, 12, 13, Write(2)), (1, 90, 91, Read(1))]).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register(
            [(1, 10, 11, Read(1)), (0, 12, Never, Write(1))]).Verdict);
    }

    [Fact]
    public void OneOfTwoSwapsFromTheSameValueFails()
    {
        Assert.Equal(Verdict.Linearizable, Register(
            [(0, 0, 5, CompareAndSet(null, 1, true)), (1, 1, 6, CompareAndSet(null, 2, false))]).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register(
            [(0, 0, 5, CompareAndSet(null, 1, true)), (1, 1, 6, CompareAndSet(null, 2, true))]).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register(
            [(0, 0, 1, Write(1)), (1, 2, 3, CompareAndSet(1, 2, false))]).Verdict);
    }

    [Fact]
    public void ALockHasOneHolder()
    {
        RegisterOperation acquire = CompareAndSet(0, 1, true), release = CompareAndSet(1, 0, true);
        Assert.Equal(Verdict.Linearizable, Register(
            [(0, 0, 1, acquire), (1, 2, 9, acquire), (0, 3, 4, release)], initial: 0).Verdict);
        Assert.Equal(Verdict.NotLinearizable, Register(
            [(0, 0, 1, acquire), (1, 2, 3, acquire), (0, 4, 5, release)], initial: 0).Verdict);
    }

    [Fact]
    public void WhatIsForgottenDoesNotCount()
    {
        History<RegisterOperation> history = new();
        history.Forget(history.Call(0, 0, 0, Write(1)));
        history.Return(history.Call(0, 1, 5, Read(1)), 6, Read(1));
        Assert.Equal(Verdict.NotLinearizable, Check(history, null).Verdict);
    }

    [Fact]
    public void TheReturnThatIsWrongAndTheWayToItAreNamed()
    {
        LinearizabilityReport report = Register(
        [
            (0, 0, 1, Write(1)), (0, 2, 3, Write(2)), (1, 4, 5, Read(1)), (0, 6, 7, Write(3)), (1, 8, 9, Read(1)),
        ]);
        Assert.Equal(
            "key 0: 3 operations until 5 cannot be put in an order\n" +
            "  goes wrong with client 1 [4, 5]: read 1\n" +
            "the longest order has 1 operations and ends with\n" +
            "  then client 0 [0, 1]: write 1\n" +
            "  where the state is 1; no way on with\n" +
            "  left client 0 [2, 3]: write 2\n" +
            "  left client 1 [4, 5]: read 1\n", report.Explanation);
        Assert.Equal(
            "5 operations, 5 configurations: NotLinearizable (1 keys)\n" + report.Explanation, report.ToString());
    }

    [Fact]
    public void KeysAreJudgedApart()
    {
        History<RegisterOperation> history = new();
        history.Return(history.Call(7, 0, 0, Write(1)), 1, Write(1));
        history.Return(history.Call(8, 0, 2, Read(null)), 3, Read(null));
        Assert.Equal(Verdict.Linearizable, Check(history, null).Verdict);
        history.Return(history.Call(8, 0, 4, Read(1)), 5, Read(1));
        LinearizabilityReport report = Check(history, null);
        Assert.Equal(Verdict.NotLinearizable, report.Verdict);
        Assert.Equal(1, report.KeysFailed);
        Assert.StartsWith("key 8: 2 operations until 5", report.Explanation, System.StringComparison.Ordinal);
    }

    [Fact]
    public void ASearchThatIsTooLongIsNoVerdict()
    {
        History<RegisterOperation> history = new();
        for (int i = 0; i < 8; i++) history.Return(history.Call(0, i, 0, Write(i)), 10, Write(i));
        history.Return(history.Call(0, 9, 11, Read(3)), 12, Read(3));
        LinearizabilityChecker<RegisterOperation, long?, RegisterModel> checker = new(new RegisterModel(null), 4);
        LinearizabilityReport report = checker.Check(history);
        Assert.Equal(Verdict.Undecided, report.Verdict);
        Assert.Equal("key 0: undecided after 4 configurations\n", report.Explanation);
    }

    [Fact]
    public void AppendsShowTheirOrder()
    {
        Assert.Equal(Verdict.Linearizable, Text("ab", "ab"));
        Assert.Equal(Verdict.Linearizable, Text("ba", "bac"));
        Assert.Equal(Verdict.NotLinearizable, Text("ab", "ba"));
        Assert.Equal(Verdict.NotLinearizable, Text("ab", "cab"));
        Assert.Equal(Verdict.NotLinearizable, Text("a", "ab"));

        static Verdict Text(string first, string second)
        {
            History<TextOperation> history = new();
            int a = history.Call(0, 0, 0, new(TextKind.Append, "a"));
            int b = history.Call(0, 1, 1, new(TextKind.Append, "b"));
            history.Return(a, 2, new(TextKind.Append, "a"));
            history.Return(b, 3, new(TextKind.Append, "b"));
            history.Call(0, 2, 4, new(TextKind.Append, "c"));
            history.Return(history.Call(0, 3, 5, new(TextKind.Get, first)), 6, new(TextKind.Get, first));
            history.Return(history.Call(0, 3, 7, new(TextKind.Get, second)), 8, new(TextKind.Get, second));
            return new LinearizabilityChecker<TextOperation, string, TextModel>(default).Check(history).Verdict;
        }
    }

    [Fact]
    public void APutReplacesWhatWasAppended()
    {
        Assert.Equal(Verdict.Linearizable, Text("x"));
        Assert.Equal(Verdict.Linearizable, Text("xa"));
        Assert.Equal(Verdict.NotLinearizable, Text("ax"));

        static Verdict Text(string read)
        {
            History<TextOperation> history = new();
            int a = history.Call(0, 0, 0, new(TextKind.Append, "a"));
            int x = history.Call(0, 1, 1, new(TextKind.Put, "x"));
            history.Return(a, 2, new(TextKind.Append, "a"));
            history.Return(x, 3, new(TextKind.Put, "x"));
            history.Return(history.Call(0, 3, 5, new(TextKind.Get, read)), 6, new(TextKind.Get, read));
            return new LinearizabilityChecker<TextOperation, string, TextModel>(default).Check(history).Verdict;
        }
    }

    private static LinearizabilityReport Register(
        List<(int Client, ulong CalledAt, ulong ReturnedAt, RegisterOperation Operation)> lines, long? initial = null)
    {
        History<RegisterOperation> history = new();
        foreach ((int client, ulong calledAt, ulong returnedAt, RegisterOperation operation) in lines)
        {
            int index = history.Call(0, client, calledAt, operation);
            if (returnedAt != Never) history.Return(index, returnedAt, operation);
        }
        return Check(history, initial);
    }

    private static LinearizabilityReport Check(History<RegisterOperation> history, long? initial) =>
        new LinearizabilityChecker<RegisterOperation, long?, RegisterModel>(new RegisterModel(initial)).Check(history);
}
