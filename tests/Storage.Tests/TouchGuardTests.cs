using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;
using Deterministic.TestSupport;
using Xunit;

namespace Deterministic.Storage.Tests;

/// <summary>What a touch covers, and that nothing else may be read or changed until the operation is over.</summary>
public sealed class TouchGuardTests : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly Forest _forest;
    private readonly Tree _tree;

    public TouchGuardTests()
    {
        _forest = new Forest(_memory, new ForestOptions
        {
            TreeCount = 1, StateSizeMax = 1 << 20, MemtableSize = 1 << 20, OvershootSizeMax = 1 << 20,
            SessionsSizeMax = 1, Grid = new GridOptions
            {
                Disk = new QueueDisk(), Cluster = 1, Offset = 0, BlockSize = Limits.BlockSizeMin, Blocks = 1000,
                CacheFrames = Grid.FramesMin(Limits.BlockSizeMin),
            },
        });
        _tree = _forest[0];
        foreach (string key in (string[])["a1", "a3", "a5", "b2", "b4"]) _tree.Put(Bytes(key), [1]);
    }

    public void Dispose() => _memory.Dispose();

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private TouchGuard Start(bool cold = false)
    {
        TouchGuard guard = new(_forest, cold);
        _forest.Guard = guard;
        _forest.PrefetchStart(1);
        return guard;
    }

    private static void Refused(Action access) => Assert.StartsWith(
        "read without prefetch", Assert.Throws<CheckFailedException>(access).What);

    [Fact]
    public void A_key_covers_itself()
    {
        TouchGuard guard = Start();
        Assert.True(_tree.Touch(Bytes("a3")));
        Assert.True(_tree.TryGet(Bytes("a3"), out _));
        _tree.Put(Bytes("a3"), [2]);
        Assert.True(_tree.Remove(Bytes("a3")));
        Refused(() => _tree.TryGet(Bytes("a1"), out _));
        Refused(() => _tree.Put(Bytes("a2"), [1]));
        Refused(() => _tree.Resize(Bytes("a5"), 2));
        Refused(() => _tree.Remove(Bytes("b2")));
        guard.End();
        Assert.True(_tree.TryGet(Bytes("a1"), out _));
    }

    [Fact]
    public void A_floor_covers_the_gap_up_to_its_key()
    {
        Start();
        _tree.TouchFloor(Bytes("a4"), 1);
        Assert.True(_tree.TryFloor(Bytes("a4"), 1, out _, out _));
        _tree.Put(Bytes("a4"), [1]);
        Assert.True(_tree.SeekBefore(Bytes("a4"), 1).Valid);
        _tree.Remove(Bytes("a4"));
        _tree.Remove(Bytes("a3"));
        Refused(() => _tree.TryFloor(Bytes("a4"), 1, out _, out _));
    }

    [Fact]
    public void A_prefix_covers_walks_to_its_end()
    {
        Start();
        _tree.TouchPrefix(Bytes("a"));
        TreeCursor cursor = _tree.Seek(Bytes("a"), 1);
        while (cursor.Valid) cursor.Next();
        Refused(() => _tree.Seek(Bytes("b"), 1));
        Assert.Equal(3, _tree.RemovePrefix(Bytes("a"), 10));
    }

    [Fact]
    public void A_range_covers_all_from_one_prefix_to_the_end_of_another()
    {
        Start();
        _tree.TouchRange(Bytes("a3"), Bytes("b"));
        Assert.True(_tree.TryGet(Bytes("a3"), out _));
        Assert.False(_tree.TryGet(Bytes("a9"), out _));
        TreeCursor cursor = _tree.Seek(Bytes("b"), 1);
        while (cursor.Valid) cursor.Next();
        Refused(() => _tree.TryGet(Bytes("a2"), out _));
        Refused(() => _tree.TryGet(Bytes("c"), out _));
    }

    [Fact]
    public void The_first_entries_cover_no_more_of_a_walk()
    {
        Start();
        _tree.TouchFirst(Bytes("a2"), 1, 1);
        Assert.Equal(Bytes("a3"), _tree.Seek(Bytes("a2"), 1).Key.ToArray());
        Refused(() =>
        {
            TreeCursor cursor = _tree.Seek(Bytes("a2"), 1);
            cursor.Next();
        });
        _tree.TouchFirst(Bytes("b"), 1, 3);
        Assert.Equal(2, _tree.RemovePrefix(Bytes("b"), 3));
    }

    [Fact]
    public void Neighbouring_prefixes_join()
    {
        Start();
        _tree.TouchPrefix(Bytes("a"));
        Assert.False(_tree.IsResident([]));
        _tree.TouchPrefix(Bytes("b"));
        Assert.True(_tree.IsResident(Bytes("a")));
        _tree.TouchFloor(Bytes("a"), 0);
        Assert.True(_tree.TryFloor(Bytes("b9"), 0, out _, out _));
        TreeCursor cursor = _tree.Seek(Bytes("a"), 0);
        for (int i = 0; i < 4; i++) Assert.True(cursor.Next());
    }

    [Fact]
    public void Cold_a_touch_holds_from_the_next_round_on()
    {
        TouchGuard guard = Start(cold: true);
        Assert.False(_tree.Touch(Bytes("a1")));
        Assert.False(_forest.PrefetchEnd());
        _forest.PrefetchStart(1);
        Assert.True(_tree.Touch(Bytes("a1")));
        Assert.True(_tree.TryGet(Bytes("a1"), out _));
        Assert.False(_tree.TouchPrefix(Bytes("b")));
        Refused(() => _tree.Seek(Bytes("b"), 1));
        Assert.False(_forest.PrefetchEnd());
        _forest.PrefetchStart(1);
        Assert.True(_tree.TouchPrefix(Bytes("b")));
        Assert.True(_forest.PrefetchEnd());
        Assert.Equal(2, guard.Rounds);
        _forest.PrefetchStart(2);
        Assert.Equal(0, guard.Rounds);
        Assert.False(_tree.Touch(Bytes("a1")));
    }
}
