using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Gateway.Security;

namespace Deterministic.Replica.Commands;

/// <summary><c>keys</c>: API keys of the HTTP gateways in front of a cluster.</summary>
public static class KeysCommand
{
    private const string Help = """
        Creates, lists and revokes the API keys that HTTP gateways ask for. They are kept by the cluster, without their
        secrets; gateways hear of changes within seconds.

        Example:
          deterministic keys create --name ingest --scopes read,write --prefix prod-
          deterministic keys list
          deterministic keys revoke 3k2v9x0a1b2c
        """;

    private const string SaidOnce = "This is the only time that the token is shown; it cannot be had again.";

    /// <summary>Another id is as free as can be.</summary>
    private const int AttemptsMax = 3;

    public static Command Create()
    {
        Command command = new("keys", Help);
        command.Subcommands.Add(CreateCreate());
        command.Subcommands.Add(CreateList());
        command.Subcommands.Add(CreateRevoke());
        return command;
    }

    private static Option<bool> Json() => new("--json") { Description = "Print JSON." };

    private static Command CreateCreate()
    {
        Command command = new("create", "Creates a key and prints its token, this once.");
        Option<string> name = new("--name")
        {
            Description = $"What it is for; up to {Limits.KeyNameSizeMax} bytes.", HelpName = "TEXT",
            DefaultValueFactory = _ => "",
        };
        Option<string> scopes = new("--scopes")
        {
            Description = "What it may do: read, write, admin (everything), or several with commas.",
            HelpName = "SCOPES", DefaultValueFactory = _ => "read",
        };
        Option<string> prefix = new("--prefix")
        {
            Description = "Only for namespaces whose names start with this; empty: for all.", HelpName = "TEXT",
            DefaultValueFactory = _ => "",
        };
        Option<uint> rate = new("--requests-per-second")
        {
            Description = "What each gateway lets it send at most; 0: no limit.", HelpName = "N",
            DefaultValueFactory = _ => 0,
        };
        Option<bool> json = Json();
        foreach (Option option in (Option[])[name, scopes, prefix, rate, json]) command.Options.Add(option);
        new ConnectionOptions().Attach(command, (parse, client) =>
        {
            string text = parse.GetValue(scopes)!;
            if (!KeyScopeNames.TryParse(text, out KeyScopes parsed))
                throw new UsageException($"--scopes: \"{text}\" is not of read, write and admin, with commas between");
            ApiKey key = new()
            {
                Id = "", Hash = [], Name = Short(parse.GetValue(name)!, Limits.KeyNameSizeMax, "--name"),
                Prefix = Short(parse.GetValue(prefix)!, Limits.NamespaceNameSizeMax, "--prefix"), Scopes = parsed,
                RequestsPerSecond = parse.GetValue(rate),
            };
            return CreateAsync(client, key, parse.GetValue(json));
        });
        return command;
    }

    private static Command CreateList()
    {
        Command command = new("list", "Lists all keys, without their secrets, which nobody knows.");
        Option<bool> json = Json();
        command.Options.Add(json);
        new ConnectionOptions().Attach(command, (parse, client) => ListAsync(client, parse.GetValue(json)));
        return command;
    }

    private static Command CreateRevoke()
    {
        Command command = new("revoke", "Revokes a key for good. Gateways refuse it within seconds.");
        Argument<string> id = new("ID") { Description = "As `keys list` has it." };
        Option<bool> json = Json();
        command.Arguments.Add(id);
        command.Options.Add(json);
        new ConnectionOptions().Attach(command, (parse, client) =>
            RevokeAsync(client, Short(parse.GetValue(id)!, byte.MaxValue, "ID"), parse.GetValue(json)));
        return command;
    }

    private static string Short(string text, int sizeMax, string what) =>
        Encoding.UTF8.GetByteCount(text) <= sizeMax ? text
            : throw new UsageException($"{what} is longer than {sizeMax} bytes");

    private static async Task<int> CreateAsync(DeterministicClient client, ApiKey like, bool json)
    {
        for (int attempt = 1; ; attempt++)
        {
            string token = ApiToken.Create(out string id, out byte[] hash);
            try
            {
                CreateKeyReply reply = await client.CreateKeyAsync(Of(like, id, hash, createdAt: 0))
                    .ConfigureAwait(false);
                PrintNew(Of(like, id, hash, reply.CreatedAt), token, json);
                return ExitCode.Ok;
            }
            catch (DeterministicException exception)
                when (exception.Code == ErrorCode.KeyExists && attempt < AttemptsMax)
            {
                // Somebody has drawn the same id.
            }
        }
    }

    private static ApiKey Of(ApiKey like, string id, byte[] hash, ulong createdAt) => new()
    {
        Id = id, Hash = hash, Name = like.Name, Prefix = like.Prefix, Scopes = like.Scopes,
        RequestsPerSecond = like.RequestsPerSecond, CreatedAt = createdAt,
    };

    private static async Task<int> ListAsync(DeterministicClient client, bool json)
    {
        List<ApiKey> keys = [];
        ListKeysReply page;
        do
        {
            string last = keys.Count > 0 ? keys[^1].Id : "";
            page = await client.ListKeysAsync(new ListKeysRequest { Cursor = last }).ConfigureAwait(false);
            keys.AddRange(page.Keys);
        }
        while (page.More && page.Keys.Count > 0);
        if (json)
        {
            ConnectionOptions.Print(writer =>
            {
                writer.WriteStartObject();
                writer.WriteStartArray("keys");
                foreach (ApiKey key in keys) Write(writer, key, token: null);
                writer.WriteEndArray();
                writer.WriteEndObject();
            });
            return ExitCode.Ok;
        }
        foreach (ApiKey key in keys) Console.Out.WriteLine(Line(key));
        if (keys.Count == 0) await Console.Error.WriteLineAsync("there are no keys").ConfigureAwait(false);
        return ExitCode.Ok;
    }

    private static async Task<int> RevokeAsync(DeterministicClient client, string id, bool json)
    {
        await client.RevokeKeyAsync(id).ConfigureAwait(false);
        if (!json)
        {
            Console.Out.WriteLine($"revoked {id}");
            return ExitCode.Ok;
        }
        ConnectionOptions.Print(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("revoked", id);
            writer.WriteEndObject();
        });
        return ExitCode.Ok;
    }

    private static void PrintNew(ApiKey key, string token, bool json)
    {
        if (json)
        {
            ConnectionOptions.Print(writer => Write(writer, key, token));
            return;
        }
        Console.Out.WriteLine(Line(key));
        Console.Out.WriteLine(token);
        Console.Error.WriteLine(SaidOnce);
    }

    private static string Line(ApiKey key)
    {
        string rate = key.RequestsPerSecond > 0 ? $"{key.RequestsPerSecond}/s" : "no limit";
        return $"{key.Id}  {Time(key)}  {KeyScopeNames.Of(key.Scopes),-16}  {rate,-10}  {key.Prefix}*  {key.Name}";
    }

    private static void Write(Utf8JsonWriter writer, ApiKey key, string? token)
    {
        writer.WriteStartObject();
        writer.WriteString("id", key.Id);
        if (token is not null) writer.WriteString("token", token);
        writer.WriteString("name", key.Name);
        writer.WriteStartArray("scopes");
        foreach (string scope in KeyScopeNames.List(key.Scopes)) writer.WriteStringValue(scope);
        writer.WriteEndArray();
        writer.WriteString("prefix", key.Prefix);
        writer.WriteNumber("requests_per_second", key.RequestsPerSecond);
        writer.WriteString("created_at", Time(key));
        writer.WriteEndObject();
    }

    private static string Time(ApiKey key) =>
        DateTime.UnixEpoch.AddTicks((long)(key.CreatedAt / TimeSpan.NanosecondsPerTick))
            .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
