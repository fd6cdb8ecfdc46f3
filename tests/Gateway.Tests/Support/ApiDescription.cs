using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>One thing that an OpenAPI description says can be done.</summary>
/// <param name="Method">In capitals.</param>
/// <param name="Path">With the names of its parameters in braces.</param>
/// <param name="Node">All that is said of it.</param>
internal sealed record ApiOperation(string Method, string Path, JsonNode Node);

/// <summary>An OpenAPI description: what can be done, and whether answers look as it says.</summary>
internal sealed class ApiDescription
{
    private readonly JsonNode _document;

    public ApiDescription(JsonNode document)
    {
        _document = document;
        foreach ((string path, JsonNode? item) in document["paths"]!.AsObject())
        {
            foreach ((string key, JsonNode? operation) in item!.AsObject())
                if (key != "parameters") Operations.Add(new ApiOperation(key.ToUpperInvariant(), path, operation!));
        }
    }

    public List<ApiOperation> Operations { get; } = [];

    /// <summary>The node itself, or the one that it refers to.</summary>
    public JsonNode Resolve(JsonNode node)
    {
        while (node is JsonObject && (string?)node["$ref"] is string target)
        {
            JsonNode at = _document;
            foreach (string part in target.Split('/').Skip(1)) at = at[part]!;
            node = at;
        }
        return node;
    }

    /// <summary>All that refers to something there is.</summary>
    public IEnumerable<string> References() => References(_document);

    /// <summary>Null if an answer is as described, else what is not.</summary>
    public string? Violation(ApiOperation operation, Reply reply)
    {
        JsonObject answers = operation.Node["responses"]!.AsObject();
        JsonNode? answer = answers[$"{reply.Status}"] ?? answers[$"{reply.Status / 100}XX"];
        if (answer is null) return $"an answer {reply.Status} is not described";
        JsonObject contents = Resolve(answer)["content"]!.AsObject();
        string given = reply.Headers["content-type"].Split(';')[0];
        foreach ((string type, JsonNode? content) in contents)
        {
            if (type.Split(';')[0] != given) continue;
            if (given != "application/json") return null;
            return Violation(content!["schema"]!, JsonNode.Parse(reply.Bytes), "answer");
        }
        return $"an answer of type {given} is not described";
    }

    /// <summary>Null if a value fits a schema, else where it does not and why.</summary>
    public string? Violation(JsonNode schema, JsonNode? value, string place)
    {
        schema = Resolve(schema);
        if (schema["oneOf"] is JsonArray choices)
        {
            string?[] all = [.. choices.Select(choice => Violation(choice!, value, place))];
            return all.Contains(null) ? null : string.Join(" and ", all);
        }
        if (schema["type"] is JsonNode type && !TypesOf(type).Any(name => Is(value, name)))
            return $"{place}: {value?.ToJsonString() ?? "null"} is not {type.ToJsonString()}";
        if (schema["enum"] is JsonArray names && !names.Any(name => JsonNode.DeepEquals(name, value)))
            return $"{place}: {value} is none of {names.ToJsonString()}";
        return value switch
        {
            JsonObject members => OfMembers(schema, members, place),
            JsonArray items when schema["items"] is JsonNode item => items
                .Select((one, i) => Violation(item, one, $"{place}[{i}]")).FirstOrDefault(one => one is not null),
            _ => null,
        };
    }

    public static string[] TypesOf(JsonNode type) =>
        type is JsonArray several ? [.. several.Select(static one => (string)one!)] : [(string)type!];

    private string? OfMembers(JsonNode schema, JsonObject members, string place)
    {
        foreach (JsonNode? name in schema["required"]?.AsArray() ?? [])
            if (!members.ContainsKey((string)name!)) return $"{place} has no {name}";
        foreach ((string name, JsonNode? value) in members)
        {
            JsonNode? known = schema["properties"]?[name] ?? schema["additionalProperties"];
            if (known is null || known.GetValueKind() == JsonValueKind.True) continue;
            if (known.GetValueKind() == JsonValueKind.False) return $"{place}.{name} is not described";
            if (Violation(known, value, $"{place}.{name}") is string violation) return violation;
        }
        return null;
    }

    private static bool Is(JsonNode? value, string type) => (type, value?.GetValueKind()) switch
    {
        ("null", null) => true,
        ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) => true,
        ("boolean", JsonValueKind.True or JsonValueKind.False) or ("number", JsonValueKind.Number) => true,
        ("integer", JsonValueKind.Number) => !value!.ToJsonString().AsSpan().ContainsAny(".eE"),
        _ => false,
    };

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonArray items => items.SelectMany(References),
        JsonObject members => members.SelectMany(static member =>
            member.Key == "$ref" ? [(string)member.Value!] : References(member.Value)),
        _ => [],
    };
}
