using System.Text;
using Deterministic.Core.Randomness;

namespace Deterministic.Fuzz;

/// <summary>JSON bodies of queries and writes: members that are valid each alone, in any choice.</summary>
internal static class JsonText
{
    private static readonly string[] Ranks =
    [
        "[\"weights\",\"SparseKNN\",{\"fox\":0.5,\"na\\u00efve\":-2e3}]",
        "[\"vector\",\"ANN\",[1,2.5,-3e2]]", "[\"title\",\"BM25\",\"quick fox\"]", "[\"year\",\"desc\"]",
        "[\"Sum\",[[\"title\",\"BM25\",\"fox\"],[\"Product\",2,[\"text\",\"BM25\",\"dog\"]]]]",
        "[\"Max\",[[\"title\",\"BM25\",\"a\"],[\"title\",\"BM25\",\"b\"]]]", "[[\"year\",\"asc\"],[\"id\",\"desc\"]]",
    ];

    private static readonly string[] Filters =
    [
        "[\"year\",\"Gte\",1990]", "[\"title\",\"Glob\",\"a*\"]", "[\"Not\",[\"tags\",\"Contains\",\"x\"]]",
        "[\"And\",[[\"year\",\"In\",[1,2,3]],[\"title\",\"Eq\",null]]]", "[\"Or\",[[\"year\",\"Lt\",-1.5]]]",
        "[\"id\",\"Eq\",\"769c134d-07b8-4225-954a-b6cc5ffc320c\"]",
    ];

    private static readonly string[] Queries =
    [
        "\"top_k\":10", "\"limit\":5", "\"offset\":1", "\"include_attributes\":true",
        "\"include_attributes\":[\"title\"]", "\"exclude_attributes\":[\"vector\"]",
        "\"aggregate_by\":{\"n\":[\"Count\"],\"s\":[\"Sum\",\"year\"]}", "\"group_by\":[\"year\"]",
        "\"consistency\":{\"level\":\"strong\"}", "\"distance_metric\":\"cosine_distance\"",
    ];

    private static readonly string[] Writes =
    [
        "\"upsert_rows\":[{\"id\":1,\"title\":\"na\\u00efve\",\"vector\":[0.1,2]},{\"id\":2,\"tags\":[\"x\",\"y\"]}]",
        "\"upsert_columns\":{\"id\":[3,4],\"year\":[1990,null]}", "\"patch_rows\":[{\"id\":1,\"year\":null}]",
        "\"patch_columns\":{\"id\":[1],\"title\":[\"t\"]}", "\"deletes\":[1,\"a\",3]",
        "\"return_affected_ids\":true", "\"distance_metric\":\"euclidean_squared\"",
        "\"schema\":{\"title\":{\"type\":\"string\",\"full_text_search\":true},\"year\":\"int\"}",
        "\"schema\":{\"vector\":{\"type\":\"[2]f32\",\"ann\":true}}",
        "\"patch_rows\":[{\"id\":1,\"weights\":{\"fox\":0.25,\"dog\":1}}]",
        "\"schema\":{\"weights\":{\"type\":\"{}f16\",\"sparse_knn\":{\"distance_metric\":\"dot_product\"}}}",
    ];

    public static byte[] Generate(TapeStream tape)
    {
        StringBuilder text = new("{");
        if (tape.Boolean()) AppendQuery(text, tape);
        else AppendWrite(text, tape);
        return Encoding.UTF8.GetBytes(text.Append('}').ToString());
    }

    private static void AppendQuery(StringBuilder text, TapeStream tape)
    {
        text.Append("\"rank_by\":").Append(tape.Pick<string>(Ranks)).Append(",\"top_k\":3");
        if (tape.Boolean()) text.Append(",\"filters\":").Append(tape.Pick<string>(Filters));
        for (int i = tape.Below(3); i > 0; i--) text.Append(',').Append(tape.Pick<string>(Queries));
    }

    private static void AppendWrite(StringBuilder text, TapeStream tape)
    {
        text.Append(tape.Pick<string>(Writes));
        for (int i = tape.Below(4); i > 0; i--) text.Append(',').Append(tape.Pick<string>(Writes));
        if (tape.Boolean()) return;
        string[] members = ["delete_by_filter", "upsert_condition", "patch_condition", "delete_condition"];
        text.Append(",\"").Append(tape.Pick<string>(members)).Append("\":").Append(tape.Pick<string>(Filters));
    }
}
