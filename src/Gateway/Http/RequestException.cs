using System;

namespace Deterministic.Gateway.Http;

/// <summary>A request that is answered with an error that the gateway itself found.</summary>
/// <param name="status">HTTP status, 4xx.</param>
/// <param name="message">What is wrong.</param>
internal sealed class RequestException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;

    /// <summary>Whether the answer is the bare text, as for a path that names no namespace.</summary>
    public bool IsPlainText { get; private init; }

    public static RequestException Invalid(string message) => new(400, $"💔 {message}");

    public static RequestException NotSupported(string what) => Invalid($"{what} is not supported by this release");

    public static RequestException NamespaceNotFound(string name) => new(404, $"🤷 namespace '{name}' was not found");

    public static RequestException TooMany(string message) => new(429, message);

    public static RequestException TooLarge() =>
        new(413, "the body is larger than this server takes; send it in several requests");

    public static RequestException TooSlow() => new(408, "the body came too slowly; send it again");

    public static RequestException InvalidUrl(string message) =>
        new(400, $"Invalid URL: {message}") { IsPlainText = true };
}
