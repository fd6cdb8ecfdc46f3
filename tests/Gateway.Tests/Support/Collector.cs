using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A span as it came over OTLP; ids in hexadecimal digits.</summary>
public sealed record CollectedSpan(
    string Service, string TraceId, string SpanId, string ParentId, string Name, TimeSpan Duration);

/// <summary>A collector of traces on a free port: takes OTLP over HTTP and keeps the spans.</summary>
public sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ConcurrentQueue<CollectedSpan> _spans = new();

    private Collector(WebApplication application) => _application = application;

    public Uri Url => new(_application.Urls.First());

    public IReadOnlyCollection<CollectedSpan> Spans => _spans;

    public static async Task<Collector> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        Collector collector = new(builder.Build());
        collector._application.MapPost("/v1/traces", collector.TakeAsync);
        await collector._application.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body);
        foreach (byte[] resourceSpans in Fields(body.ToArray(), 1))
        {
            string service = Fields(Fields(resourceSpans, 1)[0], 1)
                .Where(static attribute => Text(attribute, 1) == "service.name")
                .Select(static attribute => Text(Fields(attribute, 2)[0], 1)).Single();
            foreach (byte[] scopeSpans in Fields(resourceSpans, 2))
                foreach (byte[] span in Fields(scopeSpans, 2)) _spans.Enqueue(Read(service, span));
        }
    }

    private static CollectedSpan Read(string service, byte[] span)
    {
        ulong started = BinaryPrimitives.ReadUInt64LittleEndian(Fields(span, 7)[0]);
        ulong ended = BinaryPrimitives.ReadUInt64LittleEndian(Fields(span, 8)[0]);
        return new CollectedSpan(service, Id(1), Id(2), Id(4), Text(span, 5),
            TimeSpan.FromTicks((long)(ended - started) / TimeSpan.NanosecondsPerTick));

        string Id(int number) => Convert.ToHexStringLower(Fields(span, number).FirstOrDefault() ?? []);
    }

    private static string Text(byte[] message, int number) => Encoding.UTF8.GetString(Fields(message, number)[0]);

    /// <summary>The values of one field of a protobuf message, as bytes.</summary>
    private static List<byte[]> Fields(ReadOnlySpan<byte> message, int number)
    {
        List<byte[]> values = [];
        while (message.Length > 0)
        {
            ulong key = Varint(ref message);
            int size = (key & 7) switch
            {
                0 => VarintSize(message),
                1 => 8,
                2 => (int)Varint(ref message),
                5 => 4,
                _ => throw new InvalidDataException($"wire type {key & 7}"),
            };
            if ((int)(key >> 3) == number) values.Add(message[..size].ToArray());
            message = message[size..];
        }
        return values;
    }

    private static int VarintSize(ReadOnlySpan<byte> bytes)
    {
        int size = 1;
        while (bytes[size - 1] >= 0x80) size++;
        return size;
    }

    private static ulong Varint(ref ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        int size = VarintSize(bytes);
        for (int i = 0; i < size; i++) value |= (ulong)(bytes[i] & 0x7f) << (7 * i);
        bytes = bytes[size..];
        return value;
    }
}
