using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using Deterministic.Simulator.Linearizability;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>Histories as Jepsen's tools write them: events "invoke", then "ok" (it happened), "fail" (it did not) or
/// "info" (nobody knows).</summary>
internal static class RecordedHistory
{
    public static List<SortedDictionary<string, object?>> JsonEvents(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        List<SortedDictionary<string, object?>> events = [];
        foreach (JsonElement item in document.RootElement.EnumerateArray())
        {
            SortedDictionary<string, object?> map = new(StringComparer.Ordinal);
            foreach (JsonProperty property in item.EnumerateObject()) map.Add(property.Name, Plain(property.Value));
            events.Add(map);
        }
        return events;
    }

    /// <summary>Lines of "INFO jepsen.util - PROCESS TYPE FUNCTION VALUE" in one notation or another.</summary>
    public static List<SortedDictionary<string, object?>> LogEvents(string text)
    {
        List<SortedDictionary<string, object?>> events = [];
        foreach (string line in text.Split('\n'))
        {
            int dash = line.IndexOf(" - ", StringComparison.Ordinal);
            if (dash < 0) continue;
            string[] words = line[(dash + 3)..].Split([' ', '\t'], 4, StringSplitOptions.RemoveEmptyEntries);
            if (!long.TryParse(words[0], out _)) continue;
            events.AddRange(EdnReader.Events(
                $"{{:process {words[0]} :type {words[1]} :f {words[2]} :value {words[3]}}}"));
        }
        return events;
    }

    /// <summary>A register. In Jepsen's logs of etcd a "fail" of a compare-and-set says that the register had another
    /// value (<paramref name="failedSetsSaw"/>); elsewhere it says nothing of the register.</summary>
    public static History<RegisterOperation> Register(
        List<SortedDictionary<string, object?>> events, bool failedSetsSaw) =>
        Build<RegisterOperation>(events, (type, started, ended) =>
    {
        string function = (string)started["f"]!;
        object? argument = started.GetValueOrDefault("value");
        object? result = ended?.GetValueOrDefault("value");
        switch (function)
        {
            case "read":
                return type == "fail" ? null : RegisterOperation.Read(type == "ok" ? (long?)result : null);
            case "write":
                return type == "fail" ? null : RegisterOperation.Write((long?)argument);
            case "acquire" or "release":
                bool take = function == "acquire";
                return type == "fail" ? null : RegisterOperation.CompareAndSet(take ? 0 : 1, take ? 1 : 0, true);
            default:
                List<object?> pair = (List<object?>)argument!;
                return type == "fail" && !failedSetsSaw
                    ? null : RegisterOperation.CompareAndSet((long?)pair[0], (long?)pair[1], type != "fail");
        }
    }, static _ => 0);

    public static History<TextOperation> Text(List<SortedDictionary<string, object?>> events) =>
        Build<TextOperation>(events, (_, started, ended) => (string)started["f"]! switch
        {
            "get" => new(TextKind.Get, (string?)ended?["value"] ?? ""),
            "put" => new(TextKind.Put, (string)started["value"]!),
            _ => new(TextKind.Append, (string)started["value"]!),
        }, static started => int.Parse((string)started["key"]!, CultureInfo.InvariantCulture));

    public static History<RegistersOperation> Registers(List<SortedDictionary<string, object?>> events) =>
        Build<RegistersOperation>(events, (type, started, ended) =>
            type == "fail" ? null : RegistersOperation.Parse((ended ?? started)["value"]!), static _ => 0);

    /// <param name="make">From the type of the end ("ok", "fail" or "info"), the call and the end, if there is one, the
    /// operation; null if it counts for nothing.</param>
    private static History<TOperation> Build<TOperation>(
        List<SortedDictionary<string, object?>> events,
        Func<string, SortedDictionary<string, object?>, SortedDictionary<string, object?>?, TOperation?> make,
        Func<SortedDictionary<string, object?>, int> key) where TOperation : struct
    {
        History<TOperation> history = new();
        SortedDictionary<long, (int Index, SortedDictionary<string, object?> Started)> running = [];
        for (int i = 0; i < events.Count; i++)
        {
            if (events[i]["process"] is not long process) continue;
            string type = (string)events[i]["type"]!;
            if (type == "invoke")
            {
                TOperation operation = make("info", events[i], null)!.Value;
                running.Add(process, (history.Call(key(events[i]), (int)process, (ulong)i, operation), events[i]));
            }
            else if (running.Remove(process, out (int Index, SortedDictionary<string, object?> Started) call))
            {
                if (type == "info") continue;
                TOperation? operation = make(type, call.Started, events[i]);
                if (operation is TOperation known) history.Return(call.Index, (ulong)i, known);
                else history.Forget(call.Index);
            }
        }
        return history;
    }

    private static object? Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.Number => value.GetInt64(),
        JsonValueKind.Array => Plain(value.EnumerateArray()),
        _ => value.ToString(),
    };

    private static List<object?> Plain(JsonElement.ArrayEnumerator items)
    {
        List<object?> list = [];
        foreach (JsonElement item in items) list.Add(Plain(item));
        return list;
    }
}
