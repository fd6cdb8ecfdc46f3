using System.Collections.Generic;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Writes by definition: deletes by filter, patches by filter, then the rows, each against the rows as they
/// are then. Assumes a request that is valid; the workload knows which of its requests are not.</summary>
internal static class NaiveWrite
{
    public static WriteReply Apply(WriteRequest request, NaiveNamespace database)
    {
        if (request.Metric != DistanceMetric.Unspecified) database.Metric = request.Metric;
        foreach (AttributeSchema attribute in request.Schema)
        {
            if (attribute.Name != "id") database.Schema[attribute.Name] = attribute;
        }
        WriteKinds kinds = WriteKinds.None;
        List<Value> upserted = [];
        List<Value> patched = [];
        List<Value> deleted = [];
        if (request.DeleteByFilter is not null)
        {
            kinds |= WriteKinds.Delete;
            foreach (NaiveRow row in Matching(request.DeleteByFilter, database)) Delete(row.Id, database, deleted);
        }
        if (request.PatchByFilter is not null)
        {
            kinds |= WriteKinds.Patch;
            foreach (NaiveRow row in Matching(request.PatchByFilter, database))
                Patch(new Row { Id = row.Id, Attributes = request.PatchByFilterValues }, database, patched);
        }
        if (request.Upserts.Count > 0) kinds |= WriteKinds.Upsert;
        if (request.Patches.Count > 0) kinds |= WriteKinds.Patch;
        if (request.Deletes.Count > 0) kinds |= WriteKinds.Delete;
        foreach (Row row in request.Upserts) Upsert(row, request.UpsertCondition, database, upserted);
        foreach (Row row in request.Patches)
        {
            if (Allowed(request.PatchCondition, row.Id, row, database)) Patch(row, database, patched);
        }
        foreach (Value id in request.Deletes)
        {
            if (request.DeleteCondition is null) DeletePlain(id, database, deleted);
            else if (Allowed(request.DeleteCondition, id, null, database))
                Delete(id, database, deleted);
        }
        bool ids = (request.Flags & WriteFlags.ReturnAffectedIds) != 0;
        return new WriteReply
        {
            Kinds = ids ? kinds | WriteKinds.AffectedIds : kinds,
            Upserted = (ulong)upserted.Count, Patched = (ulong)patched.Count, Deleted = (ulong)deleted.Count,
            UpsertedIds = ids ? upserted : [], PatchedIds = ids ? patched : [], DeletedIds = ids ? deleted : [],
        };
    }

    /// <summary>Rows that match now, in the order in which they were written.</summary>
    private static List<NaiveRow> Matching(Filter filter, NaiveNamespace database)
    {
        List<NaiveRow> rows = [];
        foreach (KeyValuePair<Value, NaiveRow> pair in database.Rows)
        {
            if (NaiveFilter.Matches(filter, database, pair.Value, null)) rows.Add(pair.Value);
        }
        rows.Sort(static (left, right) => left.Sequence.CompareTo(right.Sequence));
        return rows;
    }

    /// <summary>Whether a document that is there may be patched or deleted; a delete has no new row, so all of it is
    /// null.</summary>
    private static bool Allowed(Filter? condition, Value id, Row? patch, NaiveNamespace database)
    {
        if (!database.Rows.TryGetValue(CanonicalId(id), out NaiveRow? old)) return false;
        NaiveRow? patched = patch is null ? null : Patched(old, patch, database);
        return condition is null || NaiveFilter.Matches(condition, database, old, patched);
    }

    private static void Upsert(Row row, Filter? condition, NaiveNamespace database, List<Value> affected)
    {
        NaiveRow stored = ToRow(row, database);
        bool exists = database.Rows.TryGetValue(stored.Id, out NaiveRow? old);
        if (exists && condition is not null && !NaiveFilter.Matches(condition, database, old!, stored)) return;
        database.Rows[stored.Id] = stored;
        affected.Add(stored.Id);
    }

    private static void Patch(Row row, NaiveNamespace database, List<Value> affected)
    {
        Value id = CanonicalId(row.Id);
        if (!database.Rows.TryGetValue(id, out NaiveRow? old)) return;
        database.Rows[id] = Patched(old, row, database);
        affected.Add(id);
    }

    private static NaiveRow Patched(NaiveRow old, Row row, NaiveNamespace database)
    {
        NaiveRow patched = old.Copy(database.NextSequence());
        foreach (KeyValuePair<string, Value> pair in row.Attributes)
        {
            if (pair.Value.IsNull) patched.Values.Remove(pair.Key);
            else patched.Values[pair.Key] = database.Canonical(pair.Key, pair.Value);
        }
        return patched;
    }

    private static void Delete(Value id, NaiveNamespace database, List<Value> affected)
    {
        if (database.Rows.Remove(id)) affected.Add(id);
    }

    /// <summary>A plain delete counts ids that are not there, too.</summary>
    private static void DeletePlain(Value id, NaiveNamespace database, List<Value> affected)
    {
        database.Rows.Remove(CanonicalId(id));
        affected.Add(CanonicalId(id));
    }

    private static NaiveRow ToRow(Row row, NaiveNamespace database)
    {
        NaiveRow stored = new(CanonicalId(row.Id), database.NextSequence());
        foreach (KeyValuePair<string, Value> pair in row.Attributes)
        {
            if (!pair.Value.IsNull) stored.Values[pair.Key] = database.Canonical(pair.Key, pair.Value);
        }
        return stored;
    }

    private static Value CanonicalId(Value id) => id.Kind == ValueKind.Int ? Value.Of((ulong)id.AsInt) : id;
}
