using System;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;

namespace Deterministic.StateMachine;

/// <summary>Why a batch is refused as a whole.</summary>
internal enum BatchFault
{
    None,
    Malformed,

    /// <summary>Reads and writes in one: what the reads need could not be told before the writes have run.</summary>
    Mixed,

    /// <summary>A change by filter, or a branch, beside other parts: what it reads may depend on them.</summary>
    NotAlone,
}

/// <summary>The body of a batch: u16 count, then per part operation u8, three zero bytes, size u32, body. Its parts
/// are all writes (changes of schemas and of keys, and deletions of namespaces among them) or all reads.</summary>
internal static class BatchBody
{
    public static BatchFault Judge(ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        int count = reader.U16();
        int writes = 0;
        bool isAlone = false;
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            Operation operation = (Operation)reader.U8();
            bool zero = !reader.Bytes(3).ContainsAnyExcept((byte)0);
            ReadOnlySpan<byte> part = reader.Bytes(reader.U32());
            if (!zero || !operation.IsPart()) reader.Fail();
            if (operation.Writes()) writes++;
            isAlone |= operation == Operation.Branch || operation == Operation.Write && ChangesByFilter(part);
        }
        if (!reader.AtEnd) return BatchFault.Malformed;
        if (writes > 0 && writes < count) return BatchFault.Mixed;
        return isAlone && count > 1 ? BatchFault.NotAlone : BatchFault.None;
    }

    /// <summary>Whether a batch, sound or not, has a part that changes something.</summary>
    public static bool Writes(ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        bool writes = false;
        for (int i = reader.U16(); i > 0 && !reader.Failed; i--)
        {
            writes |= ((Operation)reader.U8()).Writes();
            reader.Bytes(3);
            reader.Bytes(reader.U32());
        }
        return writes;
    }

    /// <summary>A write whose work and answer its size bounds: without a schema, a change by filter or a list of the
    /// ids that it affected.</summary>
    public static bool Shares(ReadOnlySpan<byte> write)
    {
        WireReader reader = new(write);
        reader.Name();
        WriteFlags flags = (WriteFlags)reader.U8();
        reader.U8();
        bool schema = reader.U16() != 0;
        return !reader.Failed && !schema && (flags & WriteFlags.ReturnAffectedIds) == 0 && !ChangesByFilter(write);
    }

    private static bool ChangesByFilter(ReadOnlySpan<byte> write)
    {
        WireReader reader = new(write);
        reader.Name();
        reader.Bytes(2);
        if (!SchemaChange.TrySkip(ref reader)) return false;
        bool deletes = FilterSkip.Optional(ref reader);
        return FilterSkip.Optional(ref reader) || deletes;
    }
}
