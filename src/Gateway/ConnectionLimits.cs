using System;

namespace Deterministic.Gateway;

/// <summary>What one connection may cost. Sizes are bytes.</summary>
public sealed record ConnectionLimits
{
    public const int RequestLineSizeMax = 8 << 10;
    public const int HeadersMax = 64;
    public const int HeadersSizeMax = 16 << 10;

    /// <summary>Of what has come and was not read yet.</summary>
    public const int BufferSizeMax = 256 << 10;

    /// <summary>Connections beyond <see cref="ConnectionsMax"/> that are told so at a time; still further ones are
    /// closed without a word.</summary>
    public const int RefusalsMax = 64;

    /// <summary>Connections at a time.</summary>
    public int ConnectionsMax { get; init; } = 4096;

    /// <summary>From the first byte of a request to the end of its headers.</summary>
    public TimeSpan HeadersTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes a second of a body or an answer; slower than that, for longer than <see cref="Grace"/>, is cut
    /// off.</summary>
    public int RateMin { get; init; } = 1024;

    /// <summary>Longer than a second, which is how often the server looks.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>That so many bytes may take.</summary>
    public TimeSpan TimeFor(int size)
    {
        TimeSpan least = TimeSpan.FromSeconds((double)size / RateMin);
        return least > Grace ? least : Grace;
    }
}
