using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage;
using Microsoft.Win32.SafeHandles;

namespace Deterministic.StorageBenchmark;

/// <summary>A file without the kernel's page cache, where the file system allows it. Writes (neighbours as one) and
/// reads ahead go to a few threads at once, as RocksDB has its background job; of reads that the caller waits for, one
/// alone is made by the caller itself, and several are made side by side. Completions are delivered when the caller
/// asks.</summary>
internal sealed unsafe partial class DirectDisk : IDisk, IDisposable
{
    private const int Threads = 4;
    private const int JoinedMax = 16;
    private const int ReadWrite = 2;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int CloseOnExec = 0x80000;
    private const int OwnerReadWrite = 0x180;

    private readonly SafeFileHandle _file;
    private readonly Queue<Request> _unsent = new();
    private readonly Queue<Request> _sent = new();
    private readonly Queue<(uint Token, IoResult Result)> _done = new();
    private readonly Thread[] _threads = new Thread[Threads];
    private int _underWay;
    private bool _closed;

    public DirectDisk(string path)
    {
        int flags = ReadWrite | Create | Exclusive | CloseOnExec;
        IsDirect = true;
        int descriptor = Open(path, flags | DirectFlag, OwnerReadWrite);
        if (descriptor < 0)
        {
            IsDirect = false;
            descriptor = Open(path, flags & ~Exclusive, OwnerReadWrite);
        }
        if (descriptor < 0) throw new IOException($"{path}: {Marshal.GetLastPInvokeErrorMessage()}");
        _file = new SafeFileHandle(descriptor, ownsHandle: true);
        for (int i = 0; i < Threads; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true };
            _threads[i].Start();
        }
    }

    public bool IsDirect { get; }

    private static int DirectFlag => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    public void Read(uint token, long offset, NativeBuffer buffer) =>
        _unsent.Enqueue(new Request(token, offset, buffer, Writes: false));

    public void Write(uint token, long offset, NativeBuffer buffer) =>
        _unsent.Enqueue(new Request(token, offset, buffer, Writes: true));

    /// <summary>Starts everything asked for, and delivers what has ended meanwhile.</summary>
    public void Start(Forest forest)
    {
        Send();
        Deliver(forest);
    }

    /// <summary>Waits until something has ended, and delivers it.</summary>
    public void Wait(Forest forest)
    {
        if (_unsent.Count == 0 && _underWay == 0) throw new InvalidOperationException($"stuck: {forest.Problem}");
        if (_underWay == 0 && _unsent.Count == 1)
        {
            Request request = _unsent.Dequeue();
            forest.OnCompletion(request.Token, Execute(request));
            return;
        }
        Send();
        lock (_sent)
            while (_done.Count == 0) Monitor.Wait(_sent);
        Deliver(forest);
    }

    public void Dispose()
    {
        lock (_sent)
        {
            _closed = true;
            Monitor.PulseAll(_sent);
        }
        foreach (Thread thread in _threads) thread.Join();
        _file.Dispose();
    }

    private void Send()
    {
        if (_unsent.Count == 0) return;
        lock (_sent)
        {
            while (_unsent.TryDequeue(out Request request))
            {
                _sent.Enqueue(request);
                _underWay++;
            }
            Monitor.PulseAll(_sent);
        }
    }

    private void Deliver(Forest forest)
    {
        while (_underWay > 0)
        {
            (uint Token, IoResult Result) done;
            lock (_sent)
                if (!_done.TryDequeue(out done)) return;
            _underWay--;
            forest.OnCompletion(done.Token, done.Result);
        }
    }

    private void Work()
    {
        Request[] requests = new Request[JoinedMax];
        while (true)
        {
            int count;
            lock (_sent)
            {
                while ((count = Take(requests)) == 0)
                {
                    if (_closed) return;
                    Monitor.Wait(_sent);
                }
            }
            IoResult result = count == 1 ? Execute(requests[0]) : WriteJoined(requests.AsSpan(0, count));
            lock (_sent)
            {
                for (int i = 0; i < count; i++) _done.Enqueue((requests[i].Token, result));
                Monitor.PulseAll(_sent);
            }
        }
    }

    /// <summary>The next request, and after a write those that go on where it ends.</summary>
    private int Take(Span<Request> requests)
    {
        int count = 0;
        while (count < requests.Length && _sent.TryPeek(out Request next))
        {
            if (count > 0 && !(requests[count - 1].Writes && next.Writes)) break;
            if (count > 0 && requests[count - 1].End != next.Offset) break;
            requests[count++] = _sent.Dequeue();
        }
        return count;
    }

    private IoResult WriteJoined(ReadOnlySpan<Request> requests)
    {
        Part* parts = stackalloc Part[JoinedMax];
        long size = 0;
        for (int i = 0; i < requests.Length; i++)
        {
            parts[i] = new Part { Pointer = requests[i].Buffer.Pointer, Size = (nuint)requests[i].Buffer.Length };
            size += requests[i].Buffer.Length;
        }
        int descriptor = (int)_file.DangerousGetHandle();
        return WriteParts(descriptor, parts, requests.Length, requests[0].Offset) == size
            ? IoResult.Ok : IoResult.WriteFailed;
    }

    private IoResult Execute(in Request request)
    {
        try
        {
            Span<byte> bytes = request.Buffer.Span;
            if (request.Writes) RandomAccess.Write(_file, bytes, request.Offset);
            else bytes[RandomAccess.Read(_file, bytes, request.Offset)..].Clear();
            return IoResult.Ok;
        }
        catch (IOException)
        {
            return request.Writes ? IoResult.WriteFailed : IoResult.ReadFailed;
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "pwritev")]
    private static partial nint WriteParts(int descriptor, Part* parts, int count, long offset);

    private struct Part
    {
        public byte* Pointer;
        public nuint Size;
    }

    private readonly record struct Request(uint Token, long Offset, NativeBuffer Buffer, bool Writes)
    {
        public long End => Offset + Buffer.Length;
    }
}
