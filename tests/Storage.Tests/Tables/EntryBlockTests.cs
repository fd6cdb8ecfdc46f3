using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Deterministic.Storage.Tables;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests.Tables;

/// <summary>A block of entries as it is written and read. The bytes are on disk: what they are is part of the
/// format.</summary>
public sealed class EntryBlockTests
{
    private const int BodySize = 16 << 10;

    [Fact]
    public void KeysShareTheirBeginningsWithTheKeysBefore()
    {
        byte[] body = Write(("tree/1", "a"), ("tree/12", "bb"), ("tree/2", null), ("zoo", ""));
        byte[] expected =
        [
            0, 6, 1 << 1, .. "tree/1"u8, .. "a"u8,
            6, 1, 2 << 1, .. "2"u8, .. "bb"u8,
            5, 1, 1, .. "2"u8,
            0, 3, 0 << 1, .. "zoo"u8,
            // One restart, at 0; four entries.
            0, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0,
        ];
        Assert.Equal(expected, body);
    }

    /// <summary>So that a search can begin there: of 40 entries those numbered 0, 16 and 32.</summary>
    [Fact]
    public void EverySixteenthEntryIsARestartAndSharesNothing()
    {
        byte[] body = Write(Numbered(40));
        Assert.Equal(40, BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(body.Length - 4)));
        Assert.Equal(3, BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(body.Length - 8)));
        for (int restart = 0; restart < 3; restart++)
        {
            int at = BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(body.Length - 8 - 4 * (3 - restart)));
            Assert.Equal(0, body[at]);
            Assert.Equal($"key{restart * 32:D4}", Encoding.UTF8.GetString(body, at + 3, body[at + 1]));
        }
    }

    [Fact]
    public void ASearchEndsAtTheLastEntryThatIsNotAboveTheKey()
    {
        // key0000, key0002, and so on to key0078.
        byte[] body = Write(Numbered(40));
        Assert.Null(Floor(body, "key"));
        Assert.Equal("key0000", Floor(body, "key0000"));
        Assert.Equal("key0000", Floor(body, "key0001"));
        Assert.Equal("key0030", Floor(body, "key0031"));
        Assert.Equal("key0032", Floor(body, "key0032"));
        Assert.Equal("key0076", Floor(body, "key0077z"));
        Assert.Equal("key0078", Floor(body, "zoo"));
    }

    [Fact]
    public void ATombstoneIsAnEntryWithoutAValue()
    {
        EntryBlock block = new(Write(("a", "1"), ("b", null), ("c", "")));
        byte[] key = new byte[Tree.KeySizeMax + 1];
        Assert.True(block.TryFloor("b"u8, key, out EntryPlace place));
        Assert.Equal(EntryKind.Tombstone, place.Kind);
        Assert.Equal(0, place.ValueSize);
        block.Next(key, ref place);
        // An empty value is none.
        Assert.Equal(EntryKind.Value, place.Kind);
        Assert.Equal(0, place.ValueSize);
    }

    [Fact]
    public void LargerValuesBeginAtMultiplesOf64()
    {
        byte[] body = Write(
            ("a", new string('x', EntryBlockWriter.AlignedSizeMin - 1)), ("b", new string('y', 2000)),
            ("c", new string('z', EntryBlockWriter.AlignedSizeMin)));
        EntryBlock block = new(body);
        byte[] key = new byte[Tree.KeySizeMax + 1];
        block.First(key, out EntryPlace place);
        Assert.NotEqual(0, place.ValueOffset % EntryBlockWriter.Alignment);
        while (place.Index + 1 < block.Count)
        {
            int end = place.Next;
            block.Next(key, ref place);
            Assert.Equal(0, place.ValueOffset % EntryBlockWriter.Alignment);
            // Two sizes of a byte, one of two bytes, a key of one; then zeroes.
            Assert.True(body.AsSpan((end + 5)..place.ValueOffset).IndexOfAnyExcept((byte)0) < 0);
        }
        Assert.Equal('z', (char)block.Value(in place)[^1]);
    }

    /// <summary>One entry always fits, more only while there is surely room; what was said to fit can be
    /// added.</summary>
    [Fact]
    public void ABlockTakesWhatFits()
    {
        byte[] body = new byte[512];
        EntryBlockWriter writer = new(body, new byte[Tree.KeySizeMax + 1], default);
        int entries = 0;
        for (; writer.Fits(keySize: 2, valueSize: 10); entries++) writer.Add([1, (byte)entries], new byte[10], 0);
        int size = writer.Finish();
        Assert.InRange(entries, 24, 30);
        Assert.InRange(size, 512 - 100, 512);
        Assert.True(EntryBlock.IsValid(body.AsSpan(0, size), entries, [1, 0], [1, (byte)(entries - 1)], true));
    }

    [Fact]
    public void ABlockOfAnotherRangeOrNumberOfEntriesIsNotValid()
    {
        byte[] body = Write(Numbered(40));
        Assert.True(IsValid(body, 40, "key0000", "key0078", reached: true));
        Assert.True(IsValid(body, 40, "key0000", "key0079", reached: false));
        Assert.False(IsValid(body, 39, "key0000", "key0078", reached: true));
        Assert.False(IsValid(body, 40, "key0001", "key0078", reached: true));
        Assert.False(IsValid(body, 40, "key0000", "key0079", reached: true));
        Assert.False(IsValid(body, 40, "key0000", "key0078", reached: false));
        Assert.False(IsValid(body[1..], 40, "key0000", "key0078", reached: true));
    }

    [Fact]
    public void WalksAndSearchesAgreeWithASortedMap() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
    {
        var random = new Random(seed);
        SortedList<string, string?> map = new(StringComparer.Ordinal);
        for (int i = random.Next(1, 100); i > 0; i--)
            map[NewKey(random)] = random.Next(5) == 0 ? null : new string('v', random.Next(90));
        var entries = new (string, string?)[map.Count];
        for (int i = 0; i < entries.Length; i++) entries[i] = (map.Keys[i], map.Values[i]);
        byte[] body = Write(entries);
        Assert.True(IsValid(body, map.Count, map.Keys[0], map.Keys[^1], reached: true));
        CheckWalks(body, map);
        for (int i = 0; i < 50; i++)
        {
            string target = NewKey(random);
            string? floor = null;
            foreach (string key in map.Keys) if (string.CompareOrdinal(key, target) <= 0) floor = key;
            Assert.Equal(floor, Floor(body, target));
        }
    }).QuickCheckThrowOnFailure();

    private static void CheckWalks(byte[] body, SortedList<string, string?> map)
    {
        EntryBlock block = new(body);
        byte[] key = new byte[Tree.KeySizeMax + 1];
        Assert.Equal(map.Count, block.Count);
        block.First(key, out EntryPlace place);
        for (int i = 0; ; i++)
        {
            CheckEntry(block, key, in place, map, i);
            if (i + 1 == map.Count) break;
            block.Next(key, ref place);
        }
        block.Last(key, out place);
        for (int i = map.Count - 1; ; i--)
        {
            CheckEntry(block, key, in place, map, i);
            if (i == 0) break;
            block.Previous(key, ref place);
        }
    }

    private static void CheckEntry(
        EntryBlock block, byte[] key, in EntryPlace place, SortedList<string, string?> map, int i)
    {
        Assert.Equal(i, place.Index);
        Assert.Equal(map.Keys[i], Encoding.UTF8.GetString(key, 0, place.KeySize));
        Assert.Equal(map.Values[i] is null ? EntryKind.Tombstone : EntryKind.Value, place.Kind);
        Assert.Equal(map.Values[i] ?? "", Encoding.UTF8.GetString(block.Value(in place)));
    }

    /// <summary>Of few letters, so that keys share much.</summary>
    private static string NewKey(Random random)
    {
        char[] key = new char[random.Next(1, 9)];
        for (int i = 0; i < key.Length; i++) key[i] = (char)('a' + random.Next(3));
        return new string(key);
    }

    private static (string, string?)[] Numbered(int count)
    {
        var entries = new (string, string?)[count];
        for (int i = 0; i < count; i++) entries[i] = ($"key{2 * i:D4}", $"{i}");
        return entries;
    }

    /// <param name="entries">In ascending order; a null value is a tombstone.</param>
    private static byte[] Write(params (string Key, string? Value)[] entries)
    {
        byte[] body = new byte[BodySize];
        byte[] lastKey = new byte[Tree.KeySizeMax + 1];
        EntryBlockState state = default;
        foreach (var (key, value) in entries)
        {
            EntryBlockWriter writer = new(body, lastKey, state);
            writer.Add(
                Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value ?? ""),
                value is null ? EntryKind.Tombstone : EntryKind.Value);
            state = writer.State;
        }
        return body[..new EntryBlockWriter(body, lastKey, state).Finish()];
    }

    private static string? Floor(byte[] body, string target)
    {
        byte[] key = new byte[Tree.KeySizeMax + 1];
        bool found = new EntryBlock(body).TryFloor(Encoding.UTF8.GetBytes(target), key, out EntryPlace place);
        return found ? Encoding.UTF8.GetString(key, 0, place.KeySize) : null;
    }

    private static bool IsValid(byte[] body, int count, string first, string bound, bool reached) =>
        EntryBlock.IsValid(body, count, Encoding.UTF8.GetBytes(first), Encoding.UTF8.GetBytes(bound), reached);
}
