using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine;

/// <summary>A value as it lies in a request, a row or a column, without a copy: its kind, and its bytes after the kind
/// byte. String: UTF-8 alone (no length). Array: u32 count, then encoded elements. Vector: f32 elements alone. Sparse:
/// u32 count, then dimensions (<see cref="SparseVector"/>). Else as on the wire (<see cref="Value"/>).</summary>
public readonly ref struct EncodedValue(ValueKind kind, ReadOnlySpan<byte> payload)
{
    public ValueKind Kind { get; } = kind;
    public ReadOnlySpan<byte> Payload { get; } = payload;

    public bool IsNull => Kind == ValueKind.Null;
    public bool AsBool => Kind == ValueKind.True;

    /// <summary>Of an Int or a Datetime.</summary>
    public long AsInt => BinaryPrimitives.ReadInt64LittleEndian(Payload);
    public ulong AsUint => BinaryPrimitives.ReadUInt64LittleEndian(Payload);
    public double AsFloat => BinaryPrimitives.ReadDoubleLittleEndian(Payload);
    public UInt128 AsUuid => BinaryPrimitives.ReadUInt128BigEndian(Payload);
    public ReadOnlySpan<float> AsVector => MemoryMarshal.Cast<byte, float>(Payload);

    /// <summary>Elements of an array.</summary>
    public int ElementCount => (int)BinaryPrimitives.ReadUInt32LittleEndian(Payload);

    /// <summary>The elements one after another: call <see cref="Read"/> on it <see cref="ElementCount"/>
    /// times.</summary>
    public WireReader Elements => new(Payload[4..]);

    /// <summary>Size on the wire and in a row.</summary>
    public int EncodedSize => 1 + Payload.Length + (Kind is ValueKind.String or ValueKind.Vector ? 4 : 0);

    /// <summary>Reads one value from untrusted bytes; fails the reader if it is none. Arrays do not nest.</summary>
    public static EncodedValue Read(scoped ref WireReader reader, bool element = false)
    {
        ValueKind kind = (ValueKind)reader.U8();
        switch (kind)
        {
            case ValueKind.Null or ValueKind.False or ValueKind.True:
                return new(kind, default);
            case ValueKind.Int or ValueKind.Uint or ValueKind.Float or ValueKind.Datetime:
                return new(kind, reader.Bytes(8));
            case ValueKind.Uuid:
                return new(kind, reader.Bytes(16));
            case ValueKind.String:
                return new(kind, reader.Bytes(reader.U32()));
            case ValueKind.Vector when !element:
                return new(kind, reader.Bytes(reader.U32() * 4L));
            case ValueKind.Array when !element:
                int start = reader.Position;
                uint count = reader.U32();
                for (uint i = 0; i < count && !reader.Failed; i++) Read(ref reader, element: true);
                return reader.Failed ? default : new(kind, reader.Since(start));
            case ValueKind.Sparse when !element:
                return ReadSparse(ref reader);
            default:
                reader.Fail();
                return default;
        }
    }

    private static EncodedValue ReadSparse(scoped ref WireReader reader)
    {
        int start = reader.Position;
        uint count = reader.U32();
        for (uint i = 0; i < count && !reader.Failed; i++)
        {
            reader.Name();
            reader.U16();
        }
        return reader.Failed ? default : new(ValueKind.Sparse, reader.Since(start));
    }

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Kind);
        if (Kind == ValueKind.String) writer.U32((uint)Payload.Length);
        if (Kind == ValueKind.Vector) writer.U32((uint)(Payload.Length / 4));
        writer.Bytes(Payload);
    }
}
