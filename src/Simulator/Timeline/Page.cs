using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Deterministic.Core;

namespace Deterministic.Simulator.Timeline;

/// <summary>A run as one HTML file that needs nothing else: the data goes into a page that draws it.</summary>
internal static class Page
{
    private const int MessagesMax = 8_000;
    private const string Place = "/*DATA*/";
    private const ulong NanosecondsPerMicrosecond = 1000;

    /// <param name="template">The page without its data.</param>
    /// <param name="chronicle">What happened.</param>
    /// <param name="title">For people.</param>
    public static string Of(string template, Chronicle chronicle, string title)
    {
        int at = template.IndexOf(Place, StringComparison.Ordinal);
        Check.That(at > 0);
        StringBuilder page = new(template, 0, at, template.Length * 4);
        AddData(page, chronicle, title);
        return page.Append(template, at + Place.Length, template.Length - at - Place.Length).ToString();
    }

    private static void AddData(StringBuilder page, Chronicle chronicle, string title)
    {
        List<Passage> passages = Sample.Of(chronicle.Passages, MessagesMax);
        page.Append("title: ").Append(Quoted(title));
        page.Append(CultureInfo.InvariantCulture, $",\nreplicas: {chronicle.Replicas}");
        page.Append(CultureInfo.InvariantCulture, $",\nall: {chronicle.Passages.Count}");
        page.Append(",\nlanes: [");
        for (int lane = 0; lane <= chronicle.RunLane; lane++) page.Append(Quoted(chronicle.NameOf(lane))).Append(',');
        page.Append("],\nevents: [\n");
        foreach (Happening happening in chronicle.Happenings)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"[{Micro(happening.Time)},{(int)happening.Kind},{happening.Lane},");
            page.Append(Quoted(happening.Text)).Append("],\n");
        }
        page.Append("],\nmessages: [\n");
        foreach (Passage passage in passages)
        {
            page.Append(CultureInfo.InvariantCulture, $"[{Micro(passage.Sent)},{Micro(passage.Due)},{passage.From},");
            page.Append(CultureInfo.InvariantCulture, $"{passage.To},{(int)passage.Command},");
            page.Append(Quoted(passage.Text)).Append("],\n");
        }
        page.Append("]\n");
    }

    private static ulong Micro(ulong nanoseconds) => nanoseconds / NanosecondsPerMicrosecond;

    /// <summary>As a string of the page's language; nothing in it can end the script.</summary>
    private static string Quoted(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char character in text)
        {
            bool plain = character is >= ' ' and <= '~' and not ('"' or '\\' or '<' or '>');
            if (plain) quoted.Append(character);
            else quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
        }
        return quoted.Append('"').ToString();
    }
}
