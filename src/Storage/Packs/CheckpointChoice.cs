using System;
using System.Buffers.Text;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Which of the kept checkpoints is meant: the latest, that after an operation, or a named snapshot.</summary>
public readonly struct CheckpointChoice
{
    private CheckpointChoice(ulong op, ObjectKey name)
    {
        Op = op;
        Name = name;
    }

    public static CheckpointChoice Latest { get; }

    /// <summary>0: not chosen by operation.</summary>
    public ulong Op { get; }

    /// <summary>Empty: not chosen by name.</summary>
    public ObjectKey Name { get; }

    /// <summary>Reads <c>latest</c>, a number, or a name.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out CheckpointChoice choice)
    {
        choice = default;
        if (text.SequenceEqual("latest"u8)) return true;
        if (Utf8Parser.TryParse(text, out ulong op, out int used) && used == text.Length)
        {
            choice = new CheckpointChoice(op, default);
            return op > 0;
        }
        if (!CatalogEntry.IsName(text)) return false;
        choice = new CheckpointChoice(0, new ObjectKey(text));
        return true;
    }

    /// <summary>The entry that is meant; -1 if there is none.</summary>
    public int FindIn(Catalog catalog) => Op > 0 ? catalog.FindOp(Op)
        : Name.IsEmpty ? catalog.Newest : catalog.Find(Name.Bytes);
}
