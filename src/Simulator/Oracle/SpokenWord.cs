using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Oracle;

/// <summary>What one replica has told others, over all its lives: what it said it had must be on its disk when it says
/// so, and no crash may make it forget the views that it has spoken of.</summary>
internal sealed class SpokenWord(SimulatedDisk disk, DataFileLayout layout)
{
    /// <summary>The greatest view and log view that anybody else may know this replica by.</summary>
    private uint _view;
    private uint _logView;
    private ulong _commit;
    private ulong _checkpoint;

    /// <summary>Acknowledgements whose entries were found on the disk.</summary>
    public ulong Acknowledged { get; private set; }

    public void Hear(in Header message)
    {
        if (message.Command is Command.Request or Command.Prepare) return;
        _view = uint.Max(_view, message.View);
        if (message.Command == Command.JoinView) _logView = uint.Max(_logView, message.JoinView.LogView);
        if (message.Command is Command.PrepareOk or Command.View) _logView = uint.Max(_logView, message.View);
        if (message.Command == Command.PrepareOk) CheckWritten(in message.PrepareOk);
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
        Check.That(view >= _view && logView <= view);
        _view = view;
        _logView = uint.Max(_logView, logView);
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
