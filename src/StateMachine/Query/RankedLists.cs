using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.StateMachine.Query;

/// <summary>One answer of a sub-query: ranked rows, or the finished bytes of aggregates.</summary>
internal struct RankedList
{
    public int Start;
    public int Count;
    public bool IsBytes;
}

/// <summary>What ranking a request has led to, until it is written into a reply.</summary>
internal struct RankedRequest
{
    public int ListStart;
    public int ListCount;
    public bool IsKept;
    public bool IsFused;
    public ulong Exhaustive;
    public long BytesRead;
}

/// <summary>The outcome of ranking the requests of one operation, found while it was prefetched, so that its commit
/// only writes them down. One request always has room; of a batch as many are kept as fit.</summary>
internal sealed class RankedLists
{
    /// <summary>A part of a batch needs as much of a reply at least.</summary>
    private const int PartReplySizeMin = 64;

    private readonly NativeBuffer _rows;
    private readonly NativeBuffer _bytes;
    private readonly RankedRequest[] _requests;
    private readonly RankedList[] _lists;
    private ulong _op;
    private int _rowCount;
    private int _byteCount;
    private int _listCount;
    private RankedRequest _open;
    private int _openRowCount;
    private int _openByteCount;
    private int _requestsUsed;

    public RankedLists(StaticMemory memory, int messageBodySizeMax)
    {
        _rows = memory.Take((long)Limits.SubqueriesMax * Limits.ResultsMax * Marshal.SizeOf<RankedRow>());
        _bytes = memory.Take(messageBodySizeMax);
        _requests = new RankedRequest[messageBodySizeMax / PartReplySizeMin + 1];
        _lists = new RankedList[_requests.Length + Limits.SubqueriesMax];
    }

    /// <summary>Room for the bytes of the next list.</summary>
    public Span<byte> FreeBytes => _bytes.Span[_byteCount..];

    /// <summary>False once something of the open request had no room.</summary>
    public bool Fits { get; private set; }

    public ref readonly RankedRequest Open => ref _open;

    /// <summary>Forgets what belongs to another operation.</summary>
    public void Begin(ulong op)
    {
        if (_op == op) return;
        _op = op;
        _rowCount = 0;
        _byteCount = 0;
        _listCount = 0;
        _requests.AsSpan(0, _requestsUsed).Clear();
        _requestsUsed = 0;
    }

    public void Forget() => Begin(0);

    public bool TryFind(ulong op, int part, out RankedRequest request)
    {
        bool kept = op == _op && part < _requests.Length && _requests[part].IsKept;
        request = kept ? _requests[part] : default;
        return kept;
    }

    /// <summary>Starts a request; what it adds goes again unless it is kept.</summary>
    public void BeginRequest()
    {
        _openRowCount = _rowCount;
        _openByteCount = _byteCount;
        _open = new RankedRequest { ListStart = _listCount };
        Fits = true;
    }

    public void AddRows(ReadOnlySpan<RankedRow> rows)
    {
        Span<RankedRow> free = _rows.As<RankedRow>()[_rowCount..];
        if (!Fits || !HasList() || rows.Length > free.Length)
        {
            Fits = false;
            return;
        }
        rows.CopyTo(free);
        _lists[_listCount++] = new RankedList { Start = _rowCount, Count = rows.Length };
        _rowCount += rows.Length;
    }

    /// <summary>Takes what was written to <see cref="FreeBytes"/>.</summary>
    public void AddBytes(int size, bool overflowed)
    {
        if (!Fits || !HasList() || overflowed)
        {
            Fits = false;
            return;
        }
        _lists[_listCount++] = new RankedList { Start = _byteCount, Count = size, IsBytes = true };
        _byteCount += size;
    }

    public void EndRequest(bool fused, ulong exhaustive, long bytesRead)
    {
        _open.ListCount = _listCount - _open.ListStart;
        _open.IsFused = fused;
        _open.Exhaustive = exhaustive;
        _open.BytesRead = bytesRead;
    }

    public void Keep(int part)
    {
        Check.That(Fits);
        if (part >= _requests.Length)
        {
            Drop();
            return;
        }
        Check.That(!_requests[part].IsKept);
        _open.IsKept = true;
        _requests[part] = _open;
        _requestsUsed = Math32.Max(_requestsUsed, part + 1);
    }

    public void Drop()
    {
        _rowCount = _openRowCount;
        _byteCount = _openByteCount;
        _listCount = _open.ListStart;
    }

    public RankedList List(in RankedRequest request, int index)
    {
        Check.That(index >= 0 && index < request.ListCount);
        return _lists[request.ListStart + index];
    }

    public ReadOnlySpan<RankedRow> Rows(scoped in RankedList list)
    {
        Check.That(!list.IsBytes);
        return _rows.As<RankedRow>().Slice(list.Start, list.Count);
    }

    public ReadOnlySpan<byte> Bytes(scoped in RankedList list)
    {
        Check.That(list.IsBytes);
        return _bytes.Slice(list.Start, list.Count);
    }

    private bool HasList() => _listCount < _lists.Length;
}
