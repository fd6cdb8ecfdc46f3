using System;
using System.Collections.Generic;
using System.Globalization;

namespace Deterministic.Simulator.Timeline;

/// <summary>A run as lines of text, one for each thing that happened; commits in a row become one, and messages are
/// told only where the log or the view hangs on them, or where few are left.</summary>
internal static class PlainList
{
    private const int MessagesMax = 60;
    private const ulong NanosecondsPerMicrosecond = 1000;

    public static List<string> Of(Chronicle chronicle)
    {
        List<(ulong Time, int Order, string Text)> lines = [];
        AddHappenings(lines, chronicle);
        bool all = chronicle.Passages.Count <= MessagesMax;
        foreach (Passage passage in chronicle.Passages)
        {
            if (!all && !Sample.DecidesViews(passage.Command)) continue;
            string fate = passage.Due == 0 ? ", lost" : $", arrives {Seconds(passage.Due)}";
            lines.Add((passage.Sent, lines.Count, $"{chronicle.NameOf(passage.From)} to " +
                $"{chronicle.NameOf(passage.To)}: {passage.Text}{fate}"));
        }
        lines.Sort(static (a, b) => a.Time != b.Time ? a.Time.CompareTo(b.Time) : a.Order.CompareTo(b.Order));
        List<string> texts = [];
        foreach ((ulong time, int _, string text) in lines) texts.Add($"{Seconds(time)}  {text}");
        return texts;
    }

    private static void AddHappenings(List<(ulong Time, int Order, string Text)> lines, Chronicle chronicle)
    {
        for (int i = 0; i < chronicle.Happenings.Count; i++)
        {
            Happening happening = chronicle.Happenings[i];
            string text = happening.Text;
            if (happening.Kind == HappeningKind.Commit)
            {
                int last = LastOfRow(chronicle, i, out bool isFirst);
                if (!isFirst) continue;
                string from = text;
                text = last == i ? $"has run {from}" : $"has run {from} to {chronicle.Happenings[last].Text}";
            }
            if (happening.Kind == HappeningKind.Checkpoint) text = $"has checkpoint {text}";
            lines.Add((happening.Time, lines.Count, $"{chronicle.NameOf(happening.Lane)} {text}"));
        }
    }

    /// <summary>The last of the commits that follow this one in its lane with nothing else between.</summary>
    private static int LastOfRow(Chronicle chronicle, int at, out bool isFirst)
    {
        Happening first = chronicle.Happenings[at];
        isFirst = true;
        for (int i = at - 1; i >= 0; i--)
        {
            if (chronicle.Happenings[i].Lane != first.Lane) continue;
            isFirst = chronicle.Happenings[i].Kind != HappeningKind.Commit;
            break;
        }
        int last = at;
        for (int i = at + 1; i < chronicle.Happenings.Count; i++)
        {
            if (chronicle.Happenings[i].Lane != first.Lane) continue;
            if (chronicle.Happenings[i].Kind != HappeningKind.Commit) break;
            last = i;
        }
        return last;
    }

    public static string Seconds(ulong nanoseconds)
    {
        ulong micro = nanoseconds / NanosecondsPerMicrosecond;
        return string.Create(CultureInfo.InvariantCulture, $"{micro / 1_000_000,3}.{micro % 1_000_000:d6}");
    }
}
