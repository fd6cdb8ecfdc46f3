using System;
using System.Buffers.Binary;
using System.Numerics;

namespace Deterministic.Core.Randomness;

/// <summary>Pseudo-random numbers that are the same for ever: xoshiro256++ by Blackman and Vigna, its state filled by
/// splitmix64. Integers only. The numbers are part of recorded seeds: changing them changes what every seed
/// means.</summary>
public sealed class Prng
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    public Prng(ulong seed)
    {
        ulong state = seed;
        _s0 = SplitMix(ref state);
        _s1 = SplitMix(ref state);
        _s2 = SplitMix(ref state);
        _s3 = SplitMix(ref state);
        Check.That((_s0 | _s1 | _s2 | _s3) != 0);
    }

    /// <summary>A generator for one of many uses of a seed: a function of both numbers only, whatever else was
    /// drawn.</summary>
    public static Prng For(ulong seed, ulong use)
    {
        ulong state = use;
        return new Prng(unchecked(seed ^ SplitMix(ref state)));
    }

    /// <summary>All 64 bits.</summary>
    public ulong Next()
    {
        unchecked
        {
            ulong result = BitOperations.RotateLeft(_s0 + _s3, 23) + _s0;
            ulong t = _s1 << 17;
            _s2 ^= _s0;
            _s3 ^= _s1;
            _s1 ^= _s2;
            _s0 ^= _s3;
            _s2 ^= t;
            _s3 = BitOperations.RotateLeft(_s3, 45);
            return result;
        }
    }

    /// <summary>0 to <paramref name="bound"/> - 1, by a multiplication of 128 bits; the bias is below 2^-64 times the
    /// bound.</summary>
    public ulong Below(ulong bound)
    {
        Check.That(bound > 0);
        ulong result = (ulong)(((UInt128)Next() * bound) >> 64);
        Check.That(result < bound);
        return result;
    }

    public int Below(int bound)
    {
        Check.That(bound > 0);
        return (int)Below((ulong)bound);
    }

    /// <summary>Both ends included.</summary>
    public int Range(int min, int max)
    {
        Check.That(min <= max);
        return (int)(min + (long)Below((ulong)((long)max - min + 1)));
    }

    public bool Chance(Ratio ratio) => Below(ratio.Denominator) < ratio.Numerator;

    /// <summary>A generator of its own that depends on what was drawn here before.</summary>
    public Prng Fork() => new(Next());

    public void Fill(Span<byte> bytes)
    {
        Span<byte> word = stackalloc byte[8];
        while (!bytes.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
            int size = bytes.Length < 8 ? bytes.Length : 8;
            word[..size].CopyTo(bytes);
            bytes = bytes[size..];
        }
    }

    /// <summary>Fisher and Yates.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>One step of splitmix64 by Steele, Lea and Flood.</summary>
    private static ulong SplitMix(ref ulong state)
    {
        unchecked
        {
            state += 0x9E3779B97F4A7C15;
            ulong z = state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
