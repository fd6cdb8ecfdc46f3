using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Reads the blocks that are not in the object store yet and puts them there in packs.</summary>
public sealed partial class CheckpointUploader
{
    private const int ReadAttemptsMax = 3;

    /// <summary>Packs smaller than this part of the largest size are joined once there are more than so many.</summary>
    private const int SmallPart = 4;
    private const int SmallPacksMax = 16;

    private enum ReadStep : byte
    {
        Free,
        UnderWay,

        /// <summary>In memory and right; no pack has room at the moment.</summary>
        Ready,
    }

    private readonly PackUpload[] _packs = new PackUpload[PacksInFlight];
    private readonly BlockRead[] _reads;
    private readonly NativeBuffer _readBuffers;
    private int _readsUnderWay;
    private long _cursor;
    private uint _packCount;

    private void StartCollecting()
    {
        _table.TryCount(_live, out _);
        _table.ChooseRewrites(_options.PackSize / SmallPart, SmallPacksMax);
        _cursor = 1;
        _step = Step.Collecting;
    }

    private bool TryCollect()
    {
        bool moved = MovePacks();
        if (_step != Step.Collecting) return true;
        moved |= StoreReady();
        moved |= StartReads();
        if (moved || _step != Step.Collecting) return true;
        if (_cursor <= _live.Blocks || _readsUnderWay > 0 || AnyReady()) return false;
        bool idle = true;
        foreach (PackUpload pack in _packs)
        {
            if (pack.Step == PackStep.Filling && pack.Writer.Count > 0) PutPack(pack);
            idle &= pack.Step is PackStep.Free or PackStep.Filling;
        }
        if (!idle && (Plant & StoragePlant.NamesMissingPacks) == 0) return false;
        return StartManifest();
    }

    private bool StartReads()
    {
        bool moved = false;
        for (int i = 0; i < _reads.Length; i++)
        {
            if (_reads[i].Step != ReadStep.Free) continue;
            while (_cursor <= _live.Blocks && !IsWanted(_cursor)) _cursor++;
            if (_cursor > _live.Blocks) return moved;
            _reads[i] = new BlockRead { Address = _cursor++, Attempts = 1 };
            Read(i);
            moved = true;
        }
        return moved;
    }

    private bool IsWanted(long address) => _live.Mark(address) != 0 && !_table.Has(address, _live.Mark(address));

    private NativeBuffer ReadBuffer(int read) =>
        _readBuffers.Part((long)read * _options.Shape.BlockSize, _options.Shape.BlockSize);

    private void Read(int read)
    {
        _reads[read].Step = ReadStep.UnderWay;
        _readsUnderWay++;
        long offset = _options.GridOffset + (_reads[read].Address - 1) * _options.Shape.BlockSize;
        _options.Disk.Read(DiskTokenBits | (uint)read, offset, ReadBuffer(read));
    }

    private void OnRead(uint token, IoResult result)
    {
        int read = (int)(token & ~DiskTokenBits);
        ref BlockRead each = ref _reads[read];
        Check.That(each.Step == ReadStep.UnderWay);
        _readsUnderWay--;
        each.Step = ReadStep.Free;
        // It may be that another checkpoint is at hand by now.
        if (_step != Step.Collecting || !IsWanted(each.Address)) return;
        if (result == IoResult.Ok && IsBlock(ReadBuffer(read).Span, each.Address))
        {
            each.Step = ReadStep.Ready;
            return;
        }
        if (_next.Number > 0)
        {
            CheckpointsAbandoned++;
            TakeNext();
        }
        else if (each.Attempts++ < ReadAttemptsMax) Read(read);
        else
        {
            CheckpointsAbandoned++;
            _rotAddress = (ulong)each.Address;
            _rotMark = _live.Mark(each.Address);
            TakeNext();
            CorruptAddress = _rotAddress;
        }
    }

    /// <summary>Whether a whole block is the one that the checkpoint has at its address.</summary>
    private bool IsBlock(ReadOnlySpan<byte> bytes, long address)
    {
        UInt128 checksum = Header.Read(bytes).Checksum;
        return LiveBlocks.MarkOf(checksum) == _live.Mark(address) &&
            Blocks.Grid.IsSound(bytes, new BlockReference((ulong)address, checksum), _options.Shape.Cluster);
    }

    private bool AnyReady()
    {
        foreach (BlockRead read in _reads) if (read.Step == ReadStep.Ready) return true;
        return false;
    }

    /// <summary>Moves what has been read into packs.</summary>
    private bool StoreReady()
    {
        bool moved = false;
        for (int i = 0; i < _reads.Length; i++)
        {
            if (_reads[i].Step != ReadStep.Ready) continue;
            long address = _reads[i].Address;
            ReadOnlySpan<byte> bytes = ReadBuffer(i).Span;
            if (IsWanted(address) && IsBlock(bytes, address))
            {
                if (!TryStore(address, bytes)) return moved;
            }
            _reads[i].Step = ReadStep.Free;
            moved = true;
        }
        return moved;
    }

    private bool TryStore(long address, ReadOnlySpan<byte> bytes)
    {
        Header header = Header.Read(bytes);
        int size = (int)header.Size;
        PackUpload? pack = FillingPack();
        if (pack is not null && !pack.Writer.Fits(size))
        {
            PutPack(pack);
            pack = FillingPack();
        }
        if (pack is null) return false;
        Check.That(pack.Writer.Fits(size));
        _table.Place(address, _live.Mark(address), pack.Slot, pack.Writer.Count, header.Size);
        pack.Writer.Add(new BlockReference((ulong)address, header.Checksum), bytes[..size]);
        BlocksPut++;
        return true;
    }

    private PackUpload? FillingPack()
    {
        foreach (PackUpload pack in _packs) if (pack.Step == PackStep.Filling) return pack;
        foreach (PackUpload pack in _packs)
        {
            if (pack.Step != PackStep.Free) continue;
            pack.Slot = _table.Add(default);
            if (pack.Slot < 0)
            {
                Stop(new PacksFailure(PacksProblem.TooLarge));
                return null;
            }
            pack.Losses = 0;
            pack.Writer.Start(NextPackNumber());
            pack.Step = PackStep.Filling;
            return pack;
        }
        return null;
    }

    /// <summary>No number is ever used twice: the epoch is this run's alone.</summary>
    private ulong NextPackNumber() => (ulong)_catalog.Epoch << 32 | ++_packCount;

    private void PutPack(PackUpload pack)
    {
        _table[pack.Slot].Identity = pack.Writer.Finish(out NativeBuffer content);
        pack.Content = content;
        pack.Step = PackStep.Putting;
        PacksPut++;
        BytesPut += (ulong)content.Length;
        _requests.Put(
            RequestOf(pack), _keys.Pack(pack.Writer.Number), content, PutCondition.IfAbsent, default);
    }

    private int RequestOf(PackUpload pack) => PackRequest + Array.IndexOf(_packs, pack);

    /// <summary>Reads packs back that were put, and compares.</summary>
    private bool MovePacks()
    {
        bool moved = false;
        foreach (PackUpload pack in _packs)
        {
            if (pack.Step is not (PackStep.Putting or PackStep.Checking) || !_requests.HasEnded(RequestOf(pack)))
                continue;
            moved = true;
            ObjectResult result = _requests.Take(RequestOf(pack));
            if (pack.Step == PackStep.Putting) OnPackPut(pack, in result);
            else OnPackRead(pack, in result);
        }
        return moved;
    }

    private void OnPackPut(PackUpload pack, in ObjectResult result)
    {
        ObjectKey key = _keys.Pack(pack.Writer.Number);
        if (result.Status is ObjectStatus.Ok or ObjectStatus.ConditionFailed)
        {
            pack.Step = PackStep.Checking;
            _requests.Get(RequestOf(pack), in key, 0, pack.ReadBack);
            return;
        }
        Stop(ManifestReader.FailureOf(in result, in key, PacksProblem.ObjectMissing));
    }

    private void OnPackRead(PackUpload pack, in ObjectResult result)
    {
        if (IsSame(in result, pack.ReadBack, pack.Content))
        {
            pack.Step = PackStep.Free;
            return;
        }
        ObjectKey key = _keys.Pack(pack.Writer.Number);
        if (result.Status is not (ObjectStatus.Ok or ObjectStatus.NotFound))
        {
            Stop(ManifestReader.FailureOf(in result, in key, PacksProblem.ObjectMissing));
            return;
        }
        PutsLost++;
        if (++pack.Losses > ReadAttemptsMax)
        {
            Stop(new PacksFailure(PacksProblem.ObjectDamaged, key, ContentProblem.WrongChecksum));
            return;
        }
        // What is there now is never written over.
        pack.Writer.Renumber(NextPackNumber());
        PutPack(pack);
    }

    private static bool IsSame(in ObjectResult result, NativeBuffer readBack, NativeBuffer content) =>
        result.Status == ObjectStatus.Ok && result.ObjectSize == content.Length && result.Size == content.Length &&
        readBack.Slice(0, result.Size).SequenceEqual(content.Span);

    private enum PackStep : byte
    {
        Free,
        Filling,
        Putting,
        Checking,
    }

    private sealed class PackUpload(PackWriter writer, NativeBuffer readBack)
    {
        public PackWriter Writer { get; } = writer;
        public NativeBuffer ReadBack { get; } = readBack;
        public NativeBuffer Content { get; set; }
        public PackStep Step { get; set; }

        /// <summary>In the table of packs.</summary>
        public int Slot { get; set; }
        public int Losses { get; set; }
    }

    private struct BlockRead
    {
        public ReadStep Step;
        public long Address;
        public int Attempts;
    }
}
