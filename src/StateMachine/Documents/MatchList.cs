using System;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.StateMachine.Documents;

/// <summary>Documents that a filter of a write found, in ascending order, and what they amount to.</summary>
internal sealed class MatchList
{
    private readonly NativeBuffer _documents;

    public MatchList(StaticMemory memory, int documentsMax) => _documents = memory.Take(4L * documentsMax);

    public int Count { get; private set; }

    /// <summary>Bytes of work: of rows that die or are made anew.</summary>
    public long Bytes { get; private set; }

    /// <summary>Encoded size of all ids.</summary>
    public long IdBytes { get; private set; }

    public uint this[int index] => Documents[index];
    private Span<uint> Documents => _documents.As<uint>();

    public void Clear()
    {
        Count = 0;
        Bytes = 0;
        IdBytes = 0;
    }

    public bool HasRoom(long bytes, long bytesMax) => Count < Documents.Length && Bytes + bytes <= bytesMax;

    public void Add(uint document, long bytes, int idBytes)
    {
        Check.That(Count == 0 || Documents[Count - 1] < document);
        Documents[Count++] = document;
        Bytes += bytes;
        IdBytes += idBytes;
    }

    public bool Contains(uint document) => Documents[..Count].BinarySearch(document) >= 0;
}
