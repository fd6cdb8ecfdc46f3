using System.Collections.Generic;
using System.Text;
using Deterministic.Core;

namespace Deterministic.Simulator.Linearizability;

/// <summary>Judges a history key by key: as a whole it is linearizable exactly if every key's part is (Herlihy and
/// Wing, 1990). The work can grow exponentially with the number of operations on one key that run at once, or that
/// never returned (some tens on one key are too many), so it has a limit.</summary>
internal sealed class LinearizabilityChecker<TOperation, TState, TModel>(TModel model, int configurationsMax)
    where TModel : struct, ISequentialModel<TOperation, TState>
{
    public const int ConfigurationsMaxDefault = 5_000_000;
    private const int StepsShown = 12;

    private long _configurations;

    public LinearizabilityChecker(TModel model) : this(model, ConfigurationsMaxDefault)
    {
    }

    public LinearizabilityReport Check(History<TOperation> history)
    {
        _configurations = 0;
        int operations = 0, failed = 0;
        Verdict verdict = Verdict.Linearizable;
        string explanation = "";
        foreach (List<Invocation<TOperation>> part in history.ByKey())
        {
            operations += part.Count;
            Verdict found = Search(part).Verdict;
            if (found == Verdict.Linearizable) continue;
            failed++;
            if (verdict == Verdict.NotLinearizable || (verdict == found && failed > 1)) continue;
            verdict = found;
            explanation = found == Verdict.NotLinearizable
                ? Explain(part)
                : $"key {part[0].Key}: undecided after {configurationsMax} configurations\n";
        }
        return new LinearizabilityReport
        {
            Verdict = verdict, Operations = operations, Configurations = _configurations, KeysFailed = failed,
            Explanation = explanation,
        };
    }

    /// <summary>An order of the operations of one key that shows that they are linearizable; otherwise the longest one
    /// that was found, from which no way leads on.</summary>
    public List<Invocation<TOperation>> Order(List<Invocation<TOperation>> part) => Search(part).Search.Longest;

    private (Verdict Verdict, LinearizationSearch<TOperation, TState, TModel> Search) Search(
        List<Invocation<TOperation>> part)
    {
        LinearizationSearch<TOperation, TState, TModel> search = new(model, part);
        Verdict verdict = search.Run(configurationsMax);
        _configurations += search.Configurations;
        return (verdict, search);
    }

    /// <summary>Every beginning of a linearizable history is linearizable, so there is one return with which it goes
    /// wrong; what was called after that has no part in it.</summary>
    private string Explain(List<Invocation<TOperation>> part)
    {
        List<ulong> returns = [];
        foreach (Invocation<TOperation> invocation in part)
        {
            if (invocation.HasReturned) returns.Add(invocation.ReturnedAt);
        }
        returns.Sort();
        int good = -1, bad = returns.Count - 1;
        while (bad - good > 1)
        {
            int middle = good + (bad - good) / 2;
            if (Search(Until(part, returns[middle])).Verdict == Verdict.NotLinearizable) bad = middle;
            else good = middle;
        }
        return Describe(Until(part, returns[bad]), returns[bad]);
    }

    /// <summary>What had been called by then; what had not returned by then has not returned.</summary>
    private static List<Invocation<TOperation>> Until(List<Invocation<TOperation>> part, ulong time)
    {
        List<Invocation<TOperation>> beginning = [];
        foreach (Invocation<TOperation> invocation in part)
        {
            if (invocation.CalledAt > time) continue;
            bool returned = invocation.ReturnedAt <= time;
            beginning.Add(invocation with
            {
                ReturnedAt = returned ? invocation.ReturnedAt : Invocation<TOperation>.Never,
            });
        }
        return beginning;
    }

    private string Describe(List<Invocation<TOperation>> beginning, ulong time)
    {
        LinearizationSearch<TOperation, TState, TModel> search = Search(beginning).Search;
        List<Invocation<TOperation>> order = search.Longest;
        StringBuilder text = new();
        text.Append($"key {beginning[0].Key}: {beginning.Count} operations until {time} cannot be put in an order\n");
        foreach (Invocation<TOperation> invocation in beginning)
        {
            if (invocation.ReturnedAt == time) AppendLine(text, "goes wrong with", invocation);
        }
        text.Append($"the longest order has {order.Count} operations and ends with\n");
        for (int i = int.Max(0, order.Count - StepsShown); i < order.Count; i++) AppendLine(text, "then", order[i]);
        text.Append($"  where the state is {model.Describe(search.LongestState)}; no way on with\n");
        int shown = 0;
        foreach (Invocation<TOperation> invocation in beginning)
        {
            if (shown == StepsShown || !invocation.HasReturned || Contains(order, invocation)) continue;
            AppendLine(text, "left", invocation);
            shown++;
        }
        return text.ToString();
    }

    private static bool Contains(List<Invocation<TOperation>> order, Invocation<TOperation> wanted)
    {
        foreach (Invocation<TOperation> invocation in order)
        {
            if (invocation.CalledAt == wanted.CalledAt && invocation.Client == wanted.Client) return true;
        }
        return false;
    }

    private void AppendLine(StringBuilder text, string what, Invocation<TOperation> invocation)
    {
        string end = invocation.HasReturned ? $"{invocation.ReturnedAt}" : "never";
        text.Append($"  {what} client {invocation.Client} [{invocation.CalledAt}, {end}]: ");
        text.Append(model.Describe(invocation.Operation, invocation.HasReturned)).Append('\n');
    }
}
