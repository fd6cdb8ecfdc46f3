using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage;

/// <summary>Reads a checkpoint back: root, trailers, and the indexes of all tables.</summary>
public sealed partial class Forest
{
    private const int IndexReadAhead = 16;

    private enum OpenStep : byte
    {
        Root,
        Trailers,
        Indexes,
        Done,
    }

    private OpenStep _openStep;
    private int _openTrailer;
    private int _openTable;

    /// <summary>Starts to open the checkpoint with this root, or an empty forest if it is none.</summary>
    public void OpenStart(in BlockReference root)
    {
        Check.That(SizeBytes == 0 && _store.Count == 0);
        _root = root;
        _opened = !root.IsNone;
        _openStep = root.IsNone ? OpenStep.Done : OpenStep.Root;
        if (!root.IsNone) foreach (Tree tree in _trees) tree.OnOpen();
        _openTrailer = 0;
        _openTable = 0;
    }

    /// <summary>Goes on as far as possible; called again after completions until it says more than waiting.</summary>
    public OpenResult OpenAdvance()
    {
        OpenResult result = OpenResult.Waiting;
        if (_openStep == OpenStep.Root) result = ReadRoot();
        if (result != OpenResult.Refused && _openStep == OpenStep.Trailers) result = ReadTrailers();
        if (result != OpenResult.Refused && _openStep == OpenStep.Indexes) result = ReadIndexes();
        return _openStep == OpenStep.Done ? OpenResult.Opened : result;
    }

    private OpenResult ReadRoot()
    {
        Grid.Request(in _root);
        if (!Grid.TryGet(in _root, out ReadOnlySpan<byte> body)) return OpenResult.Waiting;
        if (body.Length < RootHeadSize + sizeof(long) * _trees.Length) return OpenResult.Refused;
        if (BinaryPrimitives.ReadUInt64LittleEndian(body) != RootMagic) return OpenResult.Refused;
        long size = BinaryPrimitives.ReadInt64LittleEndian(body[8..]);
        if (size < 0 || !ReadFigures(body)) return OpenResult.Refused;
        SizeBytes = size;
        _compactor.NextRun = BinaryPrimitives.ReadUInt64LittleEndian(body[16..]);
        ReadOnlySpan<byte> references = body[RootHeadSize..];
        foreach (Tree tree in _trees)
        {
            tree.Count = BinaryPrimitives.ReadInt64LittleEndian(references);
            if (tree.Count < 0) return OpenResult.Refused;
            references = references[sizeof(long)..];
        }
        foreach (Trailer trailer in _trailers)
        {
            if (!trailer.ReadReferences(references, out int taken)) return OpenResult.Refused;
            references = references[taken..];
        }
        if (!references.IsEmpty) return OpenResult.Refused;
        _openStep = OpenStep.Trailers;
        return OpenResult.Waiting;
    }

    private OpenResult ReadTrailers()
    {
        for (; _openTrailer < _trailers.Length; _openTrailer++)
        {
            Trailer trailer = _trailers[_openTrailer];
            if (!trailer.TryRead()) return trailer.ReadFailed ? OpenResult.Refused : OpenResult.Waiting;
        }
        if (!_store.Read(_tablesTrailer.Bytes) || !Grid.Free.Read(_freeTrailer.Bytes)) return OpenResult.Refused;
        _openStep = OpenStep.Indexes;
        return OpenResult.Waiting;
    }

    private OpenResult ReadIndexes()
    {
        for (; _openTable < _store.SlotsUsed; _openTable++)
        {
            if (_store[_openTable].State == TableState.Free) continue;
            for (int ahead = _openTable; ahead < _store.SlotsUsed && ahead < _openTable + IndexReadAhead; ahead++)
                if (_store[ahead].State != TableState.Free) Grid.Request(_store[ahead].Index);
            BlockReference index = _store[_openTable].Index;
            if (!Grid.TryGet(in index, out ReadOnlySpan<byte> body)) return OpenResult.Waiting;
            if (body.Length > _store.IndexSizeMax || !TableIndex.IsValid(body)) return OpenResult.Refused;
            body.CopyTo(_store.IndexBytes(_openTable));
            Grid.NextEra();
        }
        Levels.Rebuild();
        if (!_compactor.Merge.Read(_mergeTrailer.Bytes)) return OpenResult.Refused;
        _openStep = OpenStep.Done;
        return OpenResult.Opened;
    }
}
