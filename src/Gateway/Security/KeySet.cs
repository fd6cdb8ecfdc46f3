using System;
using System.Collections.Frozen;
using System.Collections.Generic;
using System.Security.Cryptography;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Gateway.Security;

/// <summary>All keys of the cluster at one time. It does not change.</summary>
internal sealed class KeySet
{
    /// <summary>What an unknown key is compared with, so that it takes as long as a known one.</summary>
    private static readonly byte[] Nobody = new byte[Limits.KeyHashSize];

    private readonly FrozenDictionary<string, Caller> _callers;
    private readonly FrozenDictionary<string, Caller>.AlternateLookup<ReadOnlySpan<char>> _byId;

    private KeySet(FrozenDictionary<string, Caller> callers)
    {
        _callers = callers;
        _byId = callers.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public static KeySet Empty { get; } =
        new(new Dictionary<string, Caller>(StringComparer.Ordinal).ToFrozenDictionary(StringComparer.Ordinal));

    public int Count => _callers.Count;

    /// <param name="keys">Each id once.</param>
    /// <param name="before">The set that it takes the place of: whoever has used up a rate there has here too.</param>
    /// <param name="time">For rates.</param>
    public static KeySet Of(List<ApiKey> keys, KeySet before, TimeProvider time)
    {
        Dictionary<string, Caller> callers = new(keys.Count, StringComparer.Ordinal);
        foreach (ApiKey key in keys)
        {
            TokenBucket? bucket = null;
            if (key.RequestsPerSecond > 0)
            {
                bucket = before._callers.GetValueOrDefault(key.Id)?.Bucket;
                if (bucket?.PerSecond != key.RequestsPerSecond) bucket = new TokenBucket(key.RequestsPerSecond, time);
            }
            callers.Add(key.Id, new Caller(key, bucket));
        }
        return new KeySet(callers.ToFrozenDictionary(StringComparer.Ordinal));
    }

    /// <summary>Null if the token is none of a key.</summary>
    public Caller? Find(ReadOnlySpan<char> token)
    {
        Span<byte> hash = stackalloc byte[Limits.KeyHashSize];
        if (!ApiToken.TryParse(token, out ReadOnlySpan<char> id, hash)) return null;
        bool known = _byId.TryGetValue(id, out Caller? caller);
        bool right = CryptographicOperations.FixedTimeEquals(hash, known ? caller!.Hash : Nobody);
        return known & right ? caller : null;
    }
}
