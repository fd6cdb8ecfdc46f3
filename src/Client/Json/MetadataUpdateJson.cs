using System;
using System.Text.Json;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>The body of a change of metadata: pinning and read_only, of which only what is so anyhow can be asked
/// for.</summary>
public static class MetadataUpdateJson
{
    /// <exception cref="JsonRequestException">Names what is wrong, or cannot be had.</exception>
    public static void Check(ReadOnlySpan<byte> json)
    {
        JsonCursor cursor = new(json);
        ObjectScope scope = cursor.Object("an object with pinning or read_only");
        while (cursor.Next(ref scope, out string field))
        {
            if (field is not ("pinning" or "read_only"))
                throw cursor.Fail("unknown field; known are pinning and read_only");
            if (!cursor.IsNull && cursor.Token != JsonTokenType.False) throw cursor.NotSupported(field);
        }
        cursor.End();
    }
}
