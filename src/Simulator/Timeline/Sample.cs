using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Timeline;

/// <summary>So many of the messages of a run that a page stays small: all that decide views, and of the rest each
/// n-th.</summary>
internal static class Sample
{
    public static List<Passage> Of(IReadOnlyList<Passage> passages, int most)
    {
        Check.That(most > 0);
        int others = 0;
        foreach (Passage passage in passages) others += DecidesViews(passage.Command) ? 0 : 1;
        int stride = (others + most - 1) / most;
        List<Passage> sample = [];
        int count = 0;
        foreach (Passage passage in passages)
        {
            if (DecidesViews(passage.Command) || count++ % stride == 0) sample.Add(passage);
        }
        return sample;
    }

    public static bool DecidesViews(Command command) =>
        command is Command.ExitView or Command.JoinView or Command.View or Command.GetView;
}
