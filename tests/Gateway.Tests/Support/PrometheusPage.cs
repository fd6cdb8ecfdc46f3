using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A page in Prometheus' text format, read strictly: every line has to be one that the format knows, all
/// lines of a name stand together below its HELP and TYPE, and histograms are whole.</summary>
internal sealed partial class PrometheusPage
{
    private readonly SortedDictionary<string, string> _types = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, double> _values = new(StringComparer.Ordinal);

    public PrometheusPage(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        string help = "", name = "";
        foreach (string line in text[..^1].Split('\n'))
        {
            if (Help().Match(line) is { Success: true } told)
            {
                help = told.Groups["name"].Value;
                continue;
            }
            if (Type().Match(line) is { Success: true } typed)
            {
                name = typed.Groups["name"].Value;
                Assert.Equal(help, name);
                Assert.True(_types.TryAdd(name, typed.Groups["type"].Value), $"{name} has two types");
                continue;
            }
            Match sample = Sample().Match(line);
            Assert.True(sample.Success, $"not a line of the format: {line}");
            Assert.Equal(name, BaseOf(sample.Groups["name"].Value, name));
            string key = sample.Groups["name"].Value + sample.Groups["labels"].Value;
            Assert.True(_values.TryAdd(key, Number(sample.Groups["value"].Value)), $"{key} is there twice");
        }
        foreach ((string one, string type) in _types)
        {
            Assert.Equal(type == "counter", one.EndsWith("_total", StringComparison.Ordinal));
            if (type == "histogram") CheckHistogram(one);
        }
    }

    public IEnumerable<string> Names => _types.Keys;

    public string TypeOf(string name) => _types[name];

    /// <summary>With labels as they are on the page; 0 if there is none.</summary>
    public double this[string sample] => _values.GetValueOrDefault(sample);

    public bool Has(string sample) => _values.ContainsKey(sample);

    private string BaseOf(string sample, string name)
    {
        if (_types.GetValueOrDefault(name) != "histogram") return sample;
        foreach (string ending in (string[])["_bucket", "_sum", "_count"])
            if (sample == name + ending) return name;
        return sample;
    }

    /// <summary>Buckets ascend in bound and count, the last is infinite and has all.</summary>
    private void CheckHistogram(string name)
    {
        foreach (IGrouping<string, (double Bound, double Count)> series in Buckets(name))
        {
            (double Bound, double Count)[] buckets = [.. series.OrderBy(static bucket => bucket.Bound)];
            for (int i = 1; i < buckets.Length; i++) Assert.True(buckets[i].Count >= buckets[i - 1].Count, series.Key);
            Assert.Equal(double.PositiveInfinity, buckets[^1].Bound);
            string labels = series.Key.Length == 0 ? "" : $"{{{series.Key}}}";
            Assert.Equal(buckets[^1].Count, _values[$"{name}_count{labels}"]);
            Assert.True(_values.ContainsKey($"{name}_sum{labels}"));
        }
    }

    private IEnumerable<IGrouping<string, (double Bound, double Count)>> Buckets(string name) =>
        from sample in _values
        where sample.Key.StartsWith($"{name}_bucket{{", StringComparison.Ordinal)
        let bucket = Bucket().Match(sample.Key)
        group (Number(bucket.Groups["bound"].Value), sample.Value) by bucket.Groups["labels"].Value;

    private static double Number(string text) =>
        text == "+Inf" ? double.PositiveInfinity : double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\A# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\]|\\\\|\\n)*\z")]
    private static partial Regex Help();

    [GeneratedRegex(@"\A# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)\z")]
    private static partial Regex Type();

    [GeneratedRegex(@"\A(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)" +
        @"(?<labels>\{[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\\n]|\\[\\""n])*""" +
        @"(?:,[a-zA-Z_][a-zA-Z0-9_]*=""(?:[^""\\\n]|\\[\\""n])*"")*\})? " +
        @"(?<value>[+-]?(?:[0-9.]+(?:E[+-]?[0-9]+)?|Inf)|NaN)\z")]
    private static partial Regex Sample();

    [GeneratedRegex(@"_bucket\{(?:(?<labels>.*),)?le=""(?<bound>[^""]+)""\}\z")]
    private static partial Regex Bucket();
}
