using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Linearizability;
using FsCheck;
using FsCheck.Fluent;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Simulator.Tests.Linearizability;

public sealed class LinearizabilityProperties(ITestOutputHelper output)
{
    private const int SmallMax = 6;

    [Fact]
    public void RegistersAreJudgedAsByAllPermutations() =>
        AgreesWithPermutations<RegisterOperation, long?, RegisterModel>(
            new RegisterModel(null), GeneratedHistory.DrawRegister, GeneratedHistory.Perform,
            static (prng, operation) => operation.Kind == RegisterKind.CompareAndSet
                ? operation with { Succeeded = !operation.Succeeded } : operation with { Value = prng.Below(3) });

    [Fact]
    public void TextsAreJudgedAsByAllPermutations() => AgreesWithPermutations<TextOperation, string, TextModel>(
        default, GeneratedHistory.DrawText, GeneratedHistory.Perform, static (prng, operation) =>
            operation with { Text = operation.Text + (char)('a' + prng.Below(3)) });

    [Fact]
    public void DocumentsAreJudgedAsByAllPermutations() =>
        AgreesWithPermutations<DocumentOperation, long?, DocumentModel>(
            default, static (prng, number) => GeneratedHistory.DrawDocument(prng, number, 3), GeneratedHistory.Perform,
            static (prng, operation) => operation.Kind == DocumentKind.Read
                ? operation with { Value = prng.Below(3) } : operation with { Affected = 1 - operation.Affected });

    /// <summary>And the order that is given as the reason stands every test of an order.</summary>
    [Fact]
    public void AStoreWithDelaysIsLinearizable()
    {
        int operations = 0;
        for (ulong seed = 0; seed < 100; seed++)
        {
            List<Invocation<DocumentOperation>> part = Documents(seed);
            LinearizabilityChecker<DocumentOperation, long?, DocumentModel> checker = new(default);
            LinearizabilityReport report = checker.Check(HistoryOf(part));
            Assert.True(report.Verdict == Verdict.Linearizable, $"seed {seed}: {report}");
            List<Invocation<DocumentOperation>> order = checker.Order(part);
            bool isOrder = IsOrderOf<DocumentOperation, long?, DocumentModel>(default, order, part);
            Assert.True(isOrder, $"seed {seed}: a wrong order");
            operations += part.Count;
        }
        Assert.Equal(100 * 400, operations);
    }

    [Fact]
    public void OneStaleReadIsFound()
    {
        int planted = 0;
        for (ulong seed = 0; seed < 100; seed++)
        {
            List<Invocation<DocumentOperation>> part = Documents(seed);
            if (!PlantStaleRead(part, Prng.For(seed, 1))) continue;
            planted++;
            LinearizabilityReport report =
                new LinearizabilityChecker<DocumentOperation, long?, DocumentModel>(default).Check(HistoryOf(part));
            Assert.True(report.Verdict == Verdict.NotLinearizable, $"seed {seed}: {report}");
        }
        Assert.True(planted > 90);
    }

    private static List<Invocation<DocumentOperation>> Documents(ulong seed) => GeneratedHistory.Of(
        new Prng(seed), 400, 6, 80, (long?)null,
        static (prng, number) => GeneratedHistory.DrawDocument(prng, number, 0), GeneratedHistory.Perform);

    /// <summary>A read gets a value whose writer had returned before a later writer was called, which returned before
    /// the read was called.</summary>
    private static bool PlantStaleRead(List<Invocation<DocumentOperation>> part, Prng prng)
    {
        List<(int Read, long Value)> choices = [];
        foreach (Invocation<DocumentOperation> old in part)
        {
            if (old.Operation.Kind != DocumentKind.Upsert || old.Operation.Affected == 0) continue;
            ulong replacedAt = ulong.MaxValue;
            foreach (Invocation<DocumentOperation> later in part)
            {
                bool replaces = later.Operation.Kind == DocumentKind.Upsert && later.Operation.Affected == 1;
                if (replaces && later.CalledAt > old.ReturnedAt)
                    replacedAt = ulong.Min(replacedAt, later.ReturnedAt);
            }
            for (int i = 0; i < part.Count; i++)
            {
                bool isRead = part[i].HasReturned && part[i].Operation.Kind == DocumentKind.Read;
                if (isRead && part[i].CalledAt > replacedAt) choices.Add((i, old.Operation.Value!.Value));
            }
        }
        if (choices.Count == 0) return false;
        (int read, long value) = choices[prng.Below(choices.Count)];
        part[read] = part[read] with { Operation = part[read].Operation with { Value = value } };
        return true;
    }

    private void AgreesWithPermutations<TOperation, TState, TModel>(
        TModel model, Func<Prng, int, TOperation> draw, Func<TState, TOperation, (TState, TOperation)> perform,
        Func<Prng, TOperation, TOperation> spoil)
        where TModel : struct, ISequentialModel<TOperation, TState>
    {
        int[] verdicts = new int[3];
        Prop.ForAll<ulong>(seed =>
        {
            Prng prng = new(seed);
            List<Invocation<TOperation>> part =
                GeneratedHistory.Of(prng, prng.Range(1, SmallMax), 3, prng.Range(2, 12), model.Initial, draw, perform);
            int at = prng.Below(part.Count);
            if (prng.Below(4) > 0 && part[at].HasReturned)
                part[at] = part[at] with { Operation = spoil(prng, part[at].Operation) };
            LinearizabilityChecker<TOperation, TState, TModel> checker = new(model);
            LinearizabilityReport report = checker.Check(HistoryOf(part));
            verdicts[(int)report.Verdict]++;
            bool expected = ExistsOrder<TOperation, TState, TModel>(model, part, [], model.Initial);
            Assert.Equal(expected ? Verdict.Linearizable : Verdict.NotLinearizable, report.Verdict);
            if (expected) Assert.True(IsOrderOf<TOperation, TState, TModel>(model, checker.Order(part), part));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5_000));
        output.WriteLine($"{verdicts[0]} linearizable, {verdicts[1]} not");
        Assert.True(verdicts[0] > 500 && verdicts[1] > 500, $"{verdicts[0]} linearizable, {verdicts[1]} not");
    }

    private static History<TOperation> HistoryOf<TOperation>(List<Invocation<TOperation>> part)
    {
        History<TOperation> history = new();
        foreach (Invocation<TOperation> invocation in part)
        {
            int index = history.Call(invocation.Key, invocation.Client, invocation.CalledAt, invocation.Operation);
            if (invocation.HasReturned) history.Return(index, invocation.ReturnedAt, invocation.Operation);
        }
        return history;
    }

    /// <summary>Tries every order of every choice of those that did not return.</summary>
    private static bool ExistsOrder<TOperation, TState, TModel>(
        TModel model, List<Invocation<TOperation>> part, List<int> order, TState state)
        where TModel : struct, ISequentialModel<TOperation, TState>
    {
        bool all = true;
        for (int i = 0; i < part.Count; i++) all &= !part[i].HasReturned || order.Contains(i);
        if (all) return true;
        for (int i = 0; i < part.Count; i++)
        {
            bool mayBeNext = !order.Contains(i);
            for (int j = 0; j < part.Count; j++)
                mayBeNext &= order.Contains(j) || part[j].ReturnedAt >= part[i].CalledAt;
            if (!mayBeNext) continue;
            TState next = model.Apply(state, part[i].Operation, out bool agrees);
            if (part[i].HasReturned && !agrees) continue;
            order.Add(i);
            if (ExistsOrder<TOperation, TState, TModel>(model, part, order, next)) return true;
            order.RemoveAt(order.Count - 1);
        }
        return false;
    }

    /// <summary>Whether it has all that returned, once, in an order that real time allows, with the right
    /// results.</summary>
    private static bool IsOrderOf<TOperation, TState, TModel>(
        TModel model, List<Invocation<TOperation>> order, List<Invocation<TOperation>> part)
        where TModel : struct, ISequentialModel<TOperation, TState>
    {
        SortedSet<(ulong, int)> seen = [];
        TState state = model.Initial;
        for (int i = 0; i < order.Count; i++)
        {
            if (!seen.Add((order[i].CalledAt, order[i].Client))) return false;
            for (int j = 0; j < i; j++)
            {
                if (order[i].ReturnedAt < order[j].CalledAt) return false;
            }
            state = model.Apply(state, order[i].Operation, out bool agrees);
            if (order[i].HasReturned && !agrees) return false;
        }
        foreach (Invocation<TOperation> invocation in part)
        {
            if (invocation.HasReturned && !seen.Contains((invocation.CalledAt, invocation.Client))) return false;
        }
        return true;
    }
}
