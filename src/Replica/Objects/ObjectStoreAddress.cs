using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;

namespace Deterministic.Replica.Objects;

/// <summary>Names an object store: <c>dir:PATH</c> or
/// <c>s3://BUCKET[/PREFIX][?endpoint=URL&amp;region=NAME&amp;path-style=true|false]</c>. Credentials are never part of
/// it.</summary>
internal sealed class ObjectStoreAddress
{
    public const string Forms = "dir:PATH or s3://BUCKET/PREFIX[?endpoint=URL&region=NAME&path-style=true]";

    private const string DirectoryScheme = "dir:";
    private const string S3Scheme = "s3://";
    private const int PrefixMax = 500;

    private readonly string _text;

    private ObjectStoreAddress(string text) => _text = text;

    /// <summary>Of a directory store.</summary>
    public string? Path { get; private init; }

    /// <summary>Of an S3 store.</summary>
    public S3Settings? S3 { get; private init; }

    public override string ToString() => _text;

    /// <summary>The place in the same store that has this name below the one that this address names.</summary>
    public ObjectStoreAddress Under(string name)
    {
        Check.That(IsPrefix(name) && Path is null != S3 is null);
        int end = S3 is null ? -1 : _text.IndexOf('?', StringComparison.Ordinal);
        if (end < 0) end = _text.Length;
        return new ObjectStoreAddress($"{_text[..end].TrimEnd('/')}/{name}{_text[end..]}")
        {
            Path = Path is null ? null : System.IO.Path.Combine(Path, name),
            S3 = S3 is null ? null : S3 with { Prefix = $"{S3.Prefix}{name}/" },
        };
    }

    /// <summary>Null and an error text for what is not an address.</summary>
    public static ObjectStoreAddress? TryParse(string text, out string error)
    {
        error = "";
        if (text.StartsWith(S3Scheme, StringComparison.Ordinal))
        {
            S3Settings? settings = TryParseS3(text, out error);
            return settings is null ? null : new ObjectStoreAddress(text) { S3 = settings };
        }
        if (!text.StartsWith(DirectoryScheme, StringComparison.Ordinal))
            error = $"\"{text}\" is not the address of an object store; write {Forms}";
        else if (text.Length == DirectoryScheme.Length)
            error = $"\"{text}\" names no folder; write dir:PATH, such as dir:/var/lib/deterministic/objects";
        else
            return new ObjectStoreAddress(text) { Path = text[DirectoryScheme.Length..] };
        return null;
    }

    /// <summary>Null and an error text if the store cannot be used as far as this machine can tell.</summary>
    public ThreadedObjectStore? TryOpen(WakeSignal wake, out string error)
    {
        Check.That(Path is null != S3 is null);
        return S3 is null
            ? DirectoryObjectStore.TryOpen(Path!, wake, out error)
            : S3ObjectStore.TryOpen(S3, wake, out error);
    }

    private static S3Settings? TryParseS3(string text, out string error)
    {
        string rest = text[S3Scheme.Length..];
        int question = rest.IndexOf('?', StringComparison.Ordinal);
        string query = question < 0 ? "" : rest[(question + 1)..];
        string path = question < 0 ? rest : rest[..question];
        int slash = path.IndexOf('/', StringComparison.Ordinal);
        string bucket = slash < 0 ? path : path[..slash];
        string prefix = slash < 0 ? "" : path[(slash + 1)..].TrimEnd('/');
        if (!IsBucket(bucket))
            error = $"{text}: \"{bucket}\" cannot be a bucket's name; those have 3 to 63 of a-z, 0-9, dot and hyphen";
        else if (!IsPrefix(prefix))
            error = $"{text}: \"{prefix}\" cannot be a prefix; use letters, digits, and . _ - with single slashes "
                + $"between, at most {PrefixMax} in all";
        else
            return TryReadOptions(text, query, new S3Settings(bucket) { Prefix = prefix + (prefix == "" ? "" : "/") },
                out error);
        return null;
    }

    private static S3Settings? TryReadOptions(string text, string query, S3Settings settings, out string error)
    {
        error = "";
        SortedSet<string> seen = new(StringComparer.Ordinal);
        bool? pathStyle = null;
        foreach (string option in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? option : option[..equals];
            string value = equals < 0 ? "" : option[(equals + 1)..];
            if (!seen.Add(name)) error = $"{text}: {name} is given twice";
            else if (name == "endpoint" && TryReadEndpoint(value, out Uri? endpoint))
                settings = settings with { Endpoint = endpoint };
            else if (name == "endpoint")
                error = $"{text}: endpoint \"{value}\" is not like http://HOST:PORT or https://HOST";
            else if (name == "region" && IsRegion(value)) settings = settings with { Region = value };
            else if (name == "region") error = $"{text}: region \"{value}\" is not like eu-central-1";
            else if (name == "path-style" && value is "true" or "false") pathStyle = value == "true";
            else if (name == "path-style") error = $"{text}: path-style is true or false, not \"{value}\"";
            else error = $"{text}: there is no option \"{name}\"; there are endpoint, region and path-style";
            if (error.Length > 0) return null;
        }
        // Servers other than Amazon's rarely have a name for each bucket.
        return settings with { PathStyle = pathStyle ?? settings.Endpoint is not null };
    }

    private static bool TryReadEndpoint(string text, out Uri? endpoint) =>
        Uri.TryCreate(text, UriKind.Absolute, out endpoint)
        && endpoint.Scheme is "http" or "https" && endpoint.UserInfo.Length == 0 && endpoint.PathAndQuery == "/"
        && endpoint.Fragment.Length == 0;

    private static bool IsBucket(string name)
    {
        if (name.Length is < 3 or > 63) return false;
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('.' or '-')) return false;
        }
        return char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1]);
    }

    private static bool IsRegion(string name)
    {
        foreach (char c in name)
        {
            if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-') return false;
        }
        return name.Length > 0;
    }

    private static bool IsPrefix(string prefix)
    {
        if (prefix.Length > PrefixMax) return false;
        char before = '/';
        foreach (char c in prefix)
        {
            bool allowed = char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/';
            if (!allowed || before == '/' && c is '/' or '.') return false;
            before = c;
        }
        return true;
    }
}
