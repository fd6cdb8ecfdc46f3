using System;
using System.Linq;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Access;

public sealed class KeyTests : IDisposable
{
    private readonly Machine _machine = new(Configuration.Tiny);

    public void Dispose() => _machine.Dispose();

    private static ApiKey Key(string id, string name = "", string prefix = "", KeyScopes scopes = KeyScopes.Read) =>
        new()
        {
            Id = id, Name = name, Prefix = prefix, Scopes = scopes, RequestsPerSecond = 7,
            Hash = [.. Enumerable.Range(1, Limits.KeyHashSize).Select(i => (byte)i)],
        };

    private ReplyStatus Create(ApiKey key)
    {
        _machine.Commit(Operation.CreateKey, new CreateKeyRequest { Key = key }.Write, out ReplyStatus status);
        return status;
    }

    private ReplyStatus Revoke(string id)
    {
        _machine.Commit(Operation.RevokeKey, new RevokeKeyRequest { Id = id }.Write, out ReplyStatus status);
        return status;
    }

    private ListKeysReply List(string cursor = "", uint pageSize = Limits.KeysMax)
    {
        ListKeysRequest request = new() { Cursor = cursor, PageSize = pageSize };
        WireReader reader = _machine.Commit(Operation.ListKeys, request.Write, out ReplyStatus status);
        Assert.Equal(ErrorCode.Ok, status.Code);
        ListKeysReply reply = ListKeysReply.Read(ref reader);
        Assert.True(reader.AtEnd);
        return reply;
    }

    [Fact]
    public void A_key_is_listed_as_it_was_created_with_the_time_of_the_log()
    {
        ApiKey key = Key("k1", "für alle", "prod-", KeyScopes.Read | KeyScopes.Write);
        WireReader reader =
            _machine.Commit(Operation.CreateKey, new CreateKeyRequest { Key = key }.Write, out ReplyStatus status);
        Assert.Equal(ErrorCode.Ok, status.Code);
        ulong created = CreateKeyReply.Read(ref reader).CreatedAt;
        Assert.True(reader.AtEnd);
        Assert.Equal(1000 * _machine.Op, created);
        ApiKey listed = Assert.Single(List().Keys);
        Assert.Equal((key.Id, key.Name, key.Prefix), (listed.Id, listed.Name, listed.Prefix));
        Assert.Equal((key.Scopes, key.RequestsPerSecond), (listed.Scopes, listed.RequestsPerSecond));
        Assert.Equal(key.Hash, listed.Hash);
        Assert.Equal(created, listed.CreatedAt);
        _machine.Verify();
    }

    [Fact]
    public void Keys_are_listed_by_id_page_after_page()
    {
        foreach (string id in (string[])["b", "a2", "a1", "c"]) Assert.Equal(ErrorCode.Ok, Create(Key(id)).Code);
        ListKeysReply first = List(pageSize: 2);
        Assert.Equal(["a1", "a2"], first.Keys.Select(key => key.Id));
        Assert.True(first.More);
        ListKeysReply second = List("a2", 2);
        Assert.Equal(["b", "c"], second.Keys.Select(key => key.Id));
        Assert.False(second.More);
        Assert.Equal(["b", "c"], List("a3").Keys.Select(key => key.Id));
        Assert.Empty(List(new string('z', 255)).Keys);
    }

    [Fact]
    public void A_revoked_key_is_gone_and_its_id_free()
    {
        Create(Key("a"));
        Create(Key("b"));
        Assert.Equal(ErrorCode.Ok, Revoke("a").Code);
        Assert.Equal(["b"], List().Keys.Select(key => key.Id));
        ReplyStatus again = Revoke("a");
        Assert.Equal(ErrorCode.KeyNotFound, again.Code);
        Assert.Equal("key `a` was not found", again.Message);
        Assert.Equal(ErrorCode.Ok, Create(Key("a")).Code);
        _machine.Verify();
    }

    [Fact]
    public void An_id_is_taken_once()
    {
        Create(Key("a", "first"));
        ReplyStatus status = Create(Key("a", "second"));
        Assert.Equal(ErrorCode.KeyExists, status.Code);
        Assert.Equal("key `a` exists already", status.Message);
        Assert.Equal("first", Assert.Single(List().Keys).Name);
    }

    [Fact]
    public void There_are_so_many_keys_and_no_more()
    {
        for (int i = 0; i < Limits.KeysMax; i++) Assert.Equal(ErrorCode.Ok, Create(Key($"k{i}")).Code);
        ReplyStatus status = Create(Key("more"));
        Assert.Equal(ErrorCode.LimitExceeded, status.Code);
        Assert.Equal("there are 1024 keys, which is the limit; revoke one first", status.Message);
        _machine.Verify();
        Assert.Equal(ErrorCode.Ok, Revoke("k7").Code);
        Assert.Equal(ErrorCode.Ok, Create(Key("more")).Code);
        Assert.Equal(ErrorCode.LimitExceeded, Create(Key("k7")).Code);
    }

    [Fact]
    public void A_page_ends_where_the_reply_is_full()
    {
        for (int i = 0; i < 100; i++) Create(Key($"k{i:00}", new string('n', 128)));
        int seen = 0;
        string cursor = "";
        int pages = 0;
        for (bool more = true; more; pages++)
        {
            ListKeysReply page = List(cursor);
            Assert.NotEmpty(page.Keys);
            foreach (ApiKey key in page.Keys) Assert.Equal($"k{seen++:00}", key.Id);
            (cursor, more) = (page.Keys[^1].Id, page.More);
        }
        Assert.Equal(100, seen);
        Assert.True(pages > 1, "all keys have fitted into one reply");
    }

    [Theory]
    [InlineData("", "", "", 1, "id of a key is ``, must be [A-Za-z0-9]{1,32}")]
    [InlineData("a_b", "", "", 1, "id of a key is `a_b`, must be [A-Za-z0-9]{1,32}")]
    [InlineData("012345678901234567890123456789012", "", "", 1,
        "id of a key is `012345678901234567890123456789012`, must be [A-Za-z0-9]{1,32}")]
    [InlineData("a", "a name of 129 bytes", "", 1, "name of a key has 129 bytes, limit is 128")]
    [InlineData("a", "", "a/b", 1, "prefix of a key is `a/b`, must be [A-Za-z0-9-_.]{0,128}")]
    [InlineData("a", "", "", 0, "scopes of a key are 0, must be a sum of 1 (read), 2 (write) and 4 (admin)")]
    [InlineData("a", "", "", 8, "scopes of a key are 8, must be a sum of 1 (read), 2 (write) and 4 (admin)")]
    public void What_is_wrong_is_said(string id, string name, string prefix, byte scopes, string error)
    {
        ReplyStatus status = Create(Key(id, name.Length > 0 ? name.PadRight(129) : "", prefix, (KeyScopes)scopes));
        Assert.Equal(ErrorCode.InvalidArgument, status.Code);
        Assert.Equal(error, status.Message);
        Assert.Empty(List().Keys);
    }

    [Fact]
    public void A_name_that_is_no_text_is_refused()
    {
        byte[] body = new byte[256];
        WireWriter writer = new(body);
        writer.Name("a"u8);
        writer.Name([0xff]);
        writer.Name([]);
        writer.U8((byte)KeyScopes.Read);
        writer.U32(0);
        writer.Bytes(new byte[Limits.KeyHashSize]);
        _machine.Commit(Operation.CreateKey, writer.Written);
        WireReader reader = new(_machine.Reply);
        Assert.Equal("name of a key is not UTF-8", ReplyStatus.Read(ref reader).Message);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1025u)]
    public void A_page_has_bounds(uint pageSize)
    {
        ListKeysRequest request = new() { PageSize = pageSize };
        _machine.Commit(Operation.ListKeys, request.Write, out ReplyStatus status);
        Assert.Equal(ErrorCode.InvalidArgument, status.Code);
        Assert.Equal($"page_size is {pageSize}, limit is 1 to 1024", status.Message);
    }

    [Fact]
    public void Keys_outlast_a_restart()
    {
        Create(Key("a", "first"));
        using Machine restarted = _machine.Restart();
        restarted.Commit(Operation.ListKeys, new ListKeysRequest().Write, out _);
        Assert.Contains("first", Encoding.UTF8.GetString(restarted.Reply), StringComparison.Ordinal);
        restarted.Verify();
    }

    [Fact]
    public void What_operations_on_keys_need_is_named_at_once()
    {
        Create(Key("a"));
        Assert.Equal(1, _machine.Rounds);
        List();
        Assert.Equal(1, _machine.Rounds);
        Revoke("a");
        Assert.Equal(1, _machine.Rounds);
    }
}
