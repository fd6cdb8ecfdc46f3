using System.Collections.Generic;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Writes by definition: deletes by filter, patches by filter, then the rows, each against the rows as they
/// are then. The request has passed its rules.</summary>
internal sealed class NaiveWrite(WriteRequest request, WriteRules staged, NaiveNamespace database, Coverage coverage)
{
    private readonly WriteReply _reply = new();
    private ulong _bytes;

    public WriteReply Apply(ulong timestamp)
    {
        database.Schema = staged.Schema;
        WriteKinds kinds = KindsOf(request);
        database.UpdatedAt = timestamp;
        if (kinds != WriteKinds.None) database.LastWriteAt = timestamp;
        List<NaiveRow> patches = PatchedByFilter(request, staged, database);
        foreach (NaiveRow row in Matching(request.DeleteByFilter, database, staged.Schema))
            Delete(row.Id, "deleted by filter");
        foreach (NaiveRow row in patches) Patch(row, staged.PatchValues!, null, "patched by filter");
        foreach (NaiveRow row in staged.Upserts) Upsert(row);
        foreach (NaiveRow patch in staged.Patches)
        {
            if (database.Rows.TryGetValue(patch.Id, out NaiveRow? old))
                Patch(old, patch, request.PatchCondition, "patched");
        }
        foreach (Value id in staged.Deletes) DeleteNamed(id);
        bool ids = (request.Flags & WriteFlags.ReturnAffectedIds) != 0;
        return new WriteReply
        {
            Kinds = ids ? kinds | WriteKinds.AffectedIds : kinds, BytesWritten = _bytes,
            Upserted = (ulong)_reply.UpsertedIds.Count, Patched = (ulong)_reply.PatchedIds.Count,
            Deleted = (ulong)_reply.DeletedIds.Count,
            UpsertedIds = ids ? _reply.UpsertedIds : [], PatchedIds = ids ? _reply.PatchedIds : [],
            DeletedIds = ids ? _reply.DeletedIds : [],
        };
    }

    private static WriteKinds KindsOf(WriteRequest request)
    {
        WriteKinds kinds = WriteKinds.None;
        if (request.Upserts.Count > 0) kinds |= WriteKinds.Upsert;
        if (request.Patches.Count > 0 || request.PatchByFilter is not null) kinds |= WriteKinds.Patch;
        if (request.Deletes.Count > 0 || request.DeleteByFilter is not null) kinds |= WriteKinds.Delete;
        return kinds;
    }

    /// <summary>Bytes of the reply, were every named row affected: what must fit into a message.</summary>
    public static int ReplyBytesMax(WriteRequest request, WriteRules staged, NaiveNamespace database)
    {
        int size = 2 + 1 + 4 * 8 + 3 * 4;
        if ((request.Flags & WriteFlags.ReturnAffectedIds) == 0) return size;
        foreach (NaiveRow row in staged.Upserts) size += NaiveValues.SizeOf(row.Id);
        foreach (NaiveRow row in staged.Patches) size += NaiveValues.SizeOf(row.Id);
        foreach (Value id in staged.Deletes) size += NaiveValues.SizeOf(id);
        foreach (NaiveRow row in Matching(request.DeleteByFilter, database, staged.Schema))
            size += NaiveValues.SizeOf(row.Id);
        foreach (NaiveRow row in PatchedByFilter(request, staged, database)) size += NaiveValues.SizeOf(row.Id);
        return size;
    }

    /// <summary>Rows that a patch by filter is going to change: those that a delete by filter leaves.</summary>
    public static List<NaiveRow> PatchedByFilter(WriteRequest request, WriteRules staged, NaiveNamespace database)
    {
        List<NaiveRow> rows = Matching(request.PatchByFilter, database, staged.Schema);
        foreach (NaiveRow deleted in Matching(request.DeleteByFilter, database, staged.Schema)) rows.Remove(deleted);
        return rows;
    }

    /// <summary>Rows that match now, in the order in which they were written.</summary>
    private static List<NaiveRow> Matching(Filter? filter, NaiveNamespace database, NaiveSchema schema)
    {
        List<NaiveRow> rows = [];
        if (filter is null) return rows;
        foreach (KeyValuePair<Value, NaiveRow> pair in database.Rows)
        {
            if (NaiveFilter.Matches(filter, schema, pair.Value, null)) rows.Add(pair.Value);
        }
        rows.Sort(static (left, right) => left.Sequence.CompareTo(right.Sequence));
        return rows;
    }

    private bool Allowed(Filter? condition, NaiveRow old, NaiveRow? written)
    {
        if (condition is null) return true;
        bool allowed = NaiveFilter.Matches(condition, database.Schema, old, written);
        coverage.Hit("path", allowed ? "condition met" : "condition not met");
        return allowed;
    }

    private void Upsert(NaiveRow row)
    {
        if (database.Rows.TryGetValue(row.Id, out NaiveRow? old) && !Allowed(request.UpsertCondition, old, row)) return;
        coverage.Hit("path", old is null ? "inserted" : "replaced");
        database.Rows[row.Id] = row.Copy(database.NextSequence());
        _bytes += (ulong)row.LogicalBytes(database.Schema);
        _reply.UpsertedIds.Add(row.Id);
    }

    /// <summary>A condition sees the patched document as the new row.</summary>
    private void Patch(NaiveRow old, NaiveRow patch, Filter? condition, string path)
    {
        if (!Allowed(condition, old, old.Patched(patch, 0))) return;
        coverage.Hit("path", path);
        NaiveRow patched = old.Patched(patch, database.NextSequence());
        database.Rows[old.Id] = patched;
        _bytes += (ulong)patched.LogicalBytes(database.Schema);
        _reply.PatchedIds.Add(old.Id);
    }

    private void Delete(Value id, string path)
    {
        if (database.Rows.Remove(id)) coverage.Hit("path", path);
        _reply.DeletedIds.Add(id);
    }

    /// <summary>A plain delete counts ids that are not there, too; one with a condition does not, and has no new row,
    /// so all of it is null.</summary>
    private void DeleteNamed(Value id)
    {
        bool exists = database.Rows.TryGetValue(id, out NaiveRow? old);
        if (request.DeleteCondition is null || (exists && Allowed(request.DeleteCondition, old!, null)))
            Delete(id, "deleted");
    }
}
