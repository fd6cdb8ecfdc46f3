using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http.Headers;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using Amazon.S3;
using Amazon.S3.Model;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;
using Deterministic.Replica.Net;

namespace Deterministic.Replica.Objects;

/// <summary>Objects in a bucket of an S3 server that honours conditional writes. Each thread carries one request
/// through its attempts; between them it backs off, longer each time and by chance. A request that may have taken
/// effect is sent again only if doing it twice is like doing it once: a put on condition is not, because it could take
/// its own earlier success for another's. Tags are the server's etags.</summary>
internal sealed class S3ObjectStore : ThreadedObjectStore
{
    private const int ListKeysMax = 1000;

    private readonly S3Settings _settings;
    private readonly AmazonS3Client _client;
    private readonly object _uploadGate = new();
    private readonly SortedDictionary<uint, S3Upload> _uploads = [];
    private uint _uploadLast;

    private S3ObjectStore(S3Settings settings, AmazonS3Client client, WakeSignal wake) : base(wake, settings.Threads)
    {
        _settings = settings;
        _client = client;
    }

    /// <summary>Finds region and credentials; sends nothing yet. Null and an error text if there are none.</summary>
    public static S3ObjectStore? TryOpen(S3Settings settings, WakeSignal wake, out string error)
    {
        AmazonS3Config configuration = new()
        {
            ForcePathStyle = settings.PathStyle,
            ConnectTimeout = settings.ConnectTimeout,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxErrorRetry = 0,
            MaxStaleConnectionRetries = 0,
        };
        if (settings.Endpoint is not null)
        {
            configuration.ServiceURL = settings.Endpoint.GetLeftPart(UriPartial.Authority);
            configuration.AuthenticationRegion = settings.Region ?? RegionEndpoint.USEast1.SystemName;
        }
        else
        {
            configuration.RegionEndpoint = settings.Region is null
                ? FallbackRegionFactory.GetRegionEndpoint()
                : RegionEndpoint.GetBySystemName(settings.Region);
        }
        if (settings.Endpoint is null && configuration.RegionEndpoint is null)
        {
            error = $"s3://{settings.Bucket}: no region is known; add ?region=NAME or set AWS_REGION";
            return null;
        }
        try
        {
            AWSCredentials credentials = DefaultAWSCredentialsIdentityResolver.GetCredentials(configuration);
            error = "";
            return new S3ObjectStore(settings, new AmazonS3Client(credentials, configuration), wake);
        }
        catch (AmazonClientException exception)
        {
            error = $"s3://{settings.Bucket}: no credentials were found ({exception.Message.TrimEnd('.')}); set " +
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or choose a profile with AWS_PROFILE";
            return null;
        }
    }

    protected override void Close() => _client.Dispose();

    protected override ObjectResult Run(in ObjectRequest request)
    {
        bool repeatable = request.Kind != ObjectRequestKind.MultipartComplete
            && request.Condition == PutCondition.None;
        for (int attempt = 1; ; attempt++)
        {
            ObjectResult result = Attempt(request, out bool unsent);
            bool again = result.Status == ObjectStatus.Throttled
                || result.Status == ObjectStatus.Unknown && (repeatable || unsent);
            if (!again || attempt >= _settings.AttemptsMax) return result;
            if (Stopping.WaitHandle.WaitOne(Backoff(attempt))) return result;
        }
    }

    private ObjectResult Attempt(in ObjectRequest request, out bool unsent)
    {
        unsent = false;
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(Stopping);
        timeout.CancelAfter(_settings.RequestTimeout + TimeSpan.FromSeconds((double)request.Buffer.Length / (1 << 20)));
        try
        {
            return SendAsync(request, timeout.Token).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is not CheckFailedException)
        {
            // The library lets through what its parsers, the sockets and the other side's bytes make of each other.
            S3Failure failure = S3Failure.Of(exception);
            unsent = failure.Unsent;
            return failure.Status is ObjectStatus.NotFound or ObjectStatus.ConditionFailed
                ? new ObjectResult { Status = failure.Status }
                : Fail(failure.Status, $"s3://{_settings.Bucket}: {request.Kind}: {failure.Text}");
        }
    }

    private TimeSpan Backoff(int attempt)
    {
        double bound = double.Min(
            _settings.BackoffMin.TotalMilliseconds * double.Exp2(attempt - 1), _settings.BackoffMax.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(bound * Random.Shared.NextDouble());
    }

    private Task<ObjectResult> SendAsync(ObjectRequest request, CancellationToken cancellation) => request.Kind switch
    {
        ObjectRequestKind.Put => PutAsync(request, cancellation),
        ObjectRequestKind.Get => GetAsync(request, cancellation),
        ObjectRequestKind.List => ListAsync(request, cancellation),
        ObjectRequestKind.Delete => DeleteAsync(request, cancellation),
        ObjectRequestKind.MultipartStart => StartUploadAsync(request, cancellation),
        ObjectRequestKind.MultipartPart => SendPartAsync(request, cancellation),
        ObjectRequestKind.MultipartComplete => CompleteAsync(request, cancellation),
        _ => AbortAsync(request, cancellation),
    };

    private async Task<ObjectResult> PutAsync(ObjectRequest request, CancellationToken cancellation)
    {
        using Stream content = StreamOf(request.Buffer);
        PutObjectRequest put = new()
        {
            BucketName = _settings.Bucket, Key = NameOf(request.Key), InputStream = content,
        };
        if (request.Condition == PutCondition.IfAbsent) put.IfNoneMatch = "*";
        if (request.Condition == PutCondition.IfMatch) put.IfMatch = Encoding.ASCII.GetString(request.Tag.Bytes);
        try
        {
            PutObjectResponse response = await _client.PutObjectAsync(put, cancellation).ConfigureAwait(false);
            return new ObjectResult { Tag = TagOf(response.ETag) };
        }
        catch (AmazonS3Exception exception) when (request.Condition == PutCondition.IfMatch
            && S3Failure.Of(exception).Status == ObjectStatus.NotFound)
        {
            return new ObjectResult { Status = ObjectStatus.ConditionFailed };
        }
    }

    private async Task<ObjectResult> GetAsync(ObjectRequest request, CancellationToken cancellation)
    {
        GetObjectRequest get = new()
        {
            BucketName = _settings.Bucket, Key = NameOf(request.Key),
            ByteRange = new ByteRange(request.Offset, request.Offset + request.Buffer.Length - 1),
        };
        try
        {
            using GetObjectResponse response = await _client.GetObjectAsync(get, cancellation).ConfigureAwait(false);
            if (!ContentRangeHeaderValue.TryParse(response.ContentRange, out ContentRangeHeaderValue? range)
                || range.From != request.Offset || range.Length is null)
                return Fail(ObjectStatus.Refused, $"s3://{_settings.Bucket}: the server does not read ranges");
            int size = (int)long.Min(range.Length.Value - request.Offset, request.Buffer.Length);
            using NativeMemoryManager memory = new(request.Buffer.Part(0, size));
            await response.ResponseStream.ReadExactlyAsync(memory.Memory, cancellation).ConfigureAwait(false);
            return new ObjectResult { Size = size, ObjectSize = range.Length.Value, Tag = TagOf(response.ETag) };
        }
        catch (AmazonS3Exception exception) when (S3Failure.IsOutOfRange(exception))
        {
            return await DescribeAsync(request, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Of an object that ends at or before the offset.</summary>
    private async Task<ObjectResult> DescribeAsync(ObjectRequest request, CancellationToken cancellation)
    {
        GetObjectMetadataResponse response = await _client
            .GetObjectMetadataAsync(_settings.Bucket, NameOf(request.Key), cancellation).ConfigureAwait(false);
        return response.ContentLength > request.Offset
            ? Fail(ObjectStatus.Unknown, $"s3://{_settings.Bucket}: an object grew while it was read")
            : new ObjectResult { ObjectSize = response.ContentLength, Tag = TagOf(response.ETag) };
    }

    private async Task<ObjectResult> ListAsync(ObjectRequest request, CancellationToken cancellation)
    {
        string after = request.After.IsEmpty ? "" : NameOf(request.After);
        while (true)
        {
            ListObjectsV2Request list = new()
            {
                BucketName = _settings.Bucket, Prefix = NameOf(request.Key), StartAfter = after, MaxKeys = ListKeysMax,
            };
            ListObjectsV2Response response =
                await _client.ListObjectsV2Async(list, cancellation).ConfigureAwait(false);
            List<S3Object> objects = response.S3Objects ?? [];
            ObjectResult result = ListingOf(objects, request.Buffer);
            // A page of foreign names alone is not the end of the listing.
            if (result.Size > 0 || result.Status != ObjectStatus.Ok) return result;
            if (response.IsTruncated != true || objects.Count == 0) return result;
            after = objects[^1].Key;
        }
    }

    private ObjectResult ListingOf(List<S3Object> objects, NativeBuffer into)
    {
        ObjectListing listing = new(into.Span);
        foreach (S3Object listed in objects)
        {
            if (!ObjectNames.TryAdd(ref listing, listed.Key.AsSpan(_settings.Prefix.Length))) break;
        }
        return listing.Result;
    }

    private async Task<ObjectResult> DeleteAsync(ObjectRequest request, CancellationToken cancellation)
    {
        await _client.DeleteObjectAsync(_settings.Bucket, NameOf(request.Key), cancellation).ConfigureAwait(false);
        return default;
    }

    private async Task<ObjectResult> StartUploadAsync(ObjectRequest request, CancellationToken cancellation)
    {
        string name = NameOf(request.Key);
        InitiateMultipartUploadResponse response = await _client
            .InitiateMultipartUploadAsync(_settings.Bucket, name, cancellation).ConfigureAwait(false);
        lock (_uploadGate)
        {
            _uploads.Add(++_uploadLast, new S3Upload(name, response.UploadId));
            return new ObjectResult { Upload = _uploadLast };
        }
    }

    private async Task<ObjectResult> SendPartAsync(ObjectRequest request, CancellationToken cancellation)
    {
        S3Upload? upload = Find(request.Upload);
        if (upload is null) return new ObjectResult { Status = ObjectStatus.NotFound };
        using Stream content = StreamOf(request.Buffer);
        UploadPartRequest part = new()
        {
            BucketName = _settings.Bucket, Key = upload.Name, UploadId = upload.Id, PartNumber = request.Part,
            PartSize = request.Buffer.Length, InputStream = content,
        };
        UploadPartResponse response = await _client.UploadPartAsync(part, cancellation).ConfigureAwait(false);
        lock (_uploadGate) upload.Parts[request.Part] = new PartETag(response, true);
        return new ObjectResult { Tag = TagOf(response.ETag) };
    }

    private async Task<ObjectResult> CompleteAsync(ObjectRequest request, CancellationToken cancellation)
    {
        S3Upload? upload = Find(request.Upload);
        if (upload is null) return new ObjectResult { Status = ObjectStatus.NotFound };
        CompleteMultipartUploadRequest complete = new()
        {
            BucketName = _settings.Bucket, Key = upload.Name, UploadId = upload.Id, PartETags = [],
        };
        if (request.Condition == PutCondition.IfAbsent) complete.IfNoneMatch = "*";
        lock (_uploadGate)
        {
            for (int part = 1; part <= request.Part; part++)
            {
                if (!upload.Parts.TryGetValue(part, out PartETag? tag))
                    return new ObjectResult { Status = ObjectStatus.NotFound };
                complete.PartETags.Add(tag);
            }
        }
        CompleteMultipartUploadResponse response =
            await _client.CompleteMultipartUploadAsync(complete, cancellation).ConfigureAwait(false);
        lock (_uploadGate) _uploads.Remove(request.Upload);
        return new ObjectResult { Tag = TagOf(response.ETag) };
    }

    private async Task<ObjectResult> AbortAsync(ObjectRequest request, CancellationToken cancellation)
    {
        S3Upload? upload = Find(request.Upload);
        if (upload is null) return new ObjectResult { Status = ObjectStatus.NotFound };
        ObjectStatus status = ObjectStatus.Ok;
        try
        {
            await _client.AbortMultipartUploadAsync(_settings.Bucket, upload.Name, upload.Id, cancellation)
                .ConfigureAwait(false);
        }
        catch (AmazonS3Exception exception) when (S3Failure.Of(exception).Status == ObjectStatus.NotFound)
        {
            status = ObjectStatus.NotFound;
        }
        lock (_uploadGate) _uploads.Remove(request.Upload);
        return new ObjectResult { Status = status };
    }

    private S3Upload? Find(uint upload)
    {
        lock (_uploadGate) return _uploads.GetValueOrDefault(upload);
    }

    private string NameOf(in ObjectKey key) => _settings.Prefix + key.ToString();

    /// <summary>To be disposed of with the attempt, so that nothing reads the buffer after it.</summary>
    private static unsafe Stream StreamOf(NativeBuffer buffer) =>
        buffer.IsEmpty ? new MemoryStream([]) : new UnmanagedMemoryStream(buffer.Pointer, buffer.Length);

    private static ObjectTag TagOf(string? tag) => new(Encoding.ASCII.GetBytes(tag ?? ""));

    private sealed class S3Upload(string name, string id)
    {
        public string Name { get; } = name;
        public string Id { get; } = id;

        /// <summary>By number.</summary>
        public SortedDictionary<int, PartETag> Parts { get; } = [];
    }
}
