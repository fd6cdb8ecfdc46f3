using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>A buffer of one message from a <see cref="MessagePool"/>, counted by references: whoever keeps it takes one
/// and drops it when done.</summary>
public sealed class Message
{
    private readonly MessagePool _pool;
    private int _references;

    internal Message(MessagePool pool, NativeBuffer buffer)
    {
        _pool = pool;
        Buffer = buffer;
    }

    /// <summary>All of the buffer: sector-aligned, as large as the largest message.</summary>
    public NativeBuffer Buffer { get; }
    public ref Header Header => ref Core.Wire.Header.At(Buffer.Span);
    public Span<byte> Body => Buffer.Slice(Limits.HeaderSize, (int)Header.Size - Limits.HeaderSize);

    /// <summary>Header and body.</summary>
    public Span<byte> Bytes => Buffer.Slice(0, (int)Header.Size);
    public int References => _references;
    internal Message? NextFree { get; set; }

    public Message Reference()
    {
        Check.That(_references > 0);
        _references++;
        return this;
    }

    public void Release()
    {
        Check.That(_references > 0);
        if (--_references == 0) _pool.Return(this);
    }

    internal void Lend()
    {
        Check.That(_references == 0);
        _references = 1;
    }
}

/// <summary>A fixed number of message buffers. An empty pool is back-pressure: callers try again later.</summary>
public sealed class MessagePool
{
    private Message? _free;

    public MessagePool(StaticMemory memory, int count, int messageSize)
    {
        Check.That(count > 0);
        Check.That(messageSize % Limits.SectorSize == 0);
        NativeBuffer all = memory.Take((long)count * messageSize, Limits.SectorSize);
        for (int i = 0; i < count; i++)
        {
            Message message = new(this, all.Part((long)i * messageSize, messageSize)) { NextFree = _free };
            _free = message;
        }
        Capacity = count;
        FreeCount = count;
    }

    public int Capacity { get; }
    public int FreeCount { get; private set; }

    public Message? TryTake()
    {
        Message? message = _free;
        if (message is null) return null;
        _free = message.NextFree;
        message.NextFree = null;
        message.Lend();
        FreeCount--;
        return message;
    }

    internal void Return(Message message)
    {
        Check.That(message.References == 0);
        message.NextFree = _free;
        _free = message;
        FreeCount++;
        Check.That(FreeCount <= Capacity);
    }
}
