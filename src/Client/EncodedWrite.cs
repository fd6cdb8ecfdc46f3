namespace Deterministic.Client;

/// <summary>A write as it travels, which takes far less memory than its rows. It is sent once.</summary>
public sealed class EncodedWrite
{
    internal EncodedWrite(PooledBytes body, bool alone, int rows)
    {
        Body = body;
        IsAlone = alone;
        Rows = rows;
    }

    /// <summary>Upserts, patches and deletes by id.</summary>
    public int Rows { get; }

    /// <summary>Bytes.</summary>
    public int Size => Body.Size;

    internal PooledBytes Body { get; }

    /// <summary>Shares a message with no other.</summary>
    internal bool IsAlone { get; }
}
