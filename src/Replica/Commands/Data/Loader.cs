using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands.Data;

/// <summary>Where and how a load writes.</summary>
public sealed class LoaderOptions
{
    public required string Namespace { get; init; }
    public AttributeSchema[] Schema { get; init; } = [];
    public DistanceMetric Metric { get; init; }

    /// <summary>Most documents in one write; a write is also cut where a message would be full.</summary>
    public int BatchRows { get; init; } = 1000;

    /// <summary>Bytes that a request may have.</summary>
    public int BodySizeMax { get; init; } = Configuration.Production.MessageBodySizeMax;
}

/// <summary>Upserts documents in their order over several sessions at once. A document whose id is still on its way
/// waits for that write, so the last of equal ids wins, as in the file.</summary>
public sealed class Loader(IReadOnlyList<DeterministicClient> clients, LoaderOptions options)
{
    private const int RequestOverhead = 1024;
    private const int BusyRetriesMax = 12;
    private readonly Queue<Write> _pending = new();
    private List<Row> _batch = [];
    private HashSet<Value> _ids = [];
    private int _batchSize;
    private long _batches;

    /// <summary>Documents from the first on that are durable for certain.</summary>
    public long Acknowledged { get; private set; }

    /// <param name="distinct">Whether no id can come twice.</param>
    public async Task LoadAsync(IEnumerable<Row> rows, bool distinct, CancellationToken stop)
    {
        foreach (Row row in rows)
        {
            stop.ThrowIfCancellationRequested();
            int size = RowSize(row);
            int room = options.BodySizeMax - RequestOverhead - SchemaSize();
            if (size > room)
            {
                throw new CommandException(
                    $"the document with id {row.Id} takes {size} bytes, a write has room for {room}; make it smaller");
            }
            bool again = !distinct && IsOnItsWay(row.Id);
            if (_batch.Count == options.BatchRows || _batchSize + size > room || again)
                await SendAsync(stop).ConfigureAwait(false);
            if (again) await DrainAsync().ConfigureAwait(false);
            _batch.Add(row);
            _batchSize += size;
            if (!distinct) _ids.Add(row.Id);
        }
    }

    /// <summary>Sends what is left and waits for all answers.</summary>
    public async Task FinishAsync(CancellationToken stop)
    {
        if (_batch.Count > 0) await SendAsync(stop).ConfigureAwait(false);
        await DrainAsync().ConfigureAwait(false);
    }

    private async Task SendAsync(CancellationToken stop)
    {
        // The first write makes the namespace and its schema; the others must come after it.
        bool first = _batches == 0;
        WriteRequest request = new()
        {
            Namespace = options.Namespace, Metric = options.Metric, Schema = first ? options.Schema : [],
            Upserts = _batch,
        };
        DeterministicClient client = clients[(int)(_batches++ % clients.Count)];
        _pending.Enqueue(new Write(WriteAsync(client, request, stop), _ids, _batch.Count));
        _batch = new List<Row>(_batch.Count);
        _ids = [];
        _batchSize = 0;
        while (_pending.Count >= clients.Count || (first && _pending.Count > 0))
            await OldestAsync().ConfigureAwait(false);
    }

    private static async Task WriteAsync(DeterministicClient client, WriteRequest request, CancellationToken stop)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await client.WriteAsync(request, cancellation: stop).ConfigureAwait(false);
                return;
            }
            catch (DeterministicException exception)
                when (exception.Code == ErrorCode.Busy && attempt < BusyRetriesMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10 << attempt), stop).ConfigureAwait(false);
            }
        }
    }

    private async Task DrainAsync()
    {
        while (_pending.Count > 0) await OldestAsync().ConfigureAwait(false);
    }

    private async Task OldestAsync()
    {
        Write oldest = _pending.Peek();
        await oldest.Done.ConfigureAwait(false);
        _pending.Dequeue();
        Acknowledged += oldest.Rows;
    }

    private bool IsOnItsWay(Value id)
    {
        if (_ids.Contains(id)) return true;
        foreach (Write write in _pending)
            if (write.Ids.Contains(id)) return true;
        return false;
    }

    private static int RowSize(Row row)
    {
        int size = ValueSize(row.Id) + sizeof(ushort);
        foreach (KeyValuePair<string, Value> pair in row.Attributes)
            size += sizeof(ushort) + ValueSize(pair.Value) + NameSize(pair.Key);
        return size;
    }

    /// <summary>A name counts with every row that uses it: an upper bound is enough.</summary>
    private static int NameSize(string name) => 1 + System.Text.Encoding.UTF8.GetByteCount(name);

    private int SchemaSize() => _batches > 0 ? 0 : options.Schema.Length * (Limits.AttributeNameSizeMax + 32);

    private static int ValueSize(Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null or ValueKind.False or ValueKind.True: return 1;
            case ValueKind.String: return 5 + value.AsUtf8.Length;
            case ValueKind.Uuid: return 17;
            case ValueKind.Vector: return 5 + sizeof(float) * value.AsVector.Length;
            case ValueKind.Array:
                int size = 5;
                foreach (Value element in value.AsArray) size += ValueSize(element);
                return size;
            case ValueKind.Sparse:
                int dimensions = 5;
                foreach (SparseDimension dimension in value.AsSparse)
                    dimensions += SparseDimension.SizeWithoutName + dimension.Name.Length;
                return dimensions;
            default: return 9;
        }
    }

    private sealed class Write(Task done, HashSet<Value> ids, int rows)
    {
        public Task Done => done;
        public HashSet<Value> Ids => ids;
        public int Rows => rows;
    }
}
