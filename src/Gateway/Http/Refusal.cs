using System;
using System.IO;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Microsoft.AspNetCore.Http;

namespace Deterministic.Gateway.Http;

/// <summary>What a request that cannot be served is answered with.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Message">The error text.</param>
/// <param name="IsPlainText">Whether the body is the bare text.</param>
internal readonly record struct Refusal(int Status, string Message, bool IsPlainText = false)
{
    /// <summary>Seconds after which trying again may help; 0: it does not help.</summary>
    public int RetryAfter => Status is 429 or 503 ? 1 : 0;

    /// <summary>Null for what is not foreseen: a bug of the gateway.</summary>
    /// <param name="exception">What was thrown.</param>
    /// <param name="name">The namespace that the request is about.</param>
    public static Refusal? Of(Exception exception, string name) => exception switch
    {
        RequestException request => new(request.Status, request.Message, request.IsPlainText),
        BadHttpRequestException { StatusCode: 408 } => new(408, RequestException.TooSlow().Message),
        BadHttpRequestException http => new(http.StatusCode, http.Message),
        IOException => new(400, "the body ended early"),
        JsonRequestException json => OfJson(json, name),
        DeterministicException refused => OfCode(refused.Code, refused.Message, name),
        ClientException cluster => new(503, cluster.Message),
        _ => null,
    };

    private static Refusal? OfJson(JsonRequestException exception, string name)
    {
        if (exception.Shape is not null)
        {
            string place = exception.Path.Length > 0 ? $"{exception.Path}: " : "";
            return new(422, $"Failed to deserialize the JSON body into the target type: {place}{exception.Shape}");
        }
        return exception.Code == ErrorCode.Malformed
            ? new(400, $"Failed to parse the request body as JSON: {exception.Message}")
            : OfCode(exception.Code, exception.Message, name);
    }

    private static Refusal? OfCode(ErrorCode code, string message, string name) => code switch
    {
        ErrorCode.NamespaceNotFound => new(404, RequestException.NamespaceNotFound(name).Message),
        ErrorCode.Busy => new(429, message),
        ErrorCode.Malformed => null,
        _ => new(400, $"💔 {message}"),
    };
}
