using System;
using System.IO.Hashing;

namespace Deterministic.Core;

/// <summary>The one checksum of the system: XxHash128 with seed 0 (128 bits, little-endian halves as the library
/// defines them). It guards against accident, not against forgery.</summary>
public static class Checksum
{
    public static UInt128 Of(ReadOnlySpan<byte> bytes) => XxHash128.HashToUInt128(bytes);

    public static UInt128 Of(ReadOnlySpan<byte> bytes, long seed) => XxHash128.HashToUInt128(bytes, seed);

    /// <summary>Checksum of no bytes at all; the body checksum of every message without a body.</summary>
    public static UInt128 Empty { get; } = Of([]);
}
