using System.Text;

namespace Deterministic.Simulator.Linearizability;

/// <summary>What a check found, for programs and for people.</summary>
internal sealed class LinearizabilityReport
{
    public required Verdict Verdict { get; init; }

    /// <summary>Operations that were judged, and configurations that were explored, of all keys.</summary>
    public required int Operations { get; init; }
    public required long Configurations { get; init; }

    /// <summary>The keys that are not linearizable, or could not be decided.</summary>
    public required int KeysFailed { get; init; }

    /// <summary>What is wrong with the first of these keys; empty if there is none.</summary>
    public required string Explanation { get; init; }

    public override string ToString()
    {
        StringBuilder text = new();
        text.Append($"{Operations} operations, {Configurations} configurations: {Verdict}");
        if (KeysFailed > 0) text.Append($" ({KeysFailed} keys)\n").Append(Explanation);
        return text.ToString();
    }
}
