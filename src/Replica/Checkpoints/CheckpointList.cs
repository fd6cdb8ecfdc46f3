using System;
using System.Globalization;
using System.IO;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Hosting;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Replica.Checkpoints;

/// <summary>Lists the checkpoints in an object store: each manifest is read and checked, packs are not.</summary>
internal sealed class CheckpointList(TextWriter output)
{
    /// <param name="address">Of the store.</param>
    /// <param name="namedOnly">Only snapshots.</param>
    public int Run(string address, bool namedOnly = false)
    {
        using ObjectStoreSession? session = ObjectStoreSession.TryOpen(address, out string error);
        if (session is null)
        {
            Console.Error.WriteLine(error);
            return ExitCode.Failed;
        }
        Catalog catalog = session.Catalog;
        int shown = 0;
        for (int i = 0; i < catalog.Count; i++) shown += !namedOnly || catalog[i].IsNamed ? 1 : 0;
        output.WriteLine($"cluster {session.Cluster}, {shown} {(namedOnly ? "snapshots" : "checkpoints")}");
        output.WriteLine(
            $"{"op",12}  {"when (UTC)",-19}  {"reachable bytes",18}  {"dead bytes",18}  {"packs",6}  name");
        int sizeMax = 0;
        for (int i = 0; i < catalog.Count; i++) sizeMax = int.Max(sizeMax, catalog[i].ManifestSize);
        bool sound = true;
        NativeBuffer manifest = sizeMax == 0 ? default : session.Memory.Take(sizeMax);
        for (int i = 0; i < catalog.Count; i++)
        {
            CatalogEntry entry = catalog[i];
            if (namedOnly && !entry.IsNamed) continue;
            bool read = TryReadTime(session, in entry, manifest, out string when, out error);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{entry.Op,12}  {when,-19}  {entry.LiveBytes,18:N0}  {entry.PackBytes - entry.LiveBytes,18:N0}  " +
                $"{entry.Packs,6}  {entry.Name}").TrimEnd());
            if (!read) output.WriteLine($"              {error}");
            sound &= read;
        }
        return sound ? ExitCode.Ok : ExitCode.Failed;
    }

    /// <summary>The time of the operation that the checkpoint comes after.</summary>
    private static bool TryReadTime(
        ObjectStoreSession session, in CatalogEntry entry, NativeBuffer into, out string when, out string error)
    {
        when = "?";
        ObjectKey key = new PackKeys(default).Manifest(entry.Sequence);
        if (!session.TryGet(in key, into, PacksProblem.ObjectMissing, out int size, out error)) return false;
        ReadOnlySpan<byte> bytes = into.Slice(0, size);
        ContentProblem content = Manifest.Read(bytes, session.Cluster, out ManifestHead head);
        if (content == ContentProblem.None && Manifest.ChecksumOf(bytes) != entry.ManifestChecksum)
            content = ContentProblem.WrongIdentity;
        SuperblockCopy superblock = default;
        bool known = content == ContentProblem.None &&
            CheckpointRecord.Read(Manifest.Checkpoint(bytes, in head), out superblock) == StopReason.None;
        if (known)
        {
            long ticks = (long)(superblock.Checkpoint.Prepare.Prepare.Timestamp / TimeSpan.NanosecondsPerTick);
            long most = DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks;
            DateTime time = DateTime.UnixEpoch.AddTicks(long.Clamp(ticks, 0, most));
            when = time.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            return true;
        }
        if (content == ContentProblem.None) content = ContentProblem.WrongField;
        error = session.TextOf(new PacksFailure(PacksProblem.ObjectDamaged, key, content));
        return false;
    }
}
