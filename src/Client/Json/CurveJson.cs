using System;
using System.Globalization;
using System.Text.Json;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Rankings by numbers that are bent: <c>["Saturate",RANK,{"midpoint":100}]</c>,
/// <c>["Decay",["Dist",["Attribute","made"],"2026-01-31"],{"midpoint":"6h","exponent":2}]</c>.</summary>
internal static class CurveJson
{
    private const string MidpointShape = "a number above 0 or a duration such as \"6h\" (ms, s, m, h, d, w)";

    /// <summary>Of the units of durations, the longest names first.</summary>
    private static readonly (string Name, double Milliseconds)[] Units =
    [
        ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000),
    ];

    public static RankBy Read(ref JsonCursor json, ref ArrayScope array, string head, int depth)
    {
        RankBy child = RankJson.Read(ref json, depth + 1);
        json.Element(ref array, "options with a midpoint");
        double midpoint = 0, exponent = 1;
        bool duration = false;
        ObjectScope scope = json.Object("options with a midpoint");
        while (json.Next(ref scope, out string name))
        {
            if (name == "midpoint") midpoint = ReadMidpoint(ref json, out duration);
            else if (name == "exponent") exponent = Positive(ref json, json.Double());
            else throw json.Fail("unknown option; known are midpoint and exponent");
        }
        if (midpoint == 0) throw json.Missing("midpoint");
        json.EndArray(ref array, "the options");
        return new RankBy
        {
            Kind = head == "Saturate" ? RankKind.Saturate : RankKind.Decay, Children = [child],
            Midpoint = midpoint, Exponent = exponent, MidpointIsDuration = duration,
        };
    }

    public static RankBy ReadDistance(ref JsonCursor json, ref ArrayScope array)
    {
        const string shape = "[\"Attribute\", attribute]";
        ArrayScope inner = json.Array(shape);
        json.Element(ref inner, "\"Attribute\"");
        if (json.String("\"Attribute\"") != "Attribute") throw json.Expected("\"Attribute\"");
        json.Element(ref inner, "an attribute");
        string attribute = json.Name("an attribute");
        json.EndArray(ref inner, "the attribute");
        json.Element(ref array, "an origin");
        Value origin = ValueJson.Read(ref json);
        json.EndArray(ref array, "the origin");
        return RankBy.Dist(attribute, origin);
    }

    private static double ReadMidpoint(ref JsonCursor json, out bool duration)
    {
        duration = json.Token == JsonTokenType.String;
        if (!duration) return Positive(ref json, json.Double(MidpointShape));
        string text = json.String();
        foreach ((string name, double milliseconds) in Units)
        {
            if (!text.EndsWith(name, StringComparison.Ordinal)) continue;
            bool number = double.TryParse(text.AsSpan(0, text.Length - name.Length), NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out double count);
            if (!number) break;
            return Positive(ref json, count * milliseconds);
        }
        throw json.Expected(MidpointShape);
    }

    private static double Positive(ref JsonCursor json, double value)
    {
        if (value > 0 && double.IsFinite(value)) return value;
        throw json.Expected("a number above 0");
    }
}
