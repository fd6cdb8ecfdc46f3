using System;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine;

/// <summary>Writes an error reply (code u16, length u16, UTF-8) straight into the reply's body: begin with the code,
/// then add pieces that name the field, the limit and the value. A text that grows too long is cut at a whole
/// character.</summary>
public ref struct ErrorText(Span<byte> reply)
{
    private const int HeaderSize = 4;
    private const int TextSizeMax = 1024;

    private readonly Span<byte> _reply = reply;
    private ReadOnlySpan<byte> _computed;

    public ErrorCode Code { get; private set; }

    /// <summary>Size of the reply's body so far.</summary>
    public int Size { get; private set; }

    private readonly int Capacity => Math32.Min(_reply.Length, HeaderSize + TextSizeMax);

    /// <summary>An error from now on is one of this computed attribute, or of none if empty.</summary>
    public void Within(ReadOnlySpan<byte> computed) => _computed = computed;

    [UnscopedRef]
    public ref ErrorText Begin(ErrorCode code)
    {
        Check.That(code != ErrorCode.Ok);
        Check.That(_reply.Length >= HeaderSize);
        Code = code;
        Size = HeaderSize;
        BinaryPrimitives.WriteUInt16LittleEndian(_reply, (ushort)code);
        if (_computed.IsEmpty) return ref Grow(0);
        Grow(0);
        return ref Text("computed attribute "u8).Name(_computed).Text(": "u8);
    }

    /// <summary>Bytes that do not decode: a bug of the client library, whatever the field.</summary>
    public bool Malformed(scoped ReadOnlySpan<byte> where)
    {
        Begin(ErrorCode.Malformed).Text("request does not decode: "u8).Text(where);
        return false;
    }

    /// <summary>Adds a text, which may be a request's: if it is no UTF-8, its bytes beyond ASCII become question
    /// marks.</summary>
    [UnscopedRef]
    public ref ErrorText Text(scoped ReadOnlySpan<byte> text)
    {
        if (!Utf8.IsValid(text))
        {
            for (int i = 0; i < text.Length; i++) Text(text[i] < 0x80 ? text.Slice(i, 1) : "?"u8);
            return ref this;
        }
        int size = Math32.Min(text.Length, Capacity - Size);
        while (size > 0 && size < text.Length && (text[size] & 0xC0) == 0x80) size--;
        text[..size].CopyTo(_reply[Size..]);
        return ref Grow(size);
    }

    /// <summary>A name between backquotes.</summary>
    [UnscopedRef]
    public ref ErrorText Name(scoped ReadOnlySpan<byte> name) => ref Text("`"u8).Text(name).Text("`"u8);

    [UnscopedRef]
    public ref ErrorText Number(long value)
    {
        Span<byte> digits = stackalloc byte[24];
        bool fits = Utf8Formatter.TryFormat(value, digits, out int size);
        Check.That(fits);
        return ref Text(digits[..size]);
    }

    [UnscopedRef]
    public ref ErrorText Number(ulong value)
    {
        Span<byte> digits = stackalloc byte[24];
        bool fits = Utf8Formatter.TryFormat(value, digits, out int size);
        Check.That(fits);
        return ref Text(digits[..size]);
    }

    [UnscopedRef]
    private ref ErrorText Grow(int size)
    {
        Check.That(Code != ErrorCode.Ok);
        Size += size;
        BinaryPrimitives.WriteUInt16LittleEndian(_reply[2..], (ushort)(Size - HeaderSize));
        return ref this;
    }
}
