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
    private readonly bool _keepsPlace;
    private byte[] _bytes = [];
    private int _size;
    private int _taken;

    private RequestBody(BodyBudget budget, int sizeMax, bool keepsPlace)
    {
        _budget = budget;
        _sizeMax = sizeMax;
        _keepsPlace = keepsPlace;
    }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, _size);

    /// <param name="context">Of the request.</param>
    /// <param name="budget">Of all bodies.</param>
    /// <param name="sizeMax">Bytes of this one.</param>
    /// <param name="limits">How slow it may be.</param>
    /// <param name="keepsPlace">Whether its place in the budget outlives its bytes, until <see cref="Leave"/>: what is
    /// made of them takes as much memory and more.</param>
    /// <exception cref="RequestException">Too large, too slow, too many, or of an encoding that is not
    /// known.</exception>
    public static async Task<RequestBody> ReadAsync(
        HttpContext context, BodyBudget budget, int sizeMax, ConnectionLimits limits, bool keepsPlace = false)
    {
        RequestBody body = new(budget, sizeMax, keepsPlace);
        using WireBody stream = new(context.Request.Body, sizeMax, limits, context.RequestAborted);
        try
        {
            if (context.Request.ContentLength > sizeMax) throw RequestException.TooLarge();
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
            body.Leave();
            throw new RequestException(400, "the body does not decompress as its content-encoding says");
        }
        catch
        {
            body.Leave();
            throw;
        }
    }

    public void Dispose()
    {
        if (_keepsPlace) ReturnBytes();
        else Leave();
    }

    /// <summary>Gives the place in the budget back too.</summary>
    public void Leave()
    {
        ReturnBytes();
        _budget.Return(_taken);
        _taken = 0;
    }

    private void ReturnBytes()
    {
        if (_bytes.Length == 0) return;
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _size = 0;
    }

    private async Task FillAsync(Stream stream, HttpContext context)
    {
        while (true)
        {
            // Behind the last byte that there may be is only looked for one more.
            bool isFull = _size == _sizeMax;
            if (!isFull && _size == _bytes.Length) Grow();
            int end = Math.Min(_bytes.Length, _sizeMax);
            Memory<byte> room = isFull ? new byte[1] : _bytes.AsMemory(_size, end - _size);
            int read = await stream.ReadAsync(room, context.RequestAborted).ConfigureAwait(false);
            if (read == 0) return;
            if (isFull) throw RequestException.TooLarge();
            _size += read;
        }
    }

    private void Grow()
    {
        long wanted = Math.Min(Math.Max(SizeFirst, 2L * _bytes.Length), Math.Max(SizeFirst, _sizeMax));
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)wanted);
        if (!_budget.TryTake(larger.Length))
        {
            ArrayPool<byte>.Shared.Return(larger);
            throw RequestException.TooMany("too many large requests at once; try again later");
        }
        int size = _size;
        Span.CopyTo(larger);
        Leave();
        _bytes = larger;
        _size = size;
        _taken = larger.Length;
    }
}
