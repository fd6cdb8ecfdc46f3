using System;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.ClusterBenchmark;

/// <summary>Makes requests, one after the other.</summary>
internal interface IHttpWorkCaller : IDisposable
{
    void Prepare(HttpWork work, byte[][] bodies);

    /// <summary>Ends when the answer is there.</summary>
    /// <param name="body">Which of the prepared ones.</param>
    Task CallAsync(int body);
}

/// <summary>The binary client, which has read the JSON before: small writes share a session and so a message, each
/// caller has a reader.</summary>
internal sealed class BinaryCaller(ClientOptions options, DeterministicClient client) : IHttpWorkCaller
{
    private readonly DeterministicReader _reader = new(options);
    private Func<int, Task> _call = static _ => Task.CompletedTask;

    public void Prepare(HttpWork work, byte[][] bodies)
    {
        const string name = HttpRequestBodies.Namespace;
        if (work == HttpWork.Query)
        {
            ParsedQuery[] queries = Array.ConvertAll(bodies, static body => QueryRequestJson.Parse(name, body));
            ReadBounds bounds = new(ReadConsistency.Strong);
            _call = i => _reader.QueryAsync(queries[i].Request, bounds);
            return;
        }
        WriteRequest[] writes = Array.ConvertAll(bodies, static body => WriteRequestJson.Parse(name, body));
        _call = i => client.WriteAsync(writes[i]);
    }

    public Task CallAsync(int body) => _call(body);

    public void Dispose() => _reader.Dispose();
}

/// <summary>The same through a gateway, over a connection of its own.</summary>
internal sealed class HttpCaller(HttpClient http) : IHttpWorkCaller
{
    private string _path = "";
    private byte[][] _bodies = [];

    public void Prepare(HttpWork work, byte[][] bodies)
    {
        _bodies = bodies;
        _path = $"/v2/namespaces/{HttpRequestBodies.Namespace}{(work == HttpWork.Query ? "/query" : "")}";
    }

    public async Task CallAsync(int body)
    {
        using ByteArrayContent content = new(_bodies[body]);
        using HttpResponseMessage response = await http.PostAsync(_path, content);
        byte[] answer = await response.Content.ReadAsByteArrayAsync();
        if (response.IsSuccessStatusCode) return;
        throw new InvalidOperationException($"{response.StatusCode}: {Encoding.UTF8.GetString(answer)}");
    }

    public void Dispose()
    {
        // The connections are the client's.
    }
}
