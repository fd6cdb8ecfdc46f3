using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Text;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Text;

public sealed class FragmentCutterTests
{
    private static string[] Cut(FragmentUnit unit, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        List<string> fragments = [];
        int at = 0;
        while (FragmentCutter.TryNext(unit, utf8, ref at, out int start))
            fragments.Add(Encoding.UTF8.GetString(utf8, start, at - start));
        return [.. fragments];
    }

    [Theory]
    [InlineData("One. Two!  Three? Four… Five", "One.|Two!|Three?|Four…|Five")]
    [InlineData("Line without an end\nand another \r\n\n third", "Line without an end|and another|third")]
    [InlineData("He said \"Go!\" Then (quietly.) left.", "He said \"Go!\"|Then (quietly.) left.")]
    [InlineData("Pi is 3.14. e.g. not here. Yes.", "Pi is 3.14. e.g. not here.|Yes.")]
    [InlineData("What?! now", "What?!|now")]
    [InlineData("日本。次の文！終", "日本。|次の文！|終")]
    [InlineData("  padded.  ", "padded.")]
    [InlineData("...", "...")]
    [InlineData("a.!\" b c", "a.!\"|b c")]
    [InlineData("a.. b.) c", "a.. b.) c")]
    [InlineData("a.!b. C", "a.!b.|C")]
    [InlineData("。.a! b", "。.|a!|b")]
    [InlineData(" \n ", "")]
    [InlineData("", "")]
    public void Sentences(string text, string expected) =>
        Assert.Equal(expected, string.Join('|', Cut(FragmentUnit.Sentence, text)));

    [Fact]
    public void Paragraphs_are_lines() =>
        Assert.Equal(["One. Two.", "Three."], Cut(FragmentUnit.Paragraph, "One. Two. \n\n  Three.\r\n"));

    [Fact]
    public void The_whole_is_left_as_it_is()
    {
        Assert.Equal([" One.\n Two. "], Cut(FragmentUnit.None, " One.\n Two. "));
        Assert.Empty(Cut(FragmentUnit.None, ""));
    }

    /// <summary>A mark that was looked at again from each mark before it would cost hours here.</summary>
    [Fact]
    public void A_long_row_of_marks_is_passed_once()
    {
        string marks = new('.', 4_000_000);
        Assert.Equal([$"{marks}a"], Cut(FragmentUnit.Sentence, $"{marks}a"));
        Assert.Equal([$"{marks}  a b"], Cut(FragmentUnit.Sentence, $"{marks}  a b"));
    }

    /// <summary>Nothing but white space lies between fragments, and none is empty.</summary>
    [Fact]
    public void Fragments_make_up_the_text() => Prop.ForAll<int[]>(draws =>
    {
        string[] parts = ["a", "B", ". ", ".", "! ", "\n", " ", "\"", "。", "é", "…", ")"];
        string text = string.Concat(draws.Select(draw => parts[(draw & int.MaxValue) % parts.Length]));
        foreach (FragmentUnit unit in (FragmentUnit[])[FragmentUnit.Sentence, FragmentUnit.Paragraph])
        {
            string[] fragments = Cut(unit, text);
            static string Squeeze(string some) => string.Concat(some.Where(c => !char.IsWhiteSpace(c)));
            if (Squeeze(string.Concat(fragments)) != Squeeze(text)) return false;
            if (fragments.Any(fragment => fragment.Trim() != fragment || fragment.Contains('\n'))) return false;
        }
        return true;
    }).QuickCheckThrowOnFailure();
}
