using System;
using System.Buffers.Text;
using System.Security.Cryptography;
using Deterministic.Core;

namespace Deterministic.Gateway.Security;

/// <summary>What the bearer of an API key sends: `det_`, the key's id, `_`, and a secret of 256 random bits in
/// base64url. The cluster knows the id and a hash of the secret.</summary>
public static class ApiToken
{
    private const string Prefix = "det_";
    private const string IdCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
    private const int IdSize = 12;
    private const int SecretSize = 32;

    /// <summary>Characters of a secret.</summary>
    private const int SecretTextSize = 43;

    /// <summary>Makes a new token. Nothing keeps it but who is told.</summary>
    public static string Create(out string id, out byte[] hash)
    {
        id = RandomNumberGenerator.GetString(IdCharacters, IdSize);
        Span<byte> secret = stackalloc byte[SecretSize];
        RandomNumberGenerator.Fill(secret);
        hash = SHA256.HashData(secret);
        return $"{Prefix}{id}_{Base64Url.EncodeToString(secret)}";
    }

    /// <summary>False for what no key can be.</summary>
    /// <param name="token">As it was sent.</param>
    /// <param name="id">Of the key.</param>
    /// <param name="hash">Of the secret, <see cref="Limits.KeyHashSize"/> bytes.</param>
    public static bool TryParse(ReadOnlySpan<char> token, out ReadOnlySpan<char> id, Span<byte> hash)
    {
        Check.That(hash.Length == Limits.KeyHashSize);
        id = [];
        if (!token.StartsWith(Prefix, StringComparison.Ordinal)) return false;
        token = token[Prefix.Length..];
        int end = token.IndexOf('_');
        if (end is < 1 or > Limits.KeyIdSizeMax || token.Length != end + 1 + SecretTextSize) return false;
        Span<byte> secret = stackalloc byte[SecretSize];
        if (!Base64Url.TryDecodeFromChars(token[(end + 1)..], secret, out int size) || size != SecretSize) return false;
        id = token[..end];
        SHA256.HashData(secret, hash);
        return true;
    }
}
