using System;

namespace Deterministic.Replica.Objects;

/// <summary>Where an S3 store is and how it is talked to.</summary>
internal sealed record S3Settings(string Bucket)
{
    /// <summary>Before every key, with its slash; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>A server that is not Amazon's; null for Amazon's of the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Null: what the environment or the profile says.</summary>
    public string? Region { get; init; }

    /// <summary>The bucket in the path instead of in the host's name.</summary>
    public bool PathStyle { get; init; }

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Of one attempt, besides a second for each MiB that it moves.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(20);

    public int AttemptsMax { get; init; } = 5;

    /// <summary>The wait before the second attempt is drawn below this, and the bound doubles with each more.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Requests at a time.</summary>
    public int Threads { get; init; } = 16;
}
