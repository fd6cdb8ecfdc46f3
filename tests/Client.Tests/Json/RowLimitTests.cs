using System;
using System.Linq;
using System.Text;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Xunit;

namespace Deterministic.Client.Tests.Json;

/// <summary>An id of two bytes becomes an object of many: so many rows and ids there may be in one write.</summary>
public sealed class RowLimitTests
{
    private const int Most = Limits.WriteRowsMax;

    private static string Many(string one, int count) => string.Join(',', Enumerable.Repeat(one, count));

    [Theory]
    [InlineData("\"deletes\":[IDS]", "deletes")]
    [InlineData("\"upsert_rows\":[ROWS]", "upsert_rows")]
    [InlineData("\"patch_rows\":[ROWS]", "patch_rows")]
    [InlineData("\"upsert_columns\":{\"id\":[IDS]}", "upsert_columns.id")]
    [InlineData("\"patch_columns\":{\"id\":[1],\"a\":[IDS]}", "patch_columns.a")]
    public void OneMoreIsRefusedAndTheFieldAndTheNumbersAreNamed(string field, string path) =>
        JsonText.Fails(() => JsonText.Write('{' + Fill(field, Most + 1) + '}'),
            $"{path}: 1000001 rows and ids in one request, the limit is 1000000");

    [Theory]
    [InlineData("\"upsert_rows\":[{\"id\":1}],\"patch_columns\":{\"id\":[2,3]},\"deletes\":[IDS]", 3, "deletes")]
    [InlineData("\"deletes\":[1,2],\"patch_rows\":[ROWS]", 2, "patch_rows")]
    [InlineData("\"deletes\":[1],\"upsert_columns\":{\"id\":[IDS]}", 1, "upsert_columns.id")]
    [InlineData("\"upsert_rows\":[{\"id\":1}],\"upsert_columns\":{\"id\":[IDS]}", 1, "upsert_columns.id")]
    public void AllFieldsOfARequestCountTogether(string fields, int others, string path)
    {
        string just = '{' + Fill(fields, Most - others) + '}';
        WriteRequest write = JsonText.Write(just);
        Assert.Equal(Most, write.Upserts.Count + write.Patches.Count + write.Deletes.Count);
        JsonRequestException refused = JsonText.Fails(
            () => JsonText.Write('{' + Fill(fields, Most - others + 7) + '}'),
            $"{path}: 1000007 rows and ids in one request, the limit is 1000000");
        Assert.Equal((ErrorCode.LimitExceeded, path), (refused.Code, refused.Path));
    }

    [Fact]
    public void WhatIsBeyondTheLimitIsCountedAndTakesNoMemory()
    {
        byte[] just = Encoding.UTF8.GetBytes($"{{\"deletes\":[{Many("1", Most)},5000,{{\"a\":[1]}}]}}");
        byte[] far = Encoding.UTF8.GetBytes($"{{\"deletes\":[{Many("1", Most)},{Many("5000", 3 * Most)}]}}");
        long least = Allocated(just, "1000002 rows");
        Assert.InRange(Allocated(far, "4000000 rows"), 1, 2 * least);

        static long Allocated(byte[] json, string said)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            JsonRequestException refused =
                Assert.Throws<JsonRequestException>(() => WriteRequestJson.ParseWithCopy("ns", json));
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
            return allocated;
        }
    }

    private static string Fill(string fields, int count) => fields
        .Replace("IDS", Many("1", count), StringComparison.Ordinal)
        .Replace("ROWS", Many("{\"id\":1}", count), StringComparison.Ordinal);
}
