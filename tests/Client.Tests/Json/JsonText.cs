using System;
using System.IO;
using System.Text;
using System.Text.Json;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Xunit;

namespace Deterministic.Client.Tests.Json;

/// <summary>Helpers of the tests: text to and from the dialect, models to comparable bytes.</summary>
internal static class JsonText
{
    public static WriteRequest Write(string json) => WriteRequestJson.Parse("ns", Encoding.UTF8.GetBytes(json));

    public static ParsedQuery Query(string json) => QueryRequestJson.Parse("ns", Encoding.UTF8.GetBytes(json));

    public static Query Single(string json) => Assert.Single(Query(json).Request.Queries);

    public static AttributeSchema[] Schema(string json) => SchemaJson.Parse(Encoding.UTF8.GetBytes(json));

    public static string Print(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream)) write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static JsonRequestException Fails(Action parse, string message)
    {
        JsonRequestException exception = Assert.Throws<JsonRequestException>(parse);
        Assert.Equal(message, exception.Message);
        return exception;
    }

    /// <summary>The wire form: two models are equal if it is.</summary>
    public static byte[] Bytes(WriteRequest request)
    {
        WireWriter writer = new(new byte[1 << 20]);
        request.Write(ref writer);
        Assert.False(writer.Overflowed);
        return writer.Written.ToArray();
    }

    public static byte[] Bytes(QueryRequest request)
    {
        WireWriter writer = new(new byte[1 << 20]);
        request.Write(ref writer);
        Assert.False(writer.Overflowed);
        return writer.Written.ToArray();
    }
}
