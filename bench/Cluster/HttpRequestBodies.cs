using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Deterministic.ClusterBenchmark;

/// <summary>What is asked over HTTP and by the binary client alike.</summary>
internal enum HttpWork
{
    Row,
    Batch,
    Query,
}

/// <summary>The JSON of the requests.</summary>
internal static class HttpRequestBodies
{
    public const string Namespace = "http";
    public const int Dimensions = 128;
    public const int Documents = 10_000;
    public const int BatchSize = 1_000;

    public static byte[][] Of(HttpWork work, int count)
    {
        Random random = new(1);
        byte[][] bodies = new byte[count][];
        for (int i = 0; i < count; i++)
        {
            string text = $$"""
                {"rank_by":["vector","ANN",{{Vector(random)}}],"filters":["n","Lt",500],"top_k":10}
                """;
            if (work != HttpWork.Query)
            {
                int rows = work == HttpWork.Batch ? BatchSize : 1;
                IEnumerable<string> all = Enumerable.Range(i * rows, rows)
                    .Select(id => $$"""{"id":{{id}},"n":{{id % 1000}},"vector":{{Vector(random)}}}""");
                text = $$"""{"distance_metric":"cosine_distance","upsert_rows":[{{string.Join(",", all)}}]}""";
            }
            bodies[i] = Encoding.UTF8.GetBytes(text);
        }
        return bodies;
    }

    private static string Vector(Random random) => "[" + string.Join(",", Enumerable.Range(0, Dimensions)
        .Select(_ => random.NextSingle().ToString(CultureInfo.InvariantCulture))) + "]";
}
