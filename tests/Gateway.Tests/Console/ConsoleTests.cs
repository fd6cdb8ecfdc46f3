using System;
using System.IO;
using System.Net.Http;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Gateway.Tests.Support;
using Deterministic.TestSupport;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Gateway.Tests.Console;

/// <summary>The page for people. Without a Chromium the tests that need one say so and check nothing.</summary>
[Collection(RunningGateway.Collection)]
public sealed class ConsoleTests(RunningGateway gateway, ITestOutputHelper output)
{
    private const string NoBrowser = "no chromium is installed: the console was not looked at";

    /// <summary>If it names a folder, pictures of the page are put there.</summary>
    private const string PicturesVariable = "DETERMINISTIC_SCREENSHOTS";

    private const string Rows = """
        {"upsert_rows":[
          {"id":1,"title":"Field notes on lichens","price":12.5,"vector":[0.1,0.2]},
          {"id":2,"title":"A short history of salt","price":9.99,"vector":[0.3,0.1]},
          {"id":9007199254740993,"title":"Tides","price":18,"vector":[0.9,0.4]}],
         "distance_metric":"cosine_distance","schema":{"title":{"type":"string","full_text_search":true}}}
        """;

    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/console/style.css", "text/css; charset=utf-8")]
    [InlineData("/console/console.js", "text/javascript; charset=utf-8")]
    [InlineData("/console/charts.js", "text/javascript; charset=utf-8")]
    [InlineData("/console/icon.svg", "image/svg+xml")]
    public async Task ThePageAndItsFilesAreThereForAnybody(string path, string contentType)
    {
        using HttpClient anybody = new();
        using HttpResponseMessage response = await anybody.GetAsync(gateway.Url + path);
        Reply reply = await Reply.ReadAsync(response);
        Assert.Equal(200, reply.Status);
        Assert.Equal(contentType, reply.Headers["content-type"]);
        Assert.StartsWith("default-src 'none'; ", reply.Headers["content-security-policy"], StringComparison.Ordinal);
        Assert.Equal("nosniff", reply.Headers["x-content-type-options"]);
    }

    [Fact]
    public void ThePageNamesNoOtherPlace()
    {
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "src", "Gateway", "Console")))
        {
            string text = File.ReadAllText(file).Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal);
            Assert.DoesNotContain("://", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ItShowsTheClusterItsNamespacesAndAnswers()
    {
        await using Browser? browser = await Browser.TryStartAsync();
        if (browser is null)
        {
            Tool.IsMissing("chromium", NoBrowser, output);
            return;
        }
        Assert.Equal(200, (await gateway.WriteAsync("console-books", Rows)).Status);
        await browser.ViewAsync(1280, 900, dark: false);
        await browser.GoToAsync(gateway.Url);
        await browser.WaitForAsync("find('state').textContent === 'the replica answers'");
        Assert.Equal("primary", await browser.EvaluateAsync("document.querySelector('#replicas .role').textContent"));

        await TypeAsync(browser, "prefix", "console-b");
        await browser.EvaluateAsync("find('search').requestSubmit()");
        await browser.WaitForAsync("find('namespaces').tBodies[0].rows.length === 1");
        const string cells = "[...find('namespaces').tBodies[0].rows[0].cells].map(cell => cell.textContent).join('|')";
        Assert.Matches(@"^console-books\|3\|.* B\|.*title string · text.*$", await browser.EvaluateAsync(cells));

        await browser.EvaluateAsync("document.querySelector('#namespaces .name').click()");
        await browser.EvaluateAsync("find('query').requestSubmit()");
        await browser.WaitForAsync("find('timing').textContent.startsWith('3 rows · ')");
        const string ids =
            "[...document.querySelectorAll('#rows tbody tr')].map(row => row.cells[0].textContent).join()";
        Assert.Equal("1,2,9007199254740993", await browser.EvaluateAsync(ids));
        Assert.Contains("\"id\": 9007199254740993,", await browser.EvaluateAsync("find('raw').textContent"),
            StringComparison.Ordinal);

        await TypeAsync(browser, "body", "{\"limit\":0}");
        await browser.EvaluateAsync("find('query').requestSubmit()");
        await browser.WaitForAsync("find('timing').textContent.startsWith('💔 ')");
        await browser.WaitForAsync("document.querySelector('#rate .line')?.getAttribute('d').includes('L')");

        string kept = await browser.EvaluateAsync(
            "JSON.stringify([localStorage.length, sessionStorage.length, document.cookie, location.href])");
        Assert.Equal($"[0,0,\"\",\"{gateway.Url}/\"]", kept);
        Assert.All(browser.Requests, url => Assert.StartsWith(gateway.Url, url, StringComparison.Ordinal));
        // That a request was refused is an error in the browser's log, and was asked for here.
        Assert.All(browser.Problems, static problem => Assert.Contains("/query", problem, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(400, false)]
    [InlineData(400, true)]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    public async Task ItFitsNarrowAndWideScreens(int width, bool dark)
    {
        await using Browser? browser = await Browser.TryStartAsync();
        if (browser is null)
        {
            Tool.IsMissing("chromium", NoBrowser, output);
            return;
        }
        await gateway.WriteAsync("console-books", Rows);
        await browser.ViewAsync(width, 1400, dark);
        await browser.GoToAsync(gateway.Url);
        await browser.WaitForAsync("document.querySelectorAll('#namespaces .name').length > 0");
        await TypeAsync(browser, "namespace", "console-books");
        await browser.EvaluateAsync("find('query').requestSubmit()");
        await browser.WaitForAsync("find('rate-now').textContent !== '–' && document.querySelector('#rows td')");
        const string root = "document.documentElement";
        Assert.Equal("true", await browser.EvaluateAsync($"{root}.scrollWidth <= {root}.clientWidth"));
        Assert.Equal(dark ? "rgb(20, 24, 23)" : "rgb(251, 251, 249)",
            await browser.EvaluateAsync("getComputedStyle(document.body).backgroundColor"));
        if (Environment.GetEnvironmentVariable(PicturesVariable) is not string folder) return;
        // Two minutes in an instant.
        await browser.EvaluateAsync("for (let i = 0; i < 90; i++) { " +
            "push(rates, 900 + 300 * Math.sin(i / 9) + i % 7 * 20); " +
            "push(medians, 0.0008 + i % 5 / 2e4); push(tails, 0.004 + i % 11 / 4e3); } drawLoad()");
        string name = $"console-{width}-{(dark ? "dark" : "light")}.png";
        await File.WriteAllBytesAsync(Path.Combine(folder, name), await browser.ScreenshotAsync());
    }

    /// <summary>Names and values are text, whatever they look like, and whatever else has their name.</summary>
    [Fact]
    public async Task HostileNamesAndValuesAreShownAsTheyAre()
    {
        await using Browser? browser = await Browser.TryStartAsync();
        if (browser is null)
        {
            Tool.IsMissing("chromium", NoBrowser, output);
            return;
        }
        Assert.Equal(200, (await gateway.WriteAsync("hostile-console", """
            {"upsert_rows":[
              {"id":1,"constructor":"<img src=x onerror=fail()>","__proto__":"p","toString":"t"},
              {"id":2,"<script>fail()</script>":"</td><script>fail()</script>","onclick":"fail()"},
              {"id":3,"a":["</pre><b>",""]}]}
            """)).Status);
        await browser.GoToAsync(gateway.Url);
        await browser.WaitForAsync("document.querySelectorAll('#namespaces .name').length > 0");
        await TypeAsync(browser, "prefix", "hostile-console");
        await browser.EvaluateAsync("find('search').requestSubmit()");
        await browser.WaitForAsync("find('namespaces').tBodies[0].rows.length === 1");
        Assert.Contains("<script>fail()</script> string",
            await browser.EvaluateAsync("find('namespaces').textContent"), StringComparison.Ordinal);
        await browser.EvaluateAsync("document.querySelector('#namespaces .name').click()");
        await browser.EvaluateAsync("find('query').requestSubmit()");
        await browser.WaitForAsync("find('timing').textContent.startsWith('3 rows · ')");
        const string cellOf = "(row, name) => document.querySelectorAll('#rows tbody tr')[row].cells[" +
            "[...document.querySelectorAll('#rows th')].findIndex(head => head.textContent === name)].textContent";
        foreach ((int row, string name, string text) in ((int, string, string)[])
            [(0, "constructor", "<img src=x onerror=fail()>"), (0, "__proto__", "p"), (1, "constructor", ""),
                (1, "__proto__", ""), (1, "toString", ""), (1, "<script>fail()</script>",
                "</td><script>fail()</script>"), (2, "a", "[\"</pre><b>\",\"\"]")])
            Assert.Equal(text, await browser.EvaluateAsync($"({cellOf})({row}, '{name}')"));
        Assert.Equal("0", await browser.EvaluateAsync("document.querySelectorAll('main :is(img, script, b)').length"));
        Assert.Empty(browser.Problems);
    }

    [Fact]
    public async Task WhatIsWrongIsSaidUntilItIsRight()
    {
        await using Browser? browser = await Browser.TryStartAsync();
        if (browser is null)
        {
            Tool.IsMissing("chromium", NoBrowser, output);
            return;
        }
        await browser.GoToAsync(gateway.Url);
        await browser.WaitForAsync("find('state').textContent === 'the replica answers'");
        await TypeAsync(browser, "prefix", new string('p', 129));
        await browser.EvaluateAsync("find('search').requestSubmit()");
        await browser.WaitForAsync("find('problem').textContent === '💔 prefix is longer than 128 bytes'");
        // That the cluster was asked again, and answered, does not hide it.
        await browser.EvaluateAsync("poll(generation)");
        Assert.Equal("false", await browser.EvaluateAsync("find('problem').hidden"));
        await TypeAsync(browser, "prefix", "");
        await browser.EvaluateAsync("find('search').requestSubmit()");
        await browser.WaitForAsync("find('problem').hidden");

        await ConnectAsync(browser, "ключ");
        Assert.Equal("an API key has letters without accents, digits and signs only",
            await browser.EvaluateAsync("find('problem').textContent"));
        Assert.Equal("not connected", await browser.EvaluateAsync("find('state').textContent"));
        Assert.Equal("0", await browser.EvaluateAsync("document.querySelectorAll('#namespaces .name, .role').length"));
    }

    [Fact]
    public async Task WhereKeysAreWantedItAsksForOneAndShowsWhatThatMaySee()
    {
        await using Browser? browser = await Browser.TryStartAsync();
        if (browser is null)
        {
            Tool.IsMissing("chromium", NoBrowser, output);
            return;
        }
        await using GuardedGateway guarded = await GuardedGateway.StartAsync(gateway);
        await gateway.WriteAsync("console-books", Rows);
        await gateway.WriteAsync("console-secret", Rows);
        (string all, _) = await guarded.CreateKeyAsync(KeyScopes.All);
        (string some, _) = await guarded.CreateKeyAsync(KeyScopes.Read, "console-b");
        await browser.GoToAsync(guarded.Url);
        await browser.WaitForAsync("document.readyState === 'complete'");
        Assert.Equal("", await browser.EvaluateAsync("find('token').value"));
        Assert.Equal("not connected", await browser.EvaluateAsync("find('state').textContent"));

        await ConnectAsync(browser, "wrong");
        await browser.WaitForAsync("find('problem').textContent === 'the API key is not valid'");
        await ConnectAsync(browser, some);
        await browser.WaitForAsync("find('state').textContent === 'connected; this key may not see the cluster'");
        await browser.WaitForAsync("document.querySelectorAll('#namespaces .name').length === 1");
        Assert.Equal("console-books", await browser.EvaluateAsync("document.querySelector('.name').textContent"));
        await ConnectAsync(browser, all);
        await browser.WaitForAsync("find('state').textContent === 'the replica answers'");
        await browser.WaitForAsync("document.querySelectorAll('#namespaces .name').length > 1");
        await ConnectAsync(browser, "wrong");
        await browser.WaitForAsync("find('problem').textContent === 'the API key is not valid'");
        await browser.WaitForAsync("find('state').textContent === 'not connected'");
        Assert.Equal("0", await browser.EvaluateAsync("document.querySelectorAll('#namespaces .name, .role').length"));
    }

    private static async Task ConnectAsync(Browser browser, string token)
    {
        await TypeAsync(browser, "token", token);
        await browser.EvaluateAsync("find('access').requestSubmit()");
    }

    private static Task<string> TypeAsync(Browser browser, string id, string text) => browser.EvaluateAsync(
        $"find('{id}').value = {System.Text.Json.Nodes.JsonValue.Create(text)!.ToJsonString()}");
}
