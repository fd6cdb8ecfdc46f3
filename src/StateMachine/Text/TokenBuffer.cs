using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.StateMachine.Text;

/// <summary>Tokens in the order of the text: the bytes of each, and its position. Capacity is fixed at
/// construction.</summary>
public sealed class TokenBuffer
{
    private readonly NativeBuffer _bytes;
    private readonly NativeBuffer _entries;
    private readonly int _tokensMax;
    private int _bytesUsed;

    public TokenBuffer(StaticMemory memory, int tokensMax, int bytesMax)
    {
        Check.That(tokensMax > 0);
        Check.That(bytesMax > 0);
        _tokensMax = tokensMax;
        _entries = memory.Take((long)tokensMax * Marshal.SizeOf<Entry>());
        _bytes = memory.Take(bytesMax);
    }

    public int Count { get; private set; }

    /// <summary>Position after the last token of the text analysed last; dropped tokens and stop words count.</summary>
    public int NextPosition { get; internal set; }

    public void Clear()
    {
        Count = 0;
        NextPosition = 0;
        _bytesUsed = 0;
    }

    /// <summary>UTF-8 of token <paramref name="i"/>; valid until <see cref="Clear"/>.</summary>
    public ReadOnlySpan<byte> Text(int i)
    {
        Check.That((uint)i < (uint)Count);
        Entry entry = _entries.As<Entry>()[i];
        return _bytes.Slice(entry.Offset, entry.Size);
    }

    public int Position(int i)
    {
        Check.That((uint)i < (uint)Count);
        return _entries.As<Entry>()[i].Position;
    }

    /// <summary>False, and nothing is added, if there is no room.</summary>
    public bool TryAdd(ReadOnlySpan<byte> text, int position)
    {
        Check.That(text.Length > 0);
        if (Count == _tokensMax || text.Length > _bytes.Length - _bytesUsed) return false;
        text.CopyTo(_bytes.Slice(_bytesUsed, text.Length));
        _entries.As<Entry>()[Count] = new Entry { Offset = _bytesUsed, Size = text.Length, Position = position };
        _bytesUsed += text.Length;
        Count++;
        return true;
    }

    [StructLayout(LayoutKind.Explicit, Size = 12)]
    private struct Entry
    {
        [FieldOffset(0)] public int Offset;
        [FieldOffset(4)] public int Size;
        [FieldOffset(8)] public int Position;
    }
}
