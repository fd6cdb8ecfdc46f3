using System;
using System.Buffers;
using System.IO;
using System.IO.Compression;
using System.Threading.Tasks;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Deterministic.Gateway.Http;

/// <summary>The body of a request, decompressed, in a pooled array that grows as bytes come.</summary>
internal sealed class RequestBody : IDisposable
{
    private const int SizeFirst = 16 << 10;

    private readonly BodyBudget _budget;
    private readonly int _sizeMax;
    private byte[] _bytes = [];
    private int _size;

    private RequestBody(BodyBudget budget, int sizeMax)
    {
        _budget = budget;
        _sizeMax = sizeMax;
    }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, _size);

    /// <exception cref="RequestException">Too large, too many, or of an encoding that is not known.</exception>
    public static async Task<RequestBody> ReadAsync(HttpContext context, BodyBudget budget, int sizeMax)
    {
        RequestBody body = new(budget, sizeMax);
        Stream stream = context.Request.Body;
        try
        {
            if (context.Request.ContentLength > sizeMax) throw TooLarge();
            string encoding = context.Request.Headers.ContentEncoding.ToString();
            switch (encoding.ToLowerInvariant())
            {
                case "" or "identity":
                    await body.FillAsync(stream, context).ConfigureAwait(false);
                    break;
                case "gzip":
                    await using (GZipStream gzip = new(stream, CompressionMode.Decompress, leaveOpen: true))
                        await body.FillAsync(gzip, context).ConfigureAwait(false);
                    break;
                case "br":
                    await using (BrotliStream brotli = new(stream, CompressionMode.Decompress, leaveOpen: true))
                        await body.FillAsync(brotli, context).ConfigureAwait(false);
                    break;
                default:
                    throw new RequestException(
                        415, $"content-encoding \"{encoding}\" is not supported; known are gzip, br and identity");
            }
            context.Features.GetRequiredFeature<RequestFigures>().BytesIn += body._size;
            return body;
        }
        catch (Exception exception) when (exception is InvalidDataException or InvalidOperationException)
        {
            body.Dispose();
            throw new RequestException(400, "the body does not decompress as its content-encoding says");
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_bytes.Length == 0) return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _budget.Return(_bytes.Length);
        _bytes = [];
        _size = 0;
    }

    private async Task FillAsync(Stream stream, HttpContext context)
    {
        while (true)
        {
            if (_size == _bytes.Length) Grow();
            int read = await stream.ReadAsync(_bytes.AsMemory(_size), context.RequestAborted).ConfigureAwait(false);
            if (read == 0) return;
            _size += read;
            if (_size > _sizeMax) throw TooLarge();
        }
    }

    private static RequestException TooLarge() =>
        new(413, "the body is larger than this server takes; send it in several requests");

    private void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(SizeFirst, checked(2 * _bytes.Length)));
        if (!_budget.TryTake(larger.Length))
        {
            ArrayPool<byte>.Shared.Return(larger);
            throw RequestException.TooMany("too many large requests at once; try again later");
        }
        int size = _size;
        Span.CopyTo(larger);
        Dispose();
        _bytes = larger;
        _size = size;
    }
}
