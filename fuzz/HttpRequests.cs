using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Text;
using Deterministic.Core.Randomness;

namespace Deterministic.Fuzz;

/// <summary>A request as it goes over the wire.</summary>
/// <param name="Bytes">All of it.</param>
/// <param name="IsWhole">Whether it ends where it says, so that another one may follow on its connection.</param>
/// <param name="WantsBody">Whether its answer has a body.</param>
internal readonly record struct HttpInput(byte[] Bytes, bool IsWhole, bool WantsBody);

/// <summary>Requests to a gateway that are nearly right: known routes and fields, damaged bodies, headers of every
/// kind, compressed and in pieces; and now and then bytes that are no request.</summary>
internal static class HttpRequests
{
    private static readonly string[] Methods = ["GET", "POST", "DELETE", "PATCH", "HEAD", "PUT", "OPTIONS", "BREW"];

    private static readonly (string Method, string Path)[] Routes =
    [
        ("POST", "/v2/namespaces/fuzz"), ("POST", "/v2/namespaces/fuzz"), ("POST", "/v2/namespaces/fuzz/query"),
        ("POST", "/v2/namespaces/fuzz/query"), ("POST", "/gcp-us-central1/v2/namespaces/fuzz/query"),
        ("POST", "/v1/namespaces/fuzz/schema"), ("GET", "/v1/namespaces/fuzz/schema"), ("GET", "/v1/namespaces"),
        ("POST", "/v1/namespaces/fuzz/_debug/recall"), ("GET", "/v2/namespaces/fuzz/metadata"),
        ("GET", "/v1/namespaces/fuzz/hint_cache_warm"), ("POST", "/v2/namespaces/fuzz/explain_query"),
        ("POST", "/v2/namespaces/fuzz/async"), ("DELETE", "/v2/namespaces/fuzz-other"), ("GET", "/healthz"),
        ("GET", "/readyz"), ("GET", "/"), ("GET", "/metrics"), ("GET", "/status"), ("GET", "/openapi.json"),
        ("GET", "/console/console.js"), ("PATCH", "/v1/namespaces/fuzz/metadata"), ("HEAD", "/v1/namespaces/fuzz"),
        ("GET", "/v1/namespaces/fuzz/operations/1"), ("DELETE", "/v2/namespaces/fuzz"), ("GET", "//"),
    ];

    private static readonly string[] Queries =
    [
        "", "", "?prefix=f&page_size=2", "?cursor=Zg&page_size=0", "?page_size=99999999999", "?%00=%ff&cursor=%%",
        "?a&a&=",
    ];

    private static readonly string[] Headers =
    [
        "accept-encoding: gzip", "accept-encoding: ;q=, gzip;;q=0", "x-request-id: a b\"c",
        "content-type: text/plain",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "traceparent: 00-zz",
        "tracestate: a=,,", "prefer: respond-async", "authorization: Basic x", "expect: 100-continue",
        "connection: close",
    ];

    private static readonly string[] Others =
    [
        "{\"title\":{\"type\":\"string\",\"filterable\":true},\"new\":\"[]int\"}", "{\"num\":3,\"top_k\":2}",
        "{}", "", "[", "{\"copy_from_namespace\":\"fuzz\"}",
        "{\"upsert_rows\":[{\"id\":1,\"vector\":[1,2],\"title\":\"x\"}]}",
        "{\"upsert_rows\":[{\"id\":18446744073709551615,\"f\":1e308,\"g\":5e-324}]}", "{\"deletes\":[1,2,3]}",
        "{\"queries\":[{\"rank_by\":[\"id\",\"asc\"],\"limit\":2},{\"limit\":1}],\"rerank_by\":[\"RRF\"]}",
        "{\"rank_by\":[\"id\",\"asc\"],\"limit\":10000,\"include_attributes\":true,\"vector_encoding\":\"base64\"}",
    ];

    public static HttpInput Generate(TapeStream tape, TapeStream damage)
    {
        (string method, string path) = tape.Pick<(string, string)>(Routes);
        if (damage.Below(16) == 0) method = damage.Pick<string>(Methods);
        byte[] body = method is "GET" or "HEAD" ? [] : Body(tape, damage);
        StringBuilder head = new();
        head.Append(method).Append(' ').Append(Damaged(path, damage)).Append(tape.Pick<string>(Queries));
        head.Append(" HTTP/1.1\r\nhost: a\r\nauthorization: Bearer any\r\n");
        for (int i = tape.Below(4); i > 0; i--) head.Append(tape.Pick<string>(Headers)).Append("\r\n");
        if (body.Length > 0) body = Encoded(body, head, tape, damage);
        bool isChunked = body.Length > 0 && tape.Below(4) == 0;
        head.Append(isChunked ? "transfer-encoding: chunked\r\n\r\n" : $"content-length: {body.Length}\r\n\r\n");
        byte[] bytes = [.. Encoding.Latin1.GetBytes(head.ToString()), .. isChunked ? Chunked(body, tape) : body];
        bool isWhole = damage.Below(16) > 0;
        if (!isWhole) bytes = Mutator.Mutate(bytes, bytes, damage);
        return new HttpInput(bytes, isWhole, method != "HEAD");
    }

    /// <summary>Damaged names stay in the line of the request.</summary>
    private static string Damaged(string path, TapeStream damage)
    {
        if (damage.Below(8) > 0) return path;
        byte[] damaged = Mutator.Mutate(Encoding.Latin1.GetBytes(path), [], damage);
        StringBuilder escaped = new(damaged is [(byte)'/', ..] ? "" : "/");
        foreach (byte one in damaged)
        {
            if (one is > 32 and < 127 and not ((byte)'?' or (byte)'#')) escaped.Append((char)one);
            else escaped.Append('%').Append(Convert.ToHexString([one]));
        }
        return escaped.ToString();
    }

    private static byte[] Body(TapeStream tape, TapeStream damage)
    {
        byte[] body = tape.Boolean() ? JsonText.Generate(tape) : Encoding.UTF8.GetBytes(tape.Pick<string>(Others));
        if (damage.Boolean()) return body;
        return Mutator.Mutate(body, Encoding.UTF8.GetBytes(tape.Pick<string>(Others)), damage);
    }

    /// <summary>Sometimes compressed, and sometimes damaged after that.</summary>
    private static byte[] Encoded(byte[] body, StringBuilder head, TapeStream tape, TapeStream damage)
    {
        int kind = tape.Below(12);
        if (kind > 3) return body;
        using MemoryStream to = new();
        using (Stream stream = kind < 2 ? new GZipStream(to, CompressionLevel.Fastest, leaveOpen: true)
            : new BrotliStream(to, CompressionLevel.Fastest, leaveOpen: true))
            stream.Write(body);
        head.Append("content-encoding: ").Append(kind < 2 ? "gzip" : kind == 2 ? "br" : "identity, br").Append("\r\n");
        return damage.Below(3) > 0 ? to.ToArray() : Mutator.Mutate(to.ToArray(), body, damage);
    }

    private static byte[] Chunked(byte[] body, TapeStream tape)
    {
        List<byte> chunks = [];
        for (int at = 0; at < body.Length;)
        {
            int size = tape.Range(1, body.Length - at);
            chunks.AddRange(Encoding.ASCII.GetBytes($"{size:x}\r\n"));
            chunks.AddRange(body.AsSpan(at, size));
            chunks.AddRange("\r\n"u8);
            at += size;
        }
        chunks.AddRange("0\r\n\r\n"u8);
        return [.. chunks];
    }
}
