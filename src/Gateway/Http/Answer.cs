using System;
using System.IO;
using System.IO.Compression;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Deterministic.Gateway.Http;

/// <summary>Writes answers: JSON, with its length, compressed if that was asked for and is worth it.</summary>
internal static class Answer
{
    /// <summary>Answers up to this size are never compressed.</summary>
    private const int PlainSizeMax = 1024;

    /// <summary>Bytes that have a time of their own to be read. The server's own least rate is an average since the
    /// answer's start, so after a fast start a client might read nothing for hours.</summary>
    private const int PartSizeMax = 64 << 10;

    private static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true,
    };

    /// <summary>Whoever waits for it may ask again, so it is sent only if there is room: answers that clients read
    /// slowly take memory.</summary>
    /// <exception cref="RequestException">There is none.</exception>
    public static async Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write, BodyBudget room)
    {
        using PooledBuffer json = new();
        await using (Utf8JsonWriter writer = new(json, Options)) write(writer);
        long size = json.Written.Length;
        if (!room.TryTake(size)) throw RequestException.TooMany("too many answers are being sent; try again later");
        try
        {
            await WriteAsync(context, 200, "application/json", json.Written).ConfigureAwait(false);
        }
        finally
        {
            room.Return(size);
        }
    }

    public static async Task WriteAsync(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        using PooledBuffer json = new();
        await using (Utf8JsonWriter writer = new(json, Options)) write(writer);
        await WriteAsync(context, status, "application/json", json.Written).ConfigureAwait(false);
    }

    public static async Task WriteAsync(
        HttpContext context, int status, string contentType, ReadOnlyMemory<byte> body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        if (body.Length > PlainSizeMax) context.Response.Headers.Vary = "accept-encoding";
        if (body.Length <= PlainSizeMax || !TakesGzip(context.Request.Headers.AcceptEncoding))
        {
            await SendAsync(context, body).ConfigureAwait(false);
            return;
        }
        using PooledBuffer compressed = new();
        Compress(body.Span, compressed);
        context.Response.Headers.ContentEncoding = "gzip";
        await SendAsync(context, compressed.Written).ConfigureAwait(false);
    }

    public static async Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        // The rest of such a body is not waited for.
        if (refusal.Status == 408) context.Response.Headers.Connection = "close";
        if (refusal.RetryAfter > 0) context.Response.Headers.RetryAfter = $"{refusal.RetryAfter}";
        if (!refusal.IsPlainText)
        {
            await WriteAsync(context, refusal.Status, writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("status", "error");
                writer.WriteString("error", refusal.Message);
                writer.WriteEndObject();
            }).ConfigureAwait(false);
            return;
        }
        await WriteAsync(context, refusal.Status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(refusal.Message))
            .ConfigureAwait(false);
    }

    private static async Task SendAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        context.Response.ContentLength = body.Length;
        RequestFigures figures = context.Features.GetRequiredFeature<RequestFigures>();
        if (body.Length <= PartSizeMax)
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
        else await SendPartsAsync(context, body, figures).ConfigureAwait(false);
        figures.BytesOut = body.Length;
        figures.IsAnswered = true;
    }

    private static async Task SendPartsAsync(HttpContext context, ReadOnlyMemory<byte> body, RequestFigures figures)
    {
        TimeSpan each = context.Features.GetRequiredFeature<ConnectionLimits>().TimeFor(PartSizeMax);
        using CancellationTokenSource patience =
            CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        for (int sent = 0; sent < body.Length; figures.BytesOut = sent)
        {
            int size = Math.Min(body.Length - sent, PartSizeMax);
            patience.CancelAfter(each);
            try
            {
                await context.Response.Body.WriteAsync(body.Slice(sent, size), patience.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                // It has begun, so all that is left is to break it off.
                throw RequestException.TooSlow();
            }
            sent += size;
        }
    }

    private static void Compress(ReadOnlySpan<byte> bytes, PooledBuffer to)
    {
        using BufferStream stream = new(to);
        using GZipStream gzip = new(stream, CompressionLevel.Fastest, leaveOpen: true);
        gzip.Write(bytes);
    }

    /// <summary>Whether "gzip" is among what is accepted, and not with a weight of zero.</summary>
    private static bool TakesGzip(StringValues accepted)
    {
        foreach (string? line in accepted)
        {
            foreach (string one in (line ?? "").Split(','))
            {
                string[] parts = one.Split(';', StringSplitOptions.TrimEntries);
                if (!parts[0].Equals("gzip", StringComparison.OrdinalIgnoreCase)) continue;
                return parts.Length == 1 || parts[1].TrimEnd('0', '.') != "q=";
            }
        }
        return false;
    }

    /// <summary>A stream that can only be written, into a buffer.</summary>
    private sealed class BufferStream(PooledBuffer to) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => to.Written.Length;
        public override long Position { get => Length; set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            buffer.CopyTo(to.GetSpan(buffer.Length));
            to.Advance(buffer.Length);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
