namespace Deterministic.Storage;

/// <summary>How large a level is.</summary>
public readonly struct LevelFigures
{
    /// <summary>Level 0 has as many as were flushed and not yet merged; a deeper one has one, or none.</summary>
    public int Runs { get; init; }
    public int Tables { get; init; }

    /// <summary>Blocks of the tables, indexes and filters included.</summary>
    public long Blocks { get; init; }

    /// <summary>Bytes of keys and values.</summary>
    public long DataSize { get; init; }
}
