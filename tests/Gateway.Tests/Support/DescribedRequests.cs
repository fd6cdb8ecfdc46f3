using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json.Nodes;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>Requests made from the description alone: mostly as it wants them, with a wrong value here and there. The
/// same seed makes the same request.</summary>
internal sealed class DescribedRequests(ApiDescription api, int seed)
{
    private const int DepthMax = 6;
    private static readonly string[] Words = ["fuzz", "title", "n", "x", "", "a longer text, with words", "☃"];
    private static readonly string[] Attributes = ["n", "title", "x", "vector"];

    /// <summary>Half a character is JSON, but no JSON that can be written here.</summary>
    private static readonly string[] Odd = [.. RandomRequests.Values
        .Where(static value => !value.Contains("\\u", StringComparison.Ordinal))];

    /// <summary>May say that a machine with much to do is not ready.</summary>
    private const string Readiness = "/readyz";

    private readonly Random _random = new(seed);

    /// <summary>What is asked for, the path with its query string, and the body; null if it has none.</summary>
    public (ApiOperation Operation, string Path, byte[]? Body) Next()
    {
        ApiOperation[] all = [.. api.Operations.Where(static operation => operation.Path != Readiness)];
        ApiOperation operation = all[_random.Next(all.Length)];
        string name = operation.Method == "DELETE" ? "fuzz-gone" : _random.Next(8) == 0 ? "fuzz-none" : "fuzz";
        string path = operation.Path.Replace("{name}", name, StringComparison.Ordinal);
        string[] query = [.. (operation.Node["parameters"]?.AsArray() ?? [])
            .Select(static parameter => parameter!).Where(_ => _random.Next(2) == 0)
            .Select(parameter => $"{parameter["name"]}={Uri.EscapeDataString(Text(parameter["schema"]!))}")];
        if (query.Length > 0) path += "?" + string.Join('&', query);
        JsonNode? body = operation.Node["requestBody"]?["content"]?["application/json"]?["schema"];
        if (body is null) return (operation, path, null);
        string json = Make(body, depth: 0)?.ToJsonString() ?? "null";
        return (operation, path, Encoding.UTF8.GetBytes(json));
    }

    private string Text(JsonNode schema)
    {
        JsonNode? value = Make(schema, depth: 0);
        return value is JsonValue one && one.TryGetValue(out string? text) ? text : value?.ToJsonString() ?? "";
    }

    private JsonNode? Make(JsonNode schema, int depth)
    {
        schema = api.Resolve(schema);
        if (depth > 0 && _random.Next(40) == 0) return JsonNode.Parse(Pick(Odd));
        if (schema["examples"] is JsonArray examples && _random.Next(8) > 0) return Pick(examples)?.DeepClone();
        if (schema["oneOf"] is JsonArray choices) return Make(Pick(choices)!, depth + 1);
        if (schema["enum"] is JsonArray names) return Pick(names)?.DeepClone();
        string[] types = schema["type"] is JsonNode type ? ApiDescription.TypesOf(type) : ["object"];
        return Pick(types) switch
        {
            "object" => Members(schema, depth),
            "array" => new JsonArray([.. Enumerable.Range(0, depth > DepthMax ? 0 : _random.Next(4))
                .Select(_ => schema["items"] is JsonNode item ? Make(item, depth + 1) : Word())]),
            "boolean" => _random.Next(2) == 0,
            "integer" => Whole(schema),
            "number" => Math.Round(_random.NextDouble() * 4 - 2, 2),
            "string" => Word(),
            _ => null,
        };
    }

    private JsonObject Members(JsonNode schema, int depth)
    {
        JsonObject made = [];
        HashSet<string> required = [.. (schema["required"]?.AsArray() ?? []).Select(static name => (string)name!)];
        foreach ((string name, JsonNode? member) in schema["properties"]?.AsObject() ?? [])
            if (required.Contains(name) || _random.Next(8) == 0) made[name] = Make(member!, depth + 1);
        if (schema["additionalProperties"] is JsonObject more && depth <= DepthMax)
            for (int i = _random.Next(3); i > 0; i--) made[Pick(Attributes)] = Make(more, depth + 1);
        return made;
    }

    /// <summary>Small, or at one of the limits.</summary>
    private JsonNode Whole(JsonNode schema)
    {
        ulong least = (ulong?)schema["minimum"] ?? 0;
        ulong most = (ulong?)schema["maximum"] ?? ulong.MaxValue;
        ulong small = Math.Min(most, least + (ulong)_random.Next(12));
        return _random.Next(12) switch
        {
            0 => most,
            1 => least,
            _ => small,
        };
    }

    private JsonNode Word() => Pick(Words);

    private T Pick<T>(IList<T> from) => from[_random.Next(from.Count)];
}
