using System;
using System.Buffers.Binary;
using System.IO;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands.Data;

/// <summary>Reads a file of vectors, all little-endian. fvecs: each i32 dimensions and f32 elements. bvecs: each i32
/// dimensions and u8 elements. ivecs: each i32 dimensions and i32 elements. f16bin: i32 count, i32 dimensions, then
/// IEEE half-precision elements of all.</summary>
public sealed class VectorReader
{
    private const int IvecsMax = 1 << 20;
    private readonly InputFile _file;
    private readonly int _elementSize;
    private readonly bool _counted;
    private readonly bool _integers;
    private long _remaining = long.MaxValue;
    private byte[] _bytes = [];
    private float[]? _peeked;

    /// <exception cref="CommandException">The name has no known ending or the head is not of that format.</exception>
    public VectorReader(InputFile file)
    {
        _file = file;
        _counted = file.Ends(".f16bin");
        _integers = file.Ends(".ivecs");
        _elementSize = _counted ? 2 : file.Ends(".bvecs") ? 1 : 4;
        if (!IsVectorFile(file) && !_integers)
        {
            throw new CommandException(
                $"\"{file.Path}\" is no vector file: known are .fvecs, .bvecs, .f16bin, .ivecs, also .gz");
        }
        if (!_counted) return;
        Span<byte> head = stackalloc byte[8];
        if (!Fill(head)) throw Bad("it is empty");
        _remaining = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (_remaining < 0) throw Bad("a negative count");
        Dimensions = CheckDimensions(BinaryPrimitives.ReadInt32LittleEndian(head[4..]));
    }

    public static bool IsVectorFile(InputFile file) =>
        file.Ends(".fvecs") || file.Ends(".bvecs") || file.Ends(".f16bin");

    /// <summary>The schema of a column "vector" that holds these; null if there are none.</summary>
    public AttributeSchema? Schema() => Peek() is not float[] first ? null : new AttributeSchema
    {
        Name = "vector", Type = IsHalf ? AttributeType.VectorF16 : AttributeType.VectorF32,
        Dimensions = (uint)first.Length, Ann = true,
    };

    /// <summary>Whether elements are stored as half-precision floats.</summary>
    public bool IsHalf => _counted;

    /// <summary>Of the vectors read so far, and of f16bin from the start.</summary>
    public int Dimensions { get; private set; }

    public long Count { get; private set; }

    /// <summary>The vector that <see cref="Read"/> will return next, or null at the end.</summary>
    public float[]? Peek() => _peeked ??= Read();

    /// <summary>The next vector, or null at the end.</summary>
    public float[]? Read()
    {
        Check.That(!_integers);
        if (_peeked is not null)
        {
            float[] peeked = _peeked;
            _peeked = null;
            return peeked;
        }
        ReadOnlySpan<byte> bytes = ReadBytes();
        if (bytes.IsEmpty) return null;
        float[] vector = new float[Dimensions];
        for (int i = 0; i < vector.Length; i++)
        {
            vector[i] = _elementSize switch
            {
                1 => bytes[i],
                2 => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                _ => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
            };
        }
        return vector;
    }

    /// <summary>The next row of integers of an ivecs file, or null at the end.</summary>
    public int[]? ReadIntegers()
    {
        Check.That(_integers);
        ReadOnlySpan<byte> bytes = ReadBytes();
        return bytes.IsEmpty ? null : MemoryMarshal.Cast<byte, int>(bytes).ToArray();
    }

    private ReadOnlySpan<byte> ReadBytes()
    {
        if (_remaining == 0) return default;
        if (!_counted)
        {
            Span<byte> head = stackalloc byte[4];
            if (!Fill(head)) return default;
            Dimensions = CheckDimensions(BinaryPrimitives.ReadInt32LittleEndian(head));
        }
        int size = Dimensions * _elementSize;
        if (_bytes.Length != size) _bytes = new byte[size];
        if (!Fill(_bytes)) throw Bad("it is cut off");
        _remaining--;
        Count++;
        return _bytes;
    }

    /// <summary>False at a clean end of the file.</summary>
    private bool Fill(Span<byte> to)
    {
        int read = _file.Stream.ReadAtLeast(to, to.Length, throwOnEndOfStream: false);
        if (read == 0) return false;
        return read == to.Length ? true : throw Bad("it is cut off");
    }

    private int CheckDimensions(int dimensions)
    {
        int most = _integers ? IvecsMax : Limits.DimensionsMax;
        if (dimensions < 1 || dimensions > most) throw Bad($"{dimensions} dimensions, there may be 1 to {most}");
        if (Count > 0 && dimensions != Dimensions) throw Bad($"{dimensions} dimensions after vectors of {Dimensions}");
        return dimensions;
    }

    private CommandException Bad(string why) =>
        new($"\"{_file.Path}\" does not hold what its name says: {why} (vector {Count})");
}
