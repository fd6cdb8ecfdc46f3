using System;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Deterministic.Gateway.Copies;

/// <summary>Tokens of operations: which process, which of its operations, and a seal over that and the namespace, so
/// that it can be told of any token whether this process has made it for this namespace, without keeping any.</summary>
internal sealed class CopyTokens
{
    private const int SealSize = 16;
    private const int ProcessSize = 8;
    private const char Separator = '-';

    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly string _process = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(ProcessSize));

    public string Make(ulong number, string name)
    {
        string text = number.ToString(CultureInfo.InvariantCulture);
        return string.Join(Separator, _process, text, SealOf(text, name));
    }

    /// <summary>False if this process has not made it for this namespace.</summary>
    public bool TryRead(string token, string name, out ulong number)
    {
        number = 0;
        string[] parts = token.Split(Separator);
        if (parts.Length != 3 || parts[0] != _process) return false;
        byte[] said = Encoding.UTF8.GetBytes(parts[2]);
        byte[] real = Encoding.UTF8.GetBytes(SealOf(parts[1], name));
        return CryptographicOperations.FixedTimeEquals(said, real)
            && ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private string SealOf(string number, string name)
    {
        byte[] seal = HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"{number}/{name}"));
        return Convert.ToHexStringLower(seal.AsSpan(0, SealSize));
    }
}
