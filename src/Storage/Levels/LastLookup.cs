using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Deterministic.Core;

namespace Deterministic.Storage.Levels;

/// <summary>What the last search of one tree under its active memtable has found. An operation asks for the same entry
/// several times in a row: to see whether it is there, to read it, to change it. Good for one moment, see
/// <see cref="Forest.Moment"/>. The values lie in memory that does not move.</summary>
internal sealed unsafe class LastLookup
{
    private readonly byte[] _key = new byte[Tree.KeySizeMax];
    private int _keySize;
    private ulong _moment;
    private LookupResult _result;
    private byte* _value;
    private int _valueSize;

    public void Keep(
        ulong moment, ReadOnlySpan<byte> key, LookupResult result, ReadOnlySpan<byte> value)
    {
        Check.That(moment > 0 && result != LookupResult.Missing);
        key.CopyTo(_key);
        _keySize = key.Length;
        _moment = moment;
        _result = result;
        _value = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(value));
        _valueSize = value.Length;
    }

    public bool TryRecall(
        ulong moment, ReadOnlySpan<byte> key, out LookupResult result, out ReadOnlySpan<byte> value)
    {
        result = _result;
        value = default;
        if (_moment != moment || !key.SequenceEqual(_key.AsSpan(0, _keySize))) return false;
        value = new ReadOnlySpan<byte>(_value, _valueSize);
        return true;
    }
}
