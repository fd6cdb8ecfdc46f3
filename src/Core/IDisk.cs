using Deterministic.Core.Memory;

namespace Deterministic.Core;

public enum IoResult : byte
{
    Ok = 0,

    /// <summary>The device could not read; treated as corruption of what was asked for.</summary>
    ReadFailed = 1,

    /// <summary>The device did not take the write; a replica that cannot write stops.</summary>
    WriteFailed = 2,
}

/// <summary>The data file. Offsets, sizes and buffers are sector-aligned. Each call ends in exactly one later
/// <c>OnCompletion(token, result)</c>, never during the call itself; a write is durable when it completes.</summary>
public interface IDisk
{
    void Read(uint token, long offset, NativeBuffer buffer);
    void Write(uint token, long offset, NativeBuffer buffer);
}
