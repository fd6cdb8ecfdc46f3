using System;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Named sets of code points, as pairs of first and last: the classes of regular expressions on the tables of
/// Unicode 15.0, and those of POSIX, which are ASCII.</summary>
public static class CodeTables
{
    public static ReadOnlySpan<int> Word => ClassTables.Word;
    public static ReadOnlySpan<int> Digit => ClassTables.Digit;
    public static ReadOnlySpan<int> Space => ClassTables.Space;

    private static ReadOnlySpan<int> Alnum => ['0', '9', 'A', 'Z', 'a', 'z'];
    private static ReadOnlySpan<int> Alpha => ['A', 'Z', 'a', 'z'];
    private static ReadOnlySpan<int> Ascii => [0, 0x7F];
    private static ReadOnlySpan<int> Blank => ['\t', '\t', ' ', ' '];
    private static ReadOnlySpan<int> Control => [0, 0x1F, 0x7F, 0x7F];
    private static ReadOnlySpan<int> AsciiDigit => ['0', '9'];
    private static ReadOnlySpan<int> Graph => ['!', '~'];
    private static ReadOnlySpan<int> Lower => ['a', 'z'];
    private static ReadOnlySpan<int> Print => [' ', '~'];
    private static ReadOnlySpan<int> Punctuation => ['!', '/', ':', '@', '[', '`', '{', '~'];
    private static ReadOnlySpan<int> AsciiSpace => ['\t', '\r', ' ', ' '];
    private static ReadOnlySpan<int> Upper => ['A', 'Z'];
    private static ReadOnlySpan<int> AsciiWord => ['0', '9', 'A', 'Z', '_', '_', 'a', 'z'];
    private static ReadOnlySpan<int> Hexadecimal => ['0', '9', 'A', 'F', 'a', 'f'];

    public static bool IsWord(int code)
    {
        ReadOnlySpan<int> pairs = Word;
        int low = 0;
        int high = pairs.Length / 2;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (pairs[2 * middle + 1] < code) low = middle + 1;
            else high = middle;
        }
        return low < pairs.Length / 2 && pairs[2 * low] <= code;
    }

    /// <summary>The class with a name of POSIX, such as "alpha"; empty if there is none.</summary>
    public static ReadOnlySpan<int> Posix(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("alnum"u8)) return Alnum;
        if (name.SequenceEqual("alpha"u8)) return Alpha;
        if (name.SequenceEqual("ascii"u8)) return Ascii;
        if (name.SequenceEqual("blank"u8)) return Blank;
        if (name.SequenceEqual("cntrl"u8)) return Control;
        if (name.SequenceEqual("digit"u8)) return AsciiDigit;
        if (name.SequenceEqual("graph"u8)) return Graph;
        if (name.SequenceEqual("lower"u8)) return Lower;
        if (name.SequenceEqual("print"u8)) return Print;
        if (name.SequenceEqual("punct"u8)) return Punctuation;
        if (name.SequenceEqual("space"u8)) return AsciiSpace;
        if (name.SequenceEqual("upper"u8)) return Upper;
        if (name.SequenceEqual("word"u8)) return AsciiWord;
        return name.SequenceEqual("xdigit"u8) ? Hexadecimal : default;
    }
}
