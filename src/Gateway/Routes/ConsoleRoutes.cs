using System;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Gateway.Http;
using Microsoft.Net.Http.Headers;

namespace Deterministic.Gateway.Routes;

/// <summary>The console: a page for people, which asks the same routes as every client and loads nothing from
/// anywhere else.</summary>
internal sealed class ConsoleRoutes
{
    /// <summary>What belongs to the page, beside the page itself.</summary>
    public static readonly string[] Files = ["style.css", "console.js", "charts.js", "icon.svg"];

    /// <summary>Nothing but its own files and routes, no text that becomes code, no frames, no forms that
    /// leave.</summary>
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Opening = "<html lang=\"en\"";
    private readonly byte[] _page;

    /// <param name="development">Whether any token will do, so that the page need not ask for one.</param>
    public ConsoleRoutes(bool development)
    {
        string page = Encoding.UTF8.GetString(Read("index.html"));
        if (development)
            page = page.Replace(Opening, $"{Opening} data-development=\"true\"", StringComparison.Ordinal);
        _page = Encoding.UTF8.GetBytes(page);
    }

    public Task PageAsync(Exchange exchange) => AnswerAsync(exchange, "text/html; charset=utf-8", _page);

    /// <summary>Serves one of <see cref="Files"/>.</summary>
    public static Func<Exchange, Task> Serve(string file)
    {
        byte[] content = Read(file);
        string contentType = Path.GetExtension(file) switch
        {
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            _ => throw new ArgumentException($"{file} is of no known type"),
        };
        return exchange => AnswerAsync(exchange, contentType, content);
    }

    private static byte[] Read(string file) => Resource.Read($"console/{file}");

    private static Task AnswerAsync(Exchange exchange, string contentType, byte[] content)
    {
        exchange.SetHeader(HeaderNames.ContentSecurityPolicy, Policy);
        exchange.SetHeader("referrer-policy", "no-referrer");
        exchange.SetHeader(HeaderNames.CacheControl, "no-cache");
        return exchange.AnswerAsync(contentType, content);
    }
}
