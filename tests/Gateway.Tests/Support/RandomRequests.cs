using System;
using System.Text;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>Requests that are nearly right: known fields with values of all kinds, and sometimes damaged bytes. The
/// same seed makes the same request.</summary>
internal sealed class RandomRequests(int seed)
{
    private static readonly (string Method, string Path, string[] Members)[] Routes =
    [
        ("POST", "/v2/namespaces/fuzz", Writes), ("POST", "/v2/namespaces/fuzz", Writes),
        ("POST", "/v2/namespaces/fuzz/query", Queries), ("POST", "/v2/namespaces/fuzz/query", Queries),
        ("POST", "/v1/namespaces/fuzz/schema", Schemas), ("POST", "/v1/namespaces/fuzz/_debug/recall", Recalls),
        ("GET", "/v1/namespaces", Recalls), ("GET", "/v2/namespaces/fuzz/metadata", Recalls),
        ("POST", "/v2/namespaces/fuzz/async", Writes),
    ];

    private static string[] Writes =>
    [
        "\"upsert_rows\":[{\"id\":1,\"vector\":[0.5,1],\"title\":\"x\"},{\"id\":2,\"n\":7}]",
        "\"upsert_columns\":{\"id\":[3,4],\"n\":[1,null]}", "\"patch_rows\":[{\"id\":5,\"n\":null}]",
        "\"upsert_rows\":[{\"id\":9,\"n\":\"x\"}]",
        "\"patch_columns\":{\"id\":[6],\"title\":[\"t\"]}", "\"deletes\":[7,8]", "\"return_affected_ids\":true",
        "\"distance_metric\":\"cosine_distance\"", "\"schema\":{\"n\":\"int\"}",
        "\"upsert_condition\":[\"n\",\"Lt\",{\"$ref_new\":\"n\"}]", "\"delete_by_filter\":[\"n\",\"Gt\",1000]",
        "\"patch_by_filter\":{\"filters\":[\"n\",\"Gt\",0],\"patch\":{\"n\":1}}", "\"copy_from_namespace\":\"fuzz\"",
        "\"schema\":{\"sv\":\"{}f16\"}", "\"patch_rows\":[{\"id\":2,\"sv\":{\"a\":0.5,\"b\":-1}}]",
    ];

    private static string[] Queries =>
    [
        "\"top_k\":10", "\"limit\":5", "\"offset\":1", "\"include_attributes\":true",
        "\"rank_by\":[\"sv\",\"SparseKNN\",{\"a\":1,\"c\":2}]",
        "\"rank_by\":[\"vector\",\"ANN\",[1,2]]", "\"rank_by\":[\"n\",\"desc\"]", "\"filters\":[\"n\",\"Gte\",1]",
        "\"filters\":[\"n\",\"Eq\",\"x\"]",
        "\"exclude_attributes\":[\"vector\"]", "\"aggregate_by\":{\"c\":[\"Count\"],\"s\":[\"Sum\",\"n\"]}",
        "\"group_by\":[\"n\"]", "\"consistency\":{\"level\":\"eventual\"}", "\"rerank_by\":[\"RRF\"]",
        "\"queries\":[{\"rank_by\":[\"id\",\"asc\"],\"limit\":2},{\"limit\":1}]", "\"vector_encoding\":\"base64\"",
    ];

    private static string[] Schemas =>
        ["\"title\":\"string\"", "\"title\":{\"type\":\"string\",\"filterable\":true}", "\"new\":\"[]int\""];

    private static string[] Recalls =>
        ["\"num\":3", "\"top_k\":2", "\"filters\":[\"n\",\"Gt\",0]", "\"include_ground_truth\":true"];

    internal static readonly string[] Values =
    [
        "null", "true", "false", "0", "1", "-1", "18446744073709551615", "1e400", "0.1", "\"\"", "\"x\"", "\"id\"",
        "\"vector\"", "\"title\"", "\"zczMPc3MTD4=\"", "\"769c134d-07b8-4225-954a-b6cc5ffc320c\"", "\"\\ud83d\"",
        "\"cosine_distance\"", "\"string\"", "\"[2]f32\"", "[1,2]", "[]", "{}", "[\"id\",\"asc\"]",
        "[\"vector\",\"ANN\",[1,2]]", "[\"title\",\"BM25\",\"x\"]", "[\"n\",\"Gte\",1]", "[\"id\",\"In\",[1,2]]",
        "[\"And\",[[\"n\",\"Eq\",null]]]", "[\"Not\",[\"title\",\"ContainsAny\",[\"x\"]]]",
        "[{\"id\":1,\"vector\":[0.5,1],\"title\":\"x\"},{\"id\":2,\"n\":7}]", "{\"id\":[1,2],\"n\":[1,null]}",
        "{\"title\":{\"type\":\"string\",\"full_text_search\":true}}", "{\"a\":1.5}",
        "{\"level\":\"eventual\"}", "[\"RRF\"]",
        "{\"c\":[\"Count\"],\"s\":[\"Sum\",\"n\"]}", "[{\"rank_by\":[\"id\",\"asc\"],\"limit\":2},{\"limit\":1}]",
        "{\"filters\":[\"n\",\"Gt\",0],\"patch\":{\"n\":1}}", "[\"n\",\"Lt\",{\"$ref_new\":\"n\"}]",
    ];

    private readonly Random _random = new(seed);

    /// <summary>Method, path and query string, and body.</summary>
    public (string Method, string Path, byte[] Body) Next()
    {
        (string method, string path, string[] members) = Routes[_random.Next(Routes.Length)];
        if (path == "/v1/namespaces" && _random.Next(2) == 0)
            path += $"?cursor={Odd()}&page_size={Odd()}&prefix={Odd()}";
        byte[] body = Encoding.UTF8.GetBytes(Body(members));
        if (_random.Next(4) == 0) Damage(body);
        return (method, path, body);
    }

    private string Odd() => Uri.EscapeDataString(Value(depth: 3));

    private void Damage(byte[] body)
    {
        for (int i = _random.Next(1, 4); i > 0; i--) body[_random.Next(body.Length)] = (byte)_random.Next(256);
    }

    private string Body(string[] members)
    {
        StringBuilder text = new("{");
        for (int i = _random.Next(1, 5); i > 0; i--)
        {
            string member = Pick(members);
            if (_random.Next(5) == 0) member = member[..(member.IndexOf(':') + 1)] + Value(depth: 0);
            text.Append(member).Append(i > 1 ? "," : "");
        }
        return text.Append('}').ToString();
    }

    private string Value(int depth)
    {
        if (depth >= 3 || _random.Next(3) > 0) return Pick(Values);
        bool isArray = _random.Next(2) == 0;
        StringBuilder text = new(isArray ? "[" : "{");
        for (int i = _random.Next(1, 5); i > 0; i--)
        {
            if (!isArray) text.Append(Pick(Values.AsSpan(10, 4))).Append(':');
            text.Append(Value(depth + 1)).Append(i > 1 ? "," : "");
        }
        return text.Append(isArray ? ']' : '}').ToString();
    }

    private string Pick(ReadOnlySpan<string> from) => from[_random.Next(from.Length)];
}
