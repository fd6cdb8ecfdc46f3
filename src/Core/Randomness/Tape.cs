using System;
using System.Collections.Generic;

namespace Deterministic.Core.Randomness;

/// <summary>Where every choice of a simulation or a fuzz run comes from. The same code runs under three kinds of tape:
/// seeded (random by a seed), replayed (a recording, edited or not) and exhaustive (every combination of choices, run
/// after run). Whatever the kind, <see cref="Recording"/> holds the choices that were answered.</summary>
public sealed class Tape
{
    private readonly TapeStream[] _streams = new TapeStream[(int)TapeConsumer.Count];
    private readonly Enumeration? _enumeration;

    private Tape(ulong seed, TapeRecording? replayed, Enumeration? enumeration)
    {
        _enumeration = enumeration;
        Recording = new TapeRecording(seed);
        for (int i = 0; i < _streams.Length; i++)
        {
            TapeConsumer consumer = (TapeConsumer)i;
            Prng? prng = replayed is null && enumeration is null ? Prng.For(seed, (ulong)i) : null;
            _streams[i] = new TapeStream(Recording[consumer], prng, replayed?[consumer], enumeration);
        }
    }

    public TapeRecording Recording { get; }

    /// <summary>Random choices; one seed, one run.</summary>
    public static Tape Seeded(ulong seed) => new(seed, null, null);

    /// <summary>The choices of a recording. Past the end of a stream the answer is 0, and a choice that is too large is
    /// reduced into its range, so that an edited recording is always a valid run.</summary>
    public static Tape Replay(TapeRecording recording) => new(recording.Seed, recording.Copy(), null);

    /// <summary>Every combination: <c>while (tape.NextRun()) { … }</c>, where the body draws the same way whenever it
    /// was answered the same way.</summary>
    public static Tape Exhaustive() => new(0, null, new Enumeration());

    public TapeStream Stream(TapeConsumer consumer)
    {
        Check.That(consumer < TapeConsumer.Count);
        return _streams[(int)consumer];
    }

    /// <summary>Starts the next combination of an exhaustive tape; false once all were run.</summary>
    public bool NextRun()
    {
        Check.That(_enumeration is not null);
        for (TapeConsumer consumer = 0; consumer < TapeConsumer.Count; consumer++) Recording[consumer].Clear();
        return _enumeration.NextRun();
    }
}

/// <summary>The choices of one consumer.</summary>
public sealed class TapeStream
{
    /// <summary>Of one consumer in one run: far beyond what any run needs, and less than what a loop without end takes
    /// until memory is full.</summary>
    private const int ChoicesMax = 1 << 24;

    private readonly List<ulong> _recorded;
    private readonly Prng? _prng;
    private readonly List<ulong>? _replayed;
    private readonly Enumeration? _enumeration;
    private int _position;

    internal TapeStream(List<ulong> recorded, Prng? prng, List<ulong>? replayed, Enumeration? enumeration)
    {
        int sources = (prng is null ? 0 : 1) + (replayed is null ? 0 : 1) + (enumeration is null ? 0 : 1);
        Check.That(sources == 1);
        _recorded = recorded;
        _prng = prng;
        _replayed = replayed;
        _enumeration = enumeration;
    }

    /// <summary>0 to <paramref name="bound"/> - 1. A bound of one leaves no choice and records none.</summary>
    public ulong Below(ulong bound)
    {
        Check.That(bound > 0);
        if (bound == 1) return 0;
        return Record(_prng is null ? Choose(bound) : _prng.Below(bound));
    }

    public int Below(int bound)
    {
        Check.That(bound > 0);
        return (int)Below((ulong)bound);
    }

    /// <summary>Both ends included.</summary>
    public int Range(int min, int max) => (int)Range((long)min, max);

    /// <summary>Both ends included.</summary>
    public long Range(long min, long max)
    {
        Check.That(min <= max);
        ulong bound = unchecked((ulong)max - (ulong)min + 1);
        return unchecked(min + (long)(bound == 0 ? U64() : Below(bound)));
    }

    /// <summary>Recorded as 0 for no and 1 for yes; a certain answer records nothing.</summary>
    public bool Chance(Ratio ratio)
    {
        if (ratio.IsNever) return false;
        if (ratio.IsAlways) return true;
        return Record(_prng is null ? Choose(2) : _prng.Chance(ratio) ? 1UL : 0UL) == 1;
    }

    public bool Boolean() => Below(2) == 1;

    /// <summary>As many different numbers below <paramref name="bound"/> (at most 32), as bits; the lowest when no
    /// choices are left.</summary>
    public uint Subset(int bound, int count)
    {
        Check.That(bound is > 0 and <= 32 && count >= 0 && count <= bound);
        uint set = 0;
        for (int drawn = 0; drawn < count; drawn++)
        {
            int skipped = Below(bound - drawn);
            int number = 0;
            while ((set >> number & 1) != 0 || skipped-- > 0) number++;
            set |= 1u << number;
        }
        return set;
    }

    /// <summary>An index into <paramref name="weights"/>, as often as its weight says; never one of weight 0. Only the
    /// index is recorded, so put the simplest alternative first.</summary>
    public int Weighted(ReadOnlySpan<int> weights)
    {
        ulong total = 0;
        foreach (int weight in weights)
        {
            Check.That(weight >= 0);
            total += (ulong)weight;
        }
        Check.That(total > 0);
        int index = _prng is null ? (int)Choose((ulong)weights.Length) : Locate(weights, _prng.Below(total));
        int first = index;
        while (weights[index] == 0)
        {
            index = (index + 1) % weights.Length;
            Check.That(index != first);
        }
        Record((ulong)index);
        return index;
    }

    /// <summary>One of the items.</summary>
    public T Pick<T>(ReadOnlySpan<T> items) => items[Below(items.Length)];

    /// <summary>Any 64 bits; not on an exhaustive tape.</summary>
    public ulong U64() => Record(_prng is null ? Choose(0) : _prng.Next());

    /// <summary>Eight bytes to a choice; on an exhaustive tape, one.</summary>
    public void Bytes(Span<byte> bytes)
    {
        int step = _enumeration is null ? 8 : 1;
        for (int i = 0; i < bytes.Length; i += step)
        {
            ulong word = _enumeration is null ? U64() : Below(256UL);
            for (int j = i; j < i + step && j < bytes.Length; j++)
            {
                bytes[j] = (byte)(word & 0xFF);
                word >>= 8;
            }
        }
    }

    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = i - Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static int Locate(ReadOnlySpan<int> weights, ulong point)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            if (point < (ulong)weights[i]) return i;
            point -= (ulong)weights[i];
        }
        Check.Unreachable();
        return 0;
    }

    /// <summary>The next choice that does not come from a generator; bound 0 means all 64 bits.</summary>
    private ulong Choose(ulong bound)
    {
        if (_enumeration is not null) return _enumeration.Choose(bound);
        Check.That(_replayed is not null);
        if (_position == _replayed.Count) return 0;
        ulong choice = _replayed[_position++];
        return bound == 0 ? choice : choice % bound;
    }

    private ulong Record(ulong choice)
    {
        Check.That(_recorded.Count < ChoicesMax, "a run takes choices for ever");
        _recorded.Add(choice);
        return choice;
    }
}

/// <summary>Walks the tree of all choices depth first: each run repeats the choices of the run before up to the last
/// one that can be raised, raises it and goes on with zeroes.</summary>
internal sealed class Enumeration
{
    private readonly List<(ulong Choice, ulong Bound)> _path = [];
    private int _position;
    private bool _started;

    public bool NextRun()
    {
        if (!_started)
        {
            _started = true;
            return true;
        }
        while (_path.Count > 0)
        {
            (ulong choice, ulong bound) = _path[^1];
            _path.RemoveAt(_path.Count - 1);
            if (choice + 1 == bound) continue;
            _path.Add((choice + 1, bound));
            _position = 0;
            return true;
        }
        return false;
    }

    public ulong Choose(ulong bound)
    {
        Check.That(_started);
        Check.That(bound > 0, "an exhaustive tape cannot enumerate 64 bits");
        if (_position == _path.Count) _path.Add((0, bound));
        Check.That(_path[_position].Bound == bound, "the run drew differently after the same answers");
        return _path[_position++].Choice;
    }
}
