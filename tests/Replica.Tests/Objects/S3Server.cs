using System;
using System.Threading;
using Amazon.Runtime;
using Amazon.S3;
using Deterministic.Replica.Io;
using Deterministic.Replica.Objects;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>The S3 server of a test run: the one that DETERMINISTIC_S3_ENDPOINT names, with the credentials of the
/// environment, or a server of its own, or none for a reason, which DETERMINISTIC_S3_REQUIRED=1 makes an
/// error.</summary>
public sealed class S3Server : IDisposable
{
    public const string Bucket = "deterministic-tests";

    private readonly MotoServer? _moto;
    private readonly string? _endpoint;
    private readonly string _reason = "";
    private int _prefixes;

    public S3Server()
    {
        UseSomeCredentials();
        _endpoint = Environment.GetEnvironmentVariable("DETERMINISTIC_S3_ENDPOINT");
        if (string.IsNullOrEmpty(_endpoint))
        {
            _moto = MotoServer.TryStart(0, out _reason);
            _endpoint = _moto?.Endpoint;
        }
        if (_endpoint is not null) MakeBucket(_endpoint);
    }

    /// <summary>Null, said aloud, where there is no server.</summary>
    public string? TryGetEndpoint(ITestOutputHelper output)
    {
        if (_endpoint is null) Report(_reason, output);
        return _endpoint;
    }

    internal static void Report(string reason, ITestOutputHelper output)
    {
        string text = $"not run: no S3 server could be started: {reason}";
        Assert.False(Environment.GetEnvironmentVariable("DETERMINISTIC_S3_REQUIRED") == "1", text);
        output.WriteLine(text);
    }

    /// <summary>An empty store.</summary>
    internal ObjectClient Open(string endpoint) =>
        Open(Settings(endpoint) with { Prefix = $"{Guid.NewGuid():n}/{Interlocked.Increment(ref _prefixes)}/" });

    internal static S3Settings Settings(string endpoint) =>
        new(Bucket) { Endpoint = new Uri(endpoint), PathStyle = true };

    internal static ObjectClient Open(S3Settings settings)
    {
        WakeSignal wake = new();
        S3ObjectStore? store = S3ObjectStore.TryOpen(settings, wake, out string error);
        Assert.True(store is not null, error);
        return new ObjectClient(new ThreadedWorld(store, wake));
    }

    internal static void MakeBucket(string endpoint)
    {
        AmazonS3Config configuration = new()
        {
            ServiceURL = endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1",
        };
        using AmazonS3Client client = new(configuration);
        try
        {
            client.PutBucketAsync(Bucket).GetAwaiter().GetResult();
        }
        catch (AmazonServiceException exception) when (exception.ErrorCode is "BucketAlreadyOwnedByYou"
            or "BucketAlreadyExists")
        {
        }
    }

    /// <summary>The chain of credentials finds them in the environment, and never asks a cloud's network.</summary>
    internal static void UseSomeCredentials()
    {
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
        if (Environment.GetEnvironmentVariable("AWS_ACCESS_KEY_ID") is not null) return;
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", "tests");
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", "tests");
    }

    public void Dispose() => _moto?.Dispose();
}
