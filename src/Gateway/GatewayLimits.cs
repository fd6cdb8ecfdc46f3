using System;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Deterministic.Gateway;

/// <summary>What one connection may cost. Sizes are bytes.</summary>
internal static class GatewayLimits
{
    public const int ConnectionsMax = 4096;
    public const int RequestLineSizeMax = 8 << 10;
    public const int HeadersMax = 64;
    public const int HeadersSizeMax = 16 << 10;
    public static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Slower than that, after the grace, is cut off.</summary>
    public static readonly MinDataRate BodyRateMin = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(10));
}
