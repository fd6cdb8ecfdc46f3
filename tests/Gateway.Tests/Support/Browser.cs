using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A Chromium without a window, driven over its debugging protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string Announcement = "DevTools listening on ";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly string[] Programs = ["chromium", "chromium-browser", "google-chrome"];

    private readonly System.Diagnostics.Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _calls = new();
    private readonly ConcurrentQueue<string> _problems = new();
    private readonly ConcurrentQueue<string> _requests = new();
    private Task _reading = Task.CompletedTask;
    private Task _output = Task.CompletedTask;
    private int _lastCall;

    private Browser(System.Diagnostics.Process process, string profile)
    {
        _process = process;
        _profile = profile;
    }

    /// <summary>Exceptions of the page, errors in its console, and what its policy forbade.</summary>
    public IReadOnlyCollection<string> Problems => _problems;

    /// <summary>Addresses that the page has asked.</summary>
    public IReadOnlyCollection<string> Requests => _requests;

    /// <summary>Null if none is installed.</summary>
    public static async Task<Browser?> TryStartAsync()
    {
        string profile = Directory.CreateTempSubdirectory("deterministic-browser-").FullName;
        foreach (string program in Programs)
        {
            // The sandbox needs rights that a container and root do not have; only our own page is shown.
            ProcessStartInfo start = new(program,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank",
            ])
            {
                RedirectStandardError = true, RedirectStandardOutput = true,
            };
            try
            {
                Browser browser = new(System.Diagnostics.Process.Start(start)!, profile);
                return await browser.ConnectAsync();
            }
            catch (Win32Exception)
            {
                // It is not there under this name.
            }
        }
        Directory.Delete(profile, recursive: true);
        return null;
    }

    /// <summary>Bytes are of a PNG.</summary>
    public async Task<byte[]> ScreenshotAsync()
    {
        JsonObject whole = new() { ["format"] = "png", ["captureBeyondViewport"] = true };
        return Convert.FromBase64String((string)(await CallAsync("Page.captureScreenshot", whole))["data"]!);
    }

    public Task GoToAsync(string url) => CallAsync("Page.navigate", new JsonObject { ["url"] = url });

    public async Task ViewAsync(int width, int height, bool dark)
    {
        await CallAsync("Emulation.setDeviceMetricsOverride", new JsonObject
        {
            ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = false,
        });
        await CallAsync("Emulation.setEmulatedMedia", new JsonObject
        {
            ["features"] = new JsonArray(new JsonObject
            {
                ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light",
            }),
        });
    }

    /// <summary>The value of an expression in the page, as text.</summary>
    public async Task<string> EvaluateAsync(string expression)
    {
        JsonNode answer = await CallAsync("Runtime.evaluate", new JsonObject
        {
            ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true,
        });
        Assert.True(answer["exceptionDetails"] is null, $"{expression}: {answer}");
        return answer["result"]!["value"]?.ToString() ?? "";
    }

    /// <summary>Waits until a condition holds in the page.</summary>
    public async Task WaitForAsync(string condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (await EvaluateAsync($"new Promise(done => setTimeout(() => done(!!({condition})), 20))") != "true")
        {
            if (Stopwatch.GetElapsedTime(started) < Patience) continue;
            Assert.Fail($"{condition}\n{await EvaluateAsync("document.body.innerText")}\n" +
                string.Join('\n', _problems));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        await _output;
        _socket.Dispose();
        _process.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task<Browser> ConnectAsync()
    {
        try
        {
            await TryConnectAsync();
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task TryConnectAsync()
    {
        string? line;
        do line = await _process.StandardError.ReadLineAsync();
        while (line is not null && !line.StartsWith(Announcement, StringComparison.Ordinal));
        Assert.NotNull(line);
        _output = Task.WhenAll(_process.StandardError.ReadToEndAsync(), _process.StandardOutput.ReadToEndAsync());
        Uri address = new(line[Announcement.Length..]);
        using HttpClient http = new();
        JsonNode tabs = JsonNode.Parse(await http.GetStringAsync($"http://{address.Authority}/json/list"))!;
        JsonNode tab = tabs.AsArray().First(static tab => (string?)tab!["type"] == "page")!;
        await _socket.ConnectAsync(new Uri((string)tab["webSocketDebuggerUrl"]!), CancellationToken.None);
        _reading = ReadAsync();
        foreach (string domain in (string[])["Page", "Runtime", "Network", "Log"])
            await CallAsync($"{domain}.enable", []);
    }

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters)
    {
        int id = Interlocked.Increment(ref _lastCall);
        TaskCompletionSource<JsonNode> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[id] = answer;
        JsonObject message = new() { ["id"] = id, ["method"] = method, ["params"] = parameters };
        await _socket.SendAsync(Encoding.UTF8.GetBytes(message.ToJsonString()), WebSocketMessageType.Text, true,
            CancellationToken.None);
        JsonNode said = await answer.Task.WaitAsync(Patience);
        Assert.True(said["error"] is null, $"{method}: {said}");
        return said["result"]!;
    }

    private async Task ReadAsync()
    {
        byte[] buffer = new byte[64 << 10];
        using MemoryStream message = new();
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult part =
                    await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                message.Write(buffer, 0, part.Count);
                if (part.MessageType == WebSocketMessageType.Close) return;
                if (!part.EndOfMessage) continue;
                Take(JsonNode.Parse(message.GetBuffer().AsSpan(0, (int)message.Length))!);
                message.SetLength(0);
            }
        }
        catch (WebSocketException)
        {
            // The browser has ended.
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"] is JsonNode id)
        {
            if (_calls.TryRemove((int)id, out TaskCompletionSource<JsonNode>? call)) call.TrySetResult(message);
            return;
        }
        JsonNode? parameters = message["params"];
        switch ((string?)message["method"])
        {
            case "Network.requestWillBeSent":
                _requests.Enqueue((string)parameters!["request"]!["url"]!);
                break;
            case "Runtime.exceptionThrown":
                _problems.Enqueue(parameters!.ToJsonString());
                break;
            case "Log.entryAdded" when (string?)parameters!["entry"]!["level"] == "error":
                _problems.Enqueue(parameters.ToJsonString());
                break;
        }
    }
}
