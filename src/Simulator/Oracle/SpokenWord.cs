using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Oracle;

/// <summary>What one replica has told others, over all its lives: what it said it had must be on its disk when it says
/// so, it never denies that later in the same log, and no crash may make it forget the views that it has spoken
/// of.</summary>
internal sealed class SpokenWord(SimulatedDisk disk, DataFileLayout layout)
{
    /// <summary>The greatest view and log view that anybody else may know this replica by.</summary>
    private uint _view;
    private uint _logView;
    private ulong _commit;
    private ulong _checkpoint;

    /// <summary>The greatest view in whose log this replica has had a part, and that of its lost disks.</summary>
    private uint _part;
    private uint? _partLost;

    /// <summary>Entries that it has acknowledged, or counted itself for, in one view, whose log they are in.</summary>
    private readonly SortedSet<ulong> _acknowledged = [];
    private uint _acknowledgedView;

    /// <summary>Acknowledgements whose entries were found on the disk.</summary>
    public ulong Acknowledged { get; private set; }

    public void Hear(in Header message)
    {
        if (message.Command is Command.Request or Command.Prepare) return;
        _view = uint.Max(_view, message.View);
        if (message.Command is Command.JoinView or Command.View or Command.PrepareOk or Command.ViewConfirmed)
            TakePart(message.View);
        if (message.Command == Command.JoinView) HearJoin(in message.JoinView, message.Size);
        if (message.Command is Command.PrepareOk or Command.View) _logView = uint.Max(_logView, message.View);
        if (message.Command != Command.PrepareOk) return;
        CheckWritten(in message.PrepareOk);
        Acknowledge(message.PrepareOk.Op, message.View);
    }

    /// <summary>What others rely on since it was said with a disk that is lost must not be said anew, and otherwise,
    /// with the next.</summary>
    private void TakePart(uint view)
    {
        bool anew = _partLost is not uint lost || view > lost;
        Check.That(anew, "a replica with a new disk has a part in a view as before");
        _part = uint.Max(_part, view);
    }

    /// <summary>The disk is lost: the replica cannot know any more what it has said.</summary>
    public void Lose()
    {
        _partLost = _part;
        _view = 0;
        _logView = 0;
        _commit = 0;
        _checkpoint = 0;
        _acknowledged.Clear();
        _acknowledgedView = 0;
    }

    /// <summary>The replica holds an entry of the log of a view, and others rely on it.</summary>
    public void Acknowledge(ulong op, uint view)
    {
        if (view > _acknowledgedView) _acknowledged.Clear();
        _acknowledgedView = uint.Max(_acknowledgedView, view);
        if (view == _acknowledgedView) _acknowledged.Add(op);
    }

    private void HearJoin(in JoinViewFields join, uint size)
    {
        _logView = uint.Max(_logView, join.LogView);
        if (join.LogView != _acknowledgedView) return;
        ulong count = size / Limits.HeaderSize - 1;
        foreach (ulong op in _acknowledged.GetViewBetween(join.CommitMin + 1, ulong.MaxValue))
        {
            bool denied = op > join.Op || (join.Op - op < count && (join.Nack >> (int)(join.Op - op) & 1) != 0);
            Check.That(!denied, "a replica denied what it had acknowledged");
        }
    }

    /// <summary>A replica has opened its file again.</summary>
    public void CheckOpened(uint view, uint logView, ulong commit, ulong checkpoint)
    {
        Check.That(view >= _view, "a replica forgot the view that it had spoken of");
        Check.That(logView >= _logView, "a replica forgot the log that it had spoken of");
        Check.That(commit >= _commit && checkpoint >= _checkpoint, "a replica forgot what it knew to be committed");
    }

    /// <summary>What is durable now must be there for ever.</summary>
    public void Note(uint view, uint logView, ulong commit, ulong checkpoint)
    {
        Check.That(view >= _view && logView >= _logView, "a replica spoke of a view that is not durable");
        _view = view;
        _logView = logView;
        _commit = ulong.Max(_commit, commit);
        _checkpoint = ulong.Max(_checkpoint, checkpoint);
    }

    private void CheckWritten(in PrepareOkFields ok)
    {
        int slot = layout.SlotOf(ok.Op);
        long sector = layout.HeaderSectorOffset(slot / DataFileLayout.HeadersPerSector);
        if (disk.IsDamaged(layout.PrepareOffset(slot), layout.MessageSizeMax)) return;
        Header prepare = Header.Read(disk.At(layout.PrepareOffset(slot), Limits.HeaderSize));
        Check.That(prepare.Checksum == ok.PrepareChecksum, "an entry was acknowledged before it was on the disk");
        if (disk.IsDamaged(sector, Limits.SectorSize)) return;
        long at = layout.JournalHeadersOffset + (long)slot * Limits.HeaderSize;
        Header redundant = Header.Read(disk.At(at, Limits.HeaderSize));
        Check.That(redundant.Checksum == ok.PrepareChecksum, "an entry was acknowledged before its header was written");
        Acknowledged++;
    }
}
