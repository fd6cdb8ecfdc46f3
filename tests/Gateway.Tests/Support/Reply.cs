using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Xunit;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>An answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Bytes">The body as it came.</param>
/// <param name="Headers">All headers, names in lower case.</param>
public sealed record Reply(int Status, byte[] Bytes, IReadOnlyDictionary<string, string> Headers)
{
    public string Text => Encoding.UTF8.GetString(Bytes);

    public JsonNode Json => JsonNode.Parse(Bytes)!;

    /// <summary>The body of an answer that must be good.</summary>
    public JsonNode Good
    {
        get
        {
            Assert.True(Status == 200, $"{Status} {Text}");
            return Json;
        }
    }

    public JsonArray Rows => Good["rows"]!.AsArray();

    /// <summary>Ids of the rows, separated by commas.</summary>
    public string Ids => string.Join(",", Rows.Select(row => row!["id"]!.ToJsonString()));

    public static async Task<Reply> ReadAsync(HttpResponseMessage response)
    {
        SortedDictionary<string, string> headers = [];
        foreach (KeyValuePair<string, IEnumerable<string>> header in response.Headers.Concat(response.Content.Headers))
            headers[header.Key.ToLowerInvariant()] = string.Join(",", header.Value);
        return new Reply((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(), headers);
    }

    /// <summary>It must be this error, in turbopuffer's shape and nothing else.</summary>
    public void MustBe(int status, string error)
    {
        Assert.Equal(status, Status);
        JsonObject body = Json.AsObject();
        Assert.Equal("error", (string?)body["status"]);
        Assert.Equal(error, (string?)body["error"]);
        Assert.Equal(2, body.Count);
        Assert.Equal("application/json", Headers["content-type"]);
    }

    /// <summary>The JSON must be equal to this, whatever the order of keys.</summary>
    public static void MustEqual(string expected, JsonNode? actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), actual), $"{expected}\nis not\n{actual}");
}
