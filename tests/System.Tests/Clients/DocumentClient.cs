using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Linearizability;

namespace Deterministic.SystemTests.Clients;

/// <summary>One client that reads and changes documents one after the other and records what it sees. Every value that
/// it writes is written once.</summary>
internal sealed class DocumentClient(DeterministicClient client, int number, HistoryRecorder recorder, ulong seed)
{
    public const int Namespaces = 3;
    public const int DocumentsPerNamespace = 6;
    private const string Attribute = "value";
    private const long ValuesPerClient = 10_000_000;

    private readonly Prng _prng = Prng.For(seed, (ulong)number);
    private readonly long?[] _seen = new long?[Namespaces * DocumentsPerNamespace];
    private long _written;

    /// <summary>Makes the namespaces, with a document that no client uses.</summary>
    public async Task PrepareAsync()
    {
        for (int i = 0; i < Namespaces; i++)
        {
            await client.WriteAsync(new WriteRequest
            {
                Namespace = Name(i), Upserts = [new Row { Id = Value.Of(1000ul) }.With(Attribute, Value.Of(-1L))],
                Schema = [new() { Name = Attribute, Type = AttributeType.Int }],
            });
        }
    }

    /// <summary>Goes on until it is stopped, whatever happens to replicas.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int key = _prng.Below(_seen.Length);
            await DoAsync(key, Draw(key));
        }
    }

    public async Task ReadAllAsync()
    {
        for (int key = 0; key < _seen.Length; key++)
            await DoAsync(key, new DocumentOperation { Kind = DocumentKind.Read });
    }

    public async Task WriteAsync(int key) =>
        await DoAsync(key, new DocumentOperation { Kind = DocumentKind.Upsert, Value = NextValue() });

    private DocumentOperation Draw(int key)
    {
        long? expected = _prng.Below(2) == 0 ? null : _seen[key];
        return _prng.Below(10) switch
        {
            < 4 => new DocumentOperation { Kind = DocumentKind.Read },
            < 7 => new DocumentOperation { Kind = DocumentKind.Upsert, Value = NextValue(), Expected = expected },
            < 9 => new DocumentOperation { Kind = DocumentKind.Patch, Value = NextValue(), Expected = expected },
            _ => new DocumentOperation { Kind = DocumentKind.Delete, Expected = expected },
        };
    }

    private long NextValue() => number * ValuesPerClient + ++_written;

    private async Task DoAsync(int key, DocumentOperation operation)
    {
        int index = recorder.Call(key, number, operation);
        try
        {
            DocumentOperation done = operation.Kind == DocumentKind.Read
                ? operation with { Value = await ReadAsync(key) }
                : operation with { Affected = await ChangeAsync(key, operation) };
            recorder.Return(index, done);
            if (done.Kind == DocumentKind.Read) _seen[key] = done.Value;
            else if (done.Affected > 0) _seen[key] = done.Kind == DocumentKind.Delete ? null : done.Value;
        }
        catch (ConnectionException)
        {
            recorder.Forget(index);
        }
        catch (Exception exception) when (exception is SessionEvictedException or RequestTimeoutException)
        {
            recorder.GiveUp();
        }
    }

    private async Task<long?> ReadAsync(int key)
    {
        QueryReply reply = await client.QueryAsync(new QueryRequest
        {
            Namespace = Name(key / DocumentsPerNamespace),
            Queries =
            [
                new Query
                {
                    Filter = Filter.Compare("id", FilterOperator.Eq, IdOf(key)), Limit = 2, Include = IncludeMode.All,
                    RankBy = RankBy.OrderBy(("id", false)),
                },
            ],
        });
        List<ResultRow> rows = reply.Results[0].Rows;
        return rows.Count == 0 ? null : rows.Single().Attributes.Single(pair => pair.Key == Attribute).Value.AsInt;
    }

    private async Task<int> ChangeAsync(int key, DocumentOperation operation)
    {
        Filter? condition = operation.Expected is long expected
            ? Filter.Compare(Attribute, FilterOperator.Eq, Value.Of(expected)) : null;
        Row row = new() { Id = IdOf(key) };
        if (operation.Value is long value) row.With(Attribute, Value.Of(value));
        WriteReply reply = await client.WriteAsync(new WriteRequest
        {
            Namespace = Name(key / DocumentsPerNamespace),
            Upserts = operation.Kind == DocumentKind.Upsert ? [row] : [],
            UpsertCondition = operation.Kind == DocumentKind.Upsert ? condition : null,
            Patches = operation.Kind == DocumentKind.Patch ? [row] : [],
            PatchCondition = operation.Kind == DocumentKind.Patch ? condition : null,
            Deletes = operation.Kind == DocumentKind.Delete ? [IdOf(key)] : [],
            DeleteCondition = operation.Kind == DocumentKind.Delete ? condition : null,
        });
        return (int)reply.RowsAffected;
    }

    private static string Name(int index) => $"documents-{index}";

    private static Value IdOf(int key) => Value.Of((ulong)(key % DocumentsPerNamespace));
}
