using System;
using System.IO;

namespace Deterministic.Replica.Commands.Data;

/// <summary>Lines of a stream as UTF-8 bytes, without their ends. A line is valid until the next one is
/// read.</summary>
public sealed class LineReader(Stream stream)
{
    private const int SizeMax = 1 << 26;
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>Lines read so far.</summary>
    public long Line { get; private set; }

    /// <exception cref="InvalidDataException">A line of more than 64 MiB.</exception>
    public bool TryRead(out ReadOnlyMemory<byte> line)
    {
        int searched = _start;
        while (true)
        {
            int at = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (at >= 0 || (_ended && _end > _start))
            {
                int stop = at >= 0 ? searched + at : _end;
                int size = stop - _start;
                if (size > 0 && _buffer[stop - 1] == '\r') size--;
                line = _buffer.AsMemory(_start, size);
                _start = at >= 0 ? stop + 1 : _end;
                Line++;
                return true;
            }
            if (_ended)
            {
                line = default;
                return false;
            }
            int pending = _end - _start;
            Fill();
            searched = _start + pending;
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        if (_end == _buffer.Length)
        {
            if (_buffer.Length >= SizeMax)
                throw new InvalidDataException($"line {Line + 1} is longer than {SizeMax} bytes; is it JSON Lines?");
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
        int read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        _ended = read == 0;
    }
}
