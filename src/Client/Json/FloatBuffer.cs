using System;
using System.Buffers;

namespace Deterministic.Client.Json;

/// <summary>Floats while nobody knows yet how many there are.</summary>
internal ref struct FloatBuffer
{
    private const int CountFirst = 1024;
    private float[] _floats;
    private int _count;

    public FloatBuffer() => _floats = ArrayPool<float>.Shared.Rent(CountFirst);

    public void Add(float value)
    {
        if (_count == _floats.Length) Grow();
        _floats[_count++] = value;
    }

    /// <summary>All of them; nothing more can be added.</summary>
    public float[] Finish()
    {
        float[] floats = _floats.AsSpan(0, _count).ToArray();
        ArrayPool<float>.Shared.Return(_floats);
        _floats = [];
        _count = 0;
        return floats;
    }

    private void Grow()
    {
        float[] larger = ArrayPool<float>.Shared.Rent(2 * _floats.Length);
        _floats.CopyTo(larger, 0);
        ArrayPool<float>.Shared.Return(_floats);
        _floats = larger;
    }
}
