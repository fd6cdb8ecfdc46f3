using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage;

/// <summary>Reads a checkpoint back: root, trailers, and the indexes of all tables. Right checksums say that these are
/// the bytes that somebody wrote; whether they are a checkpoint is judged here, before anything is done with them:
/// each block is referred to once and in use, each table fits its index and lies where its level lets it, and a merge
/// under way is one that can be gone on with. What is none is refused. Blocks of entries and filters are judged when
/// they are read, see <see cref="TableBlocks"/>.</summary>
public sealed partial class Forest
{
    private const int IndexReadAhead = 16;

    /// <summary>No log is as long as that.</summary>
    private const ulong RunMax = 1UL << 62;

    private enum OpenStep : byte
    {
        Root,
        Trailers,
        Indexes,
        Done,
    }

    /// <summary>Blocks that the checkpoint has been found to refer to.</summary>
    private readonly BlockSet _met;
    private OpenStep _openStep;
    private int _openTrailer;
    private int _openTable;

    /// <summary>Starts to open the checkpoint with this root, or an empty forest if it is none.</summary>
    public void OpenStart(in BlockReference root)
    {
        Check.That(SizeBytes == 0 && _store.Count == 0);
        _root = root;
        Moment++;
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
        _met.Clear();
        if (!_met.TryAdd(_root.Address)) return OpenResult.Refused;
        Grid.Request(in _root);
        if (!Grid.TryGet(in _root, out ReadOnlySpan<byte> body)) return OpenResult.Waiting;
        if (Grid.KindOf(in _root) != BlockKind.Root || !IsRootHead(body)) return OpenResult.Refused;
        if (!ReadFigures(body)) return OpenResult.Refused;
        SizeBytes = BinaryPrimitives.ReadInt64LittleEndian(body[8..]);
        _compactor.NextRun = BinaryPrimitives.ReadUInt64LittleEndian(body[16..]);
        ReadOnlySpan<byte> references = body[RootHeadSize..];
        foreach (Tree tree in _trees)
        {
            tree.Count = BinaryPrimitives.ReadInt64LittleEndian(references);
            references = references[sizeof(long)..];
        }
        foreach (Trailer trailer in _trailers)
        {
            if (!trailer.ReadReferences(references, out int taken)) return OpenResult.Refused;
            references = references[taken..];
            for (int page = 0; page < trailer.Pages; page++)
                if (!_met.TryAdd(trailer[page].Address)) return OpenResult.Refused;
        }
        if (!references.IsEmpty) return OpenResult.Refused;
        _openStep = OpenStep.Trailers;
        return OpenResult.Waiting;
    }

    private bool IsRootHead(ReadOnlySpan<byte> body)
    {
        if (body.Length < RootHeadSize + sizeof(long) * _trees.Length) return false;
        if (BinaryPrimitives.ReadUInt64LittleEndian(body) != RootMagic) return false;
        ulong nextRun = BinaryPrimitives.ReadUInt64LittleEndian(body[16..]);
        return nextRun is > 0 and <= RunMax && !body[56..RootHeadSize].ContainsAnyExcept((byte)0);
    }

    private OpenResult ReadTrailers()
    {
        for (; _openTrailer < _trailers.Length; _openTrailer++)
        {
            Trailer trailer = _trailers[_openTrailer];
            if (!trailer.TryRead()) return trailer.ReadFailed ? OpenResult.Refused : OpenResult.Waiting;
        }
        if (!Grid.Free.Read(_freeTrailer.Bytes)) return OpenResult.Refused;
        if (!_store.Read(_tablesTrailer.Bytes, Grid.Free.Blocks, _compactor.NextRun)) return OpenResult.Refused;
        for (int table = 0; table < _store.SlotsUsed; table++)
            if (_store[table].State != TableState.Free && !_met.TryAdd(_store[table].IndexAddress))
                return OpenResult.Refused;
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
            if (Grid.KindOf(in index) != BlockKind.TableIndex || !TryTakeIndex(body)) return OpenResult.Refused;
            Grid.NextEra();
        }
        // Every block of the checkpoint has been met by now, and nothing else may be in use.
        if (!Grid.Free.IsExactly(_met) || !Levels.TryRebuild() || !SizesArePossible()) return OpenResult.Refused;
        if (!_compactor.Merge.Read(_mergeTrailer.Bytes)) return OpenResult.Refused;
        _openStep = OpenStep.Done;
        return OpenResult.Opened;
    }

    private bool TryTakeIndex(ReadOnlySpan<byte> body)
    {
        if (body.Length > _store.IndexSizeMax) return false;
        if (!TableIndex.IsValid(body, Grid.BodySizeMax, _trees.Length)) return false;
        body.CopyTo(_store.IndexBytes(_openTable));
        TableIndex index = _store.Index(_openTable);
        for (int item = 0; item < index.Blocks; item++) if (!_met.TryAdd(index.Address(item))) return false;
        return _store[_openTable].Fits(index, Grid.BodySizeMax);
    }

    /// <summary>The state cannot be larger than all entries of all tables. How much smaller it is, for what newer
    /// entries hide, only reading all of them would tell.</summary>
    private bool SizesArePossible()
    {
        long sizeMax = 0;
        long entriesMax = 0;
        for (int table = 0; table < _store.SlotsUsed; table++)
        {
            if (_store[table].State != TableState.Live) continue;
            sizeMax += (long)(_store[table].DataSize + _store[table].Entries * (EntryOverheadSize - 1));
            entriesMax += (long)_store[table].Entries;
        }
        foreach (Tree tree in _trees)
        {
            if (tree.Count < 0 || tree.Count > entriesMax) return false;
            entriesMax -= tree.Count;
        }
        return SizeBytes >= 0 && SizeBytes <= sizeMax;
    }
}
