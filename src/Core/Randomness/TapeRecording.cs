using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace Deterministic.Core.Randomness;

/// <summary>The choices of one run, one list per consumer, each a u64. It can be saved, loaded, edited and replayed;
/// a shrinker makes a smaller run by deleting choices and lowering them.</summary>
/// <remarks>Bytes: magic (8), seed u64, then per consumer in ascending order a count and the choices, all as LEB128
/// numbers, then the checksum (16) of everything before it.</remarks>
public sealed class TapeRecording
{
    private const ulong Magic = 0x3145_5041_5445_4400;
    private const int FrameSize = 8 + 8;
    private const int ChecksumSize = 16;

    private readonly List<ulong>[] _streams = new List<ulong>[(int)TapeConsumer.Count];

    public TapeRecording(ulong seed = 0)
    {
        Seed = seed;
        for (int i = 0; i < _streams.Length; i++) _streams[i] = [];
    }

    /// <summary>The seed that the choices came from first; for people, not for the replay.</summary>
    public ulong Seed { get; }

    /// <summary>Choices over all consumers.</summary>
    public int Length
    {
        get
        {
            int length = 0;
            foreach (List<ulong> stream in _streams) length += stream.Count;
            return length;
        }
    }

    /// <summary>The choices of one consumer, to read and to edit.</summary>
    public List<ulong> this[TapeConsumer consumer] => _streams[(int)consumer];

    /// <summary>A copy that can be edited alone.</summary>
    public TapeRecording Copy()
    {
        TapeRecording copy = new(Seed);
        for (int i = 0; i < _streams.Length; i++) copy._streams[i].AddRange(_streams[i]);
        return copy;
    }

    /// <summary>Drops zeroes at the end of every stream: a replay answers zero past the end anyway.</summary>
    public void Trim()
    {
        foreach (List<ulong> stream in _streams)
        {
            int length = stream.Count;
            while (length > 0 && stream[length - 1] == 0) length--;
            stream.RemoveRange(length, stream.Count - length);
        }
    }

    public byte[] Save()
    {
        List<byte> bytes = new(FrameSize + ChecksumSize + 2 * Length);
        AppendU64(bytes, Magic);
        AppendU64(bytes, Seed);
        foreach (List<ulong> stream in _streams)
        {
            AppendNumber(bytes, (ulong)stream.Count);
            foreach (ulong choice in stream) AppendNumber(bytes, choice);
        }
        byte[] result = new byte[bytes.Count + ChecksumSize];
        bytes.CopyTo(result);
        BinaryPrimitives.WriteUInt128LittleEndian(
            result.AsSpan(bytes.Count), Checksum.Of(result.AsSpan(0, bytes.Count)));
        return result;
    }

    /// <summary>False if the bytes are not a whole undamaged recording.</summary>
    public static bool TryLoad(ReadOnlySpan<byte> bytes, out TapeRecording recording)
    {
        recording = new TapeRecording();
        if (bytes.Length < FrameSize + ChecksumSize) return false;
        ReadOnlySpan<byte> covered = bytes[..^ChecksumSize];
        if (BinaryPrimitives.ReadUInt128LittleEndian(bytes[^ChecksumSize..]) != Checksum.Of(covered)) return false;
        if (BinaryPrimitives.ReadUInt64LittleEndian(covered) != Magic) return false;
        recording = new TapeRecording(BinaryPrimitives.ReadUInt64LittleEndian(covered[8..]));
        ReadOnlySpan<byte> rest = covered[FrameSize..];

        // A file of an older version has fewer consumers.
        foreach (List<ulong> stream in recording._streams)
        {
            if (rest.IsEmpty) break;
            if (!TryReadNumber(ref rest, out ulong count) || count > (ulong)rest.Length) return false;
            for (ulong i = 0; i < count; i++)
            {
                if (!TryReadNumber(ref rest, out ulong choice)) return false;
                stream.Add(choice);
            }
        }
        return rest.IsEmpty;
    }

    private static void AppendU64(List<byte> bytes, ulong value)
    {
        for (int shift = 0; shift < 64; shift += 8) bytes.Add((byte)(value >> shift & 0xFF));
    }

    private static void AppendNumber(List<byte> bytes, ulong value)
    {
        while (value >= 0x80)
        {
            bytes.Add((byte)(value & 0x7F | 0x80));
            value >>= 7;
        }
        bytes.Add((byte)value);
    }

    private static bool TryReadNumber(ref ReadOnlySpan<byte> rest, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            if (rest.IsEmpty) return false;
            byte part = rest[0];
            rest = rest[1..];
            if (shift == 63 && part > 1) return false;
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return true;
        }
        return false;
    }
}
