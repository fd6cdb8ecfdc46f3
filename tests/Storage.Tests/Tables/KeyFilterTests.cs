using System;
using System.Buffers.Binary;
using Deterministic.Storage.Tables;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests.Tables;

public sealed class KeyFilterTests
{
    [Fact]
    public void EveryKeyThatIsInMayBeHeld() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(), ArbMap.Default.ArbFor<byte[][]>(), (int seed, byte[][] keys) =>
    {
        keys = [.. keys, BitConverter.GetBytes(seed)];
        ulong[] hashes = Array.ConvertAll(keys, key => KeyFilter.HashOf(key));
        byte[] filter = new byte[4096];
        int size = KeyFilter.Write(hashes, filter);
        foreach (byte[] key in keys)
            Assert.True(KeyFilter.MayHold(filter.AsSpan(0, size), KeyFilter.HashOf(key)));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(50_000)]
    public void AboutOneInAHundredAbsentKeysPasses(int count)
    {
        ulong[] hashes = new ulong[count];
        for (int i = 0; i < count; i++) hashes[i] = HashOf(i);
        byte[] filter = new byte[64 << 10];
        int size = KeyFilter.Write(hashes, filter);
        int passed = 0;
        for (int i = 0; i < 100_000; i++) if (KeyFilter.MayHold(filter.AsSpan(0, size), HashOf(count + i))) passed++;
        Assert.InRange(passed, 0, 1_100);
    }

    [Fact]
    public void AsManyKeysAsABlockCanTakeFillIt()
    {
        const int bodySize = 3840;
        ulong[] hashes = new ulong[KeyFilter.KeysMax(bodySize)];
        for (int i = 0; i < hashes.Length; i++) hashes[i] = HashOf(i);
        Assert.Equal(bodySize, KeyFilter.Write(hashes, new byte[bodySize]));
    }

    /// <summary>The bytes are on disk: another machine has to find the same bits.</summary>
    [Fact]
    public void TheBitsOfAKeyAreThese()
    {
        byte[] filter = new byte[64];
        KeyFilter.Write([KeyFilter.HashOf("key"u8)], filter);
        string bits = "";
        for (int bit = 0; bit < 512; bit++) if ((filter[bit / 8] & 1 << bit % 8) != 0) bits += $"{bit} ";
        Assert.Equal("132 137 172 209 323 326 ", bits);
    }

    private static ulong HashOf(int number)
    {
        Span<byte> key = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(key, number);
        return KeyFilter.HashOf(key);
    }
}
