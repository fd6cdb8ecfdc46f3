using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Xunit;

namespace Deterministic.Client.Tests.Sessions;

/// <summary>Calls that wait while a request is in flight travel together.</summary>
public sealed class BatchTests
{
    [Fact]
    public async Task WaitingCallsShareOneMessageAndEachGetsItsOwnAnswer()
    {
        using ManualResetEventSlim release = new();
        await using ScriptedServer server = new();
        server.Execute = request => Run(request, release);
        await using DeterministicClient client = new(server.Options());
        Task first = client.DeleteNamespaceAsync("first");
        await RegisteredAsync(server, client);
        Task<Exception>[] calls = Enumerable.Range(0, 20)
            .Select(i => Record.ExceptionAsync(() => client.DeleteNamespaceAsync($"n{i}"))).ToArray()!;
        release.Set();
        await first;
        Exception?[] answers = await Task.WhenAll(calls);
        for (int i = 0; i < answers.Length; i++)
        {
            if (i % 2 == 0) Assert.Null(answers[i]);
            else Assert.Equal($"n{i}", Assert.IsType<DeterministicException>(answers[i]).Message);
        }
        Assert.True(server.Executed.Count < 22);
        Assert.Contains(server.Executed, request => request.Header.Request.Operation == Operation.Batch);
    }

    [Fact]
    public async Task ABatchNeverExceedsAMessage()
    {
        using ManualResetEventSlim release = new();
        await using ScriptedServer server = new();
        server.Execute = request => Run(request, release);
        ClientOptions options = server.Options();
        await using DeterministicClient client = new(options);
        Task first = client.DeleteNamespaceAsync("first");
        await RegisteredAsync(server, client);
        List<Task> calls = [];
        for (int i = 0; i < 10; i++)
        {
            WriteRequest write = new() { Namespace = $"n{2 * i}" };
            write.Upserts.Add(new Row { Id = Value.Of(1UL) }.With("text", Value.Of(new string('x', 6000))));
            calls.Add(Record.ExceptionAsync(() => client.WriteAsync(write)));
        }
        release.Set();
        await first;
        await Task.WhenAll(calls);
        int parts = 0;
        foreach (SeenRequest request in server.Executed.Skip(2))
        {
            Assert.True(request.Header.Size <= options.MessageSizeMax);
            parts += request.Header.Request.Operation == Operation.Batch ? new WireReader(request.Body).U16() : 1;
        }
        Assert.Equal(10, parts);
    }

    [Fact]
    public async Task APartWhoseAnswerDidNotFitIsAskedAlone()
    {
        using ManualResetEventSlim release = new();
        await using ScriptedServer server = new();
        server.Execute = request => request.Header.Request.Operation == Operation.Batch
            ? Batch(request.Body, _ => ScriptedServer.Error(ErrorCode.ReplyTooLarge, "too large"))
            : Run(request, release);
        await using DeterministicClient client = new(server.Options());
        Task first = client.DeleteNamespaceAsync("first");
        await RegisteredAsync(server, client);
        Task[] calls = [client.DeleteNamespaceAsync("n0"), client.DeleteNamespaceAsync("n2")];
        release.Set();
        await first;
        await Task.WhenAll(calls);
        Assert.Equal(2, server.Executed.Count(request =>
            request.Header.Request.Operation == Operation.DeleteNamespace && request.Body[1] == 'n'));
    }

    /// <summary>Waits until the first call is the one in flight, by means of the server alone.</summary>
    private static async Task RegisteredAsync(ScriptedServer server, DeterministicClient client)
    {
        Assert.NotNull(client);
        while (server.Connections == 0) await Task.Yield();
    }

    /// <summary>Names with an odd number are refused with their own name as the text.</summary>
    private static byte[] Run(SeenRequest request, ManualResetEventSlim release)
    {
        release.Wait(TimeSpan.FromSeconds(20));
        if (request.Header.Request.Operation == Operation.Batch) return Batch(request.Body, One);
        return One(request.Body);
    }

    private static byte[] One(byte[] body)
    {
        WireReader reader = new(body);
        string name = System.Text.Encoding.UTF8.GetString(reader.Name());
        bool odd = name[^1] % 2 == 1;
        return odd ? ScriptedServer.Error(ErrorCode.NamespaceNotFound, name) : ScriptedServer.Ok();
    }

    private static byte[] Batch(byte[] body, Func<byte[], byte[]> run)
    {
        WireReader reader = new(body);
        WireWriter writer = new(new byte[Configuration.Tiny.MessageBodySizeMax]);
        int count = reader.U16();
        writer.U16((ushort)ErrorCode.Ok);
        writer.U16(count);
        for (int i = 0; i < count; i++)
        {
            uint operation = reader.U32();
            Check.That(operation is > 127 and < 135);
            byte[] reply = run(reader.Bytes(reader.U32()).ToArray());
            writer.U32((uint)reply.Length);
            writer.Bytes(reply);
        }
        Check.That(reader.AtEnd && !writer.Overflowed);
        return writer.Written.ToArray();
    }
}
