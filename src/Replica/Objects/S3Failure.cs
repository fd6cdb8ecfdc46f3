using System;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using Deterministic.Core.Objects;

namespace Deterministic.Replica.Objects;

/// <summary>What an exception of the S3 library means to the seam.</summary>
/// <param name="Unsent">The request never reached a server.</param>
internal readonly record struct S3Failure(ObjectStatus Status, bool Unsent, string Text)
{
    public static S3Failure Of(Exception exception)
    {
        for (Exception? at = exception; at is not null; at = at.InnerException)
        {
            if (at is AmazonServiceException service && (int)service.StatusCode >= 300) return Of(service);
            if (at is HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }
                or SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound })
                return new S3Failure(ObjectStatus.Unknown, true, at.Message);
        }
        return new S3Failure(ObjectStatus.Unknown, false, exception.GetBaseException().Message);
    }

    private static S3Failure Of(AmazonServiceException exception)
    {
        string text = $"{(int)exception.StatusCode} {exception.ErrorCode}: {exception.Message}";
        return new S3Failure(StatusOf(exception.StatusCode, exception.ErrorCode ?? ""), false, text);
    }

    public static ObjectStatus StatusOf(HttpStatusCode status, string code) => (status, code) switch
    {
        (_, "NoSuchBucket") => ObjectStatus.Refused,
        (_, "SlowDown" or "ServiceUnavailable" or "Throttling" or "ThrottlingException" or "RequestLimitExceeded"
            or "TooManyRequests") => ObjectStatus.Throttled,
        (_, "RequestTimeout") => ObjectStatus.Unknown,
        (_, "EntityTooLarge") => ObjectStatus.TooLarge,
        (_, "InvalidPart") => ObjectStatus.NotFound,
        (HttpStatusCode.NotFound, _) => ObjectStatus.NotFound,
        (HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict, _) => ObjectStatus.ConditionFailed,
        (HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests, _) => ObjectStatus.Throttled,
        (HttpStatusCode.RequestEntityTooLarge, _) => ObjectStatus.TooLarge,
        (HttpStatusCode.RequestTimeout, _) => ObjectStatus.Unknown,
        ( >= HttpStatusCode.InternalServerError and not HttpStatusCode.NotImplemented, _) => ObjectStatus.Unknown,
        _ => ObjectStatus.Refused,
    };

    /// <summary>No byte of the object is in the range that was asked for.</summary>
    public static bool IsOutOfRange(AmazonS3Exception exception) =>
        exception.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable;
}
