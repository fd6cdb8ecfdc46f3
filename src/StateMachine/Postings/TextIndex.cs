using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Postings;

/// <summary>Keeps the postings of full-text attributes equal to what the live documents hold: a document is added once,
/// above all documents before it, and removed by analysing its old text again.</summary>
public sealed class TextIndex
{
    private readonly PostingLists _lists;
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;
    private readonly NativeBuffer _order;
    private readonly NativeBuffer _scratch;
    private readonly NativeBuffer _positions;

    public TextIndex(StaticMemory memory, PostingLists lists, int textSizeMax)
    {
        Check.That(textSizeMax > 0);
        _lists = lists;
        _analyzer = new Analyzer(memory);
        int tokensMax = textSizeMax;
        _tokens = new TokenBuffer(memory, tokensMax, 6 * textSizeMax);
        _order = memory.Take(4L * tokensMax);
        _scratch = memory.Take(4L * tokensMax);
        _positions = memory.Take(PositionsSizeMax(textSizeMax));
    }

    /// <summary>Bytes of the positions of one posting.</summary>
    public static int PositionsSizeMax(int textSizeMax) => Varint.SizeMax * (textSizeMax + 1);

    /// <summary>Indexes one value and returns the number of its tokens.</summary>
    public uint Add(ulong namespaceNumber, in AttributeRecord attribute, uint document, in EncodedValue text)
    {
        Span<int> order = Analyze(attribute, text);
        int start = 0;
        while (start < order.Length)
        {
            int end = GroupEnd(order, start);
            Span<int> tokens = order[start..end];
            _lists.Add(namespaceNumber, attribute.Number, _tokens.Text(tokens[0]), document, (uint)tokens.Length,
                EncodePositions(tokens));
            start = end;
        }
        return (uint)order.Length;
    }

    /// <summary>Adds what <see cref="Add"/> may need for one value.</summary>
    public void Measure(in AttributeRecord attribute, in EncodedValue text, ref StateGrowth growth)
    {
        Span<int> order = Analyze(attribute, text);
        long terms = 0;
        long termBytes = 0;
        for (int start = 0; start < order.Length; start = GroupEnd(order, start))
        {
            terms++;
            termBytes += _tokens.Text(order[start]).Length;
        }
        growth.AddTerms(terms, termBytes, order.Length);
    }

    /// <summary>Asks for what adding or removing one value needs; nothing is analysed if all terms and postings of the
    /// attribute are in memory.</summary>
    public void Touch(
        ulong namespaceNumber, in AttributeRecord attribute, uint document, scoped in EncodedValue text)
    {
        if (_lists.IsResident(namespaceNumber, attribute.Number)) return;
        Span<int> order = Analyze(attribute, text);
        for (int start = 0; start < order.Length; start = GroupEnd(order, start))
            _lists.Touch(namespaceNumber, attribute.Number, _tokens.Text(order[start]), document);
    }

    /// <summary>Takes one value out again and returns the number of its tokens.</summary>
    public uint Remove(ulong namespaceNumber, in AttributeRecord attribute, uint document, in EncodedValue text)
    {
        Span<int> order = Analyze(attribute, text);
        int start = 0;
        while (start < order.Length)
        {
            int end = GroupEnd(order, start);
            _lists.Remove(namespaceNumber, attribute.Number, _tokens.Text(order[start]), document);
            start = end;
        }
        return (uint)order.Length;
    }

    /// <summary>The tokens of a string, or of all elements of an array of strings, in the order of terms, then
    /// positions.</summary>
    private Span<int> Analyze(in AttributeRecord attribute, scoped in EncodedValue text)
    {
        _tokens.Clear();
        if (text.Kind == Core.Model.ValueKind.String)
        {
            _analyzer.Analyze(attribute.Text, text.Payload, _tokens);
        }
        else
        {
            WireReader elements = text.Elements;
            for (int i = 0; i < text.ElementCount; i++)
            {
                EncodedValue element = EncodedValue.Read(ref elements, element: true);
                if (!_analyzer.Analyze(attribute.Text, element.Payload, _tokens, _tokens.NextPosition)) break;
            }
        }
        Span<int> order = _order.As<int>()[.._tokens.Count];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        IndexSort.Sort(order, _scratch.As<int>(), new TermOrder(_tokens));
        return order;
    }

    private int GroupEnd(Span<int> order, int start)
    {
        ReadOnlySpan<byte> term = _tokens.Text(order[start]);
        int end = start + 1;
        while (end < order.Length && _tokens.Text(order[end]).SequenceEqual(term)) end++;
        return end;
    }

    /// <summary>Size, then differences of positions: a posting's part of section 3.</summary>
    private ReadOnlySpan<byte> EncodePositions(ReadOnlySpan<int> tokens)
    {
        Span<byte> bytes = _positions.Span;
        int used = Varint.SizeMax;
        int before = 0;
        foreach (int token in tokens)
        {
            int position = _tokens.Position(token);
            used += Varint.Write(bytes[used..], (uint)(position - before));
            before = position;
        }
        Span<byte> size = stackalloc byte[Varint.SizeMax];
        size = size[..Varint.Write(size, (uint)(used - Varint.SizeMax))];
        int start = Varint.SizeMax - size.Length;
        size.CopyTo(bytes[start..]);
        return bytes[start..used];
    }

    private readonly struct TermOrder(TokenBuffer tokens) : IIndexOrder
    {
        public int Compare(int left, int right)
        {
            int order = tokens.Text(left).SequenceCompareTo(tokens.Text(right));
            return order != 0 ? order : left.CompareTo(right);
        }
    }
}
