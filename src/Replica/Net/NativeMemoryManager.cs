using System;
using System.Buffers;
using Deterministic.Core.Memory;

namespace Deterministic.Replica.Net;

/// <summary>Lets a socket read into and write from native memory, which the garbage collector never moves.</summary>
internal sealed unsafe class NativeMemoryManager(NativeBuffer buffer) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => buffer.Span;

    public override MemoryHandle Pin(int elementIndex = 0) => new(buffer.Pointer + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
