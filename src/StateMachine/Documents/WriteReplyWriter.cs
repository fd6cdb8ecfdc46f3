using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Documents;

/// <summary>Counts what a write did and writes its reply (<see cref="WriteReply"/>).</summary>
internal struct WriteReplyWriter
{
    /// <summary>Status, kinds, four counts and three list lengths.</summary>
    public const int SizeMin = 2 + 1 + 4 * 8 + 3 * 4;

    public WriteKinds Kinds;
    public ulong Upserted;
    public ulong Patched;
    public ulong Deleted;
    public ulong BytesWritten;

    /// <param name="reply">Where to.</param>
    /// <param name="stage">The rows; those applied are listed.</param>
    public readonly int Write(Span<byte> reply, RowStage stage)
    {
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        writer.U8((byte)Kinds);
        writer.U64(Upserted);
        writer.U64(Patched);
        writer.U64(Deleted);
        writer.U64(BytesWritten);
        if ((Kinds & WriteKinds.AffectedIds) != 0)
        {
            WriteIds(ref writer, stage, StagedKind.Upsert);
            WriteIds(ref writer, stage, StagedKind.Patch);
            WriteIds(ref writer, stage, StagedKind.Delete);
        }
        Check.That(!writer.Overflowed);
        return writer.Position;
    }

    private static void WriteIds(ref WireWriter writer, RowStage stage, StagedKind kind)
    {
        int countAt = writer.ReserveU32();
        uint count = 0;
        for (int i = 0; i < stage.Count; i++)
        {
            ref StagedRow row = ref stage[i];
            if (row.Kind != kind || row.Applied == 0) continue;
            new DocumentRow(stage.Bytes(row)).Id.Write(ref writer);
            count++;
        }
        writer.PatchU32(countAt, count);
    }
}
