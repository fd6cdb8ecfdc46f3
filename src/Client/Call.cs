using System;
using System.Buffers;
using System.Threading.Tasks;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>Bytes lent from the shared pool.</summary>
internal readonly struct PooledBytes(byte[] array, int size)
{
    public ReadOnlySpan<byte> Span => array.AsSpan(0, size);
    public int Size => size;

    public static PooledBytes Copy(ReadOnlySpan<byte> bytes)
    {
        byte[] array = ArrayPool<byte>.Shared.Rent(Math.Max(1, bytes.Length));
        bytes.CopyTo(array);
        return new PooledBytes(array, bytes.Length);
    }

    public void Return() => ArrayPool<byte>.Shared.Return(array);
}

internal delegate void BodyWriter(ref WireWriter writer);

/// <summary>One call that waits for its answer. The pump alone touches <see cref="Body"/>.</summary>
internal sealed class Call(Operation operation, PooledBytes body, bool alone)
{
    private readonly TaskCompletionSource<PooledBytes> _answer =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary><see cref="Core.Wire.Operation.Reserved"/> stands for a ping.</summary>
    public Operation Operation { get; } = operation;
    public PooledBytes Body { get; } = body;

    /// <summary>Shares a message with no other.</summary>
    public bool Alone { get; } = alone;
    public Task<PooledBytes> Answer => _answer.Task;

    /// <summary>Nobody waits any more.</summary>
    public bool Abandoned => _answer.Task.IsCompleted;

    public void Succeed(ReadOnlySpan<byte> reply)
    {
        PooledBytes copy = PooledBytes.Copy(reply);
        if (!_answer.TrySetResult(copy)) copy.Return();
    }

    public void Fail(Exception exception) => _answer.TrySetException(exception);
    public void Abandon() => _answer.TrySetCanceled();
}
