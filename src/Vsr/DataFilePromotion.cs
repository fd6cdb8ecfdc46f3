using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Makes the data file of a standby that of a replica which is gone for good. All data stays. But the replica
/// may have acknowledged what the standby does not have, and have taken part in views that it does not know of: so it
/// says nothing before the others have agreed on a later view without it and told it the log, like one whose disk is
/// new (<see cref="Promotion"/>).</summary>
public static class DataFilePromotion
{
    /// <summary>None, or why it cannot be done; then the file is as it was. A crash in between leaves the file of the
    /// standby or that of the replica. Nobody else may have the file open.</summary>
    /// <param name="source">The file.</param>
    /// <param name="sink">The same file.</param>
    /// <param name="replica">Whose file it becomes.</param>
    /// <param name="releaseMax">The newest release that is known here.</param>
    public static StopReason Write<TSource, TSink>(
        TSource source, ref TSink sink, byte replica, uint releaseMax = Header.ReleaseCurrent)
        where TSource : IInspectionSource where TSink : IFormatSink
    {
        SuperblockReport report = DataFileInspection.Superblock(source, releaseMax);
        if (report.Problem != StopReason.None) return report.Problem;
        SuperblockCopy standby = report.Working;
        if (standby.ReplicaCount < DataFileFormat.LostReplicaCountMin) return StopReason.ReplicaCountUnsupported;
        if (standby.ReplicaIndex < standby.ReplicaCount || replica >= standby.ReplicaCount)
            return StopReason.WrongReplica;
        if (standby.ViewHeadersCount > SuperblockCopy.ViewHeadersMax) return StopReason.SuperblockConfigurationInvalid;
        Header[] headers = ViewHeaders(source, in standby);
        // Whatever an interrupted write has left: the next one must find all copies alike.
        WriteCopies(in standby, headers, ref sink);
        SuperblockCopy next = standby;
        next.Sequence = checked(standby.Sequence + 1);
        next.Parent = standby.Checksum;
        next.Copy = 0;
        next.ReplicaIndex = replica;
        next.Promotion = Promotion.KnowsNoView;
        next.Seal(new byte[SuperblockCopy.Size], headers);
        WriteCopies(in next, headers, ref sink);
        return StopReason.None;
    }

    private static Header[] ViewHeaders<TSource>(TSource source, in SuperblockCopy superblock)
        where TSource : IInspectionSource
    {
        byte[] bytes = new byte[SuperblockCopy.Size];
        Header[] headers = new Header[superblock.ViewHeadersCount];
        for (int i = 0; i < Limits.SuperblockCopies; i++)
        {
            bool sound = source.TryRead(DataFileLayout.SuperblockOffset(i), bytes) &&
                SuperblockQuorum.Examine(bytes, i, out SuperblockCopy copy) == SuperblockCopyState.Valid &&
                copy.Checksum == superblock.Checksum;
            if (!sound) continue;
            for (int at = 0; at < headers.Length; at++) headers[at] = SuperblockCopy.ViewHeader(bytes, at);
            return headers;
        }
        Check.Unreachable();
        return headers;
    }

    /// <summary>One after the other, as a running replica does.</summary>
    private static void WriteCopies<TSink>(in SuperblockCopy superblock, Header[] headers, ref TSink sink)
        where TSink : IFormatSink
    {
        byte[] bytes = new byte[SuperblockCopy.Size];
        SuperblockCopy copy = superblock;
        for (ushort i = 0; i < Limits.SuperblockCopies; i++)
        {
            copy.Copy = i;
            copy.WriteTo(bytes, headers);
            sink.Write(DataFileLayout.SuperblockOffset(i), bytes);
            sink.Flush();
        }
    }
}
