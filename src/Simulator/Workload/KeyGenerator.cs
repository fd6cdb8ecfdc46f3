using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws requests about API keys: few ids, so that they meet each other.</summary>
internal sealed class KeyGenerator(TapeStream tape)
{
    private const int Ids = 4;

    public static GeneratedRequest List(ListKeysRequest request)
    {
        WireWriter writer = new(new byte[64]);
        request.Write(ref writer);
        return Finish(Operation.ListKeys, writer);
    }

    public GeneratedRequest Next() => tape.Below(6) switch
    {
        < 3 => Create(Key(Id())),
        3 or 4 => Revoke(Id()),
        _ => List(),
    };

    public GeneratedRequest List() => List(new ListKeysRequest
    {
        Cursor = tape.Below(3) == 0 ? Id() : "", PageSize = (uint)tape.Range(1, Ids + 2),
    });

    /// <summary>One mistake in it.</summary>
    public GeneratedRequest Wrong() => tape.Below(6) switch
    {
        0 => Create(Key(WrongId())),
        1 => Create(Key(Id(), name: new string('n', 129))),
        2 => Create(Key(Id(), prefix: "a b")),
        3 => Create(Key(Id(), scopes: tape.Boolean() ? KeyScopes.None : (KeyScopes)8)),
        4 => Revoke(WrongId()),
        _ => List(new ListKeysRequest { PageSize = tape.Boolean() ? 0u : 1025u }),
    };

    private string Id() => $"key{tape.Below(Ids)}";

    private string WrongId() => tape.Below(3) switch { 0 => "", 1 => "key 1", _ => new string('k', 33) };

    private ApiKey Key(string id, string? name = null, string? prefix = null, KeyScopes? scopes = null)
    {
        byte[] hash = new byte[Limits.KeyHashSize];
        tape.Bytes(hash);
        return new ApiKey
        {
            Id = id, Hash = hash, Name = name ?? (tape.Boolean() ? "müde Schlüssel" : ""),
            Prefix = prefix ?? (tape.Boolean() ? "ns-1" : ""),
            Scopes = scopes ?? (KeyScopes)tape.Range(1, (int)KeyScopes.All),
            RequestsPerSecond = (uint)tape.Below(100),
        };
    }

    private static GeneratedRequest Create(ApiKey key)
    {
        WireWriter writer = new(new byte[512]);
        new CreateKeyRequest { Key = key }.Write(ref writer);
        return Finish(Operation.CreateKey, writer);
    }

    private static GeneratedRequest Revoke(string id)
    {
        WireWriter writer = new(new byte[64]);
        new RevokeKeyRequest { Id = id }.Write(ref writer);
        return Finish(Operation.RevokeKey, writer);
    }

    private static GeneratedRequest Finish(Operation operation, WireWriter writer)
    {
        Check.That(!writer.Overflowed);
        return new GeneratedRequest(operation, writer.Written.ToArray());
    }
}
