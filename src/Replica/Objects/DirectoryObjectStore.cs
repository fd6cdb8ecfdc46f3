using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;
using Microsoft.Win32.SafeHandles;

namespace Deterministic.Replica.Objects;

/// <summary>Objects as files of a folder that any number of processes may share. An object is the file
/// <c>objects/KEY</c> with each slash of the key as a tilde; it appears by rename or link, whole and durable. What is
/// not finished lies in a folder of its process, and is removed by the next process that opens the store after that one
/// has ended. A tag is the checksum of the content.</summary>
internal sealed class DirectoryObjectStore : ThreadedObjectStore
{
    private const int ThreadCount = 4;
    private const char Slash = '~';
    private const int CopySize = 1 << 20;

    private readonly DirectoryObjectFolders _folders;
    private readonly object _uploadGate = new();
    private readonly SortedDictionary<uint, ObjectKey> _uploads = [];
    private uint _uploadLast;
    private ulong _temporaryLast;

    private DirectoryObjectStore(DirectoryObjectFolders folders, WakeSignal wake) : base(wake, ThreadCount) =>
        _folders = folders;

    /// <summary>Makes the folder if there is none. Null and an error text if it cannot be used.</summary>
    public static DirectoryObjectStore? TryOpen(string path, WakeSignal wake, out string error)
    {
        DirectoryObjectFolders? folders = DirectoryObjectFolders.TryOpen(path, out error);
        return folders is null ? null : new DirectoryObjectStore(folders, wake);
    }

    protected override ObjectResult Run(in ObjectRequest request)
    {
        try
        {
            return request.Kind switch
            {
                ObjectRequestKind.Put => Put(request),
                ObjectRequestKind.Get => Get(request),
                ObjectRequestKind.List => List(request),
                ObjectRequestKind.Delete => Delete(request),
                ObjectRequestKind.MultipartStart => StartUpload(request),
                ObjectRequestKind.MultipartPart => WritePart(request),
                ObjectRequestKind.MultipartComplete => Complete(request),
                _ => Abort(request),
            };
        }
        catch (FileNotFoundException)
        {
            return new ObjectResult { Status = ObjectStatus.NotFound };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            bool forGood = exception is UnauthorizedAccessException or DirectoryNotFoundException
                || exception.HResult is Libc.ErrorNoSpace or Libc.ErrorReadOnly or Libc.ErrorQuota;
            return Fail(forGood ? ObjectStatus.Refused : ObjectStatus.Unknown, exception.Message);
        }
    }

    protected override void Close() => _folders.Dispose();

    private ObjectResult Put(in ObjectRequest request)
    {
        string temporary = TemporaryPath();
        try
        {
            Write(temporary, request.Buffer, durable: true);
            return Publish(temporary, request.Key, request.Condition, request.Tag, TagOf(request.Buffer.Span));
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private ObjectResult Get(in ObjectRequest request)
    {
        using SafeFileHandle file = Open(PathOf(request.Key));
        long size = RandomAccess.GetLength(file);
        int wanted = (int)long.Clamp(size - request.Offset, 0, request.Buffer.Length);
        Span<byte> into = request.Buffer.Slice(0, wanted);
        ReadWhole(file, into, request.Offset);
        return new ObjectResult
        {
            Size = wanted, ObjectSize = size, Tag = wanted == size ? TagOf(into) : default,
        };
    }

    private ObjectResult List(in ObjectRequest request)
    {
        string prefix = request.Key.ToString();
        string after = request.After.ToString();
        List<string> keys = [];
        foreach (string path in Directory.EnumerateFiles(_folders.Objects))
        {
            string key = Path.GetFileName(path).Replace(Slash, '/');
            bool within = key.StartsWith(prefix, StringComparison.Ordinal);
            if (within && string.CompareOrdinal(key, after) > 0) keys.Add(key);
        }
        keys.Sort(StringComparer.Ordinal);
        ObjectListing listing = new(request.Buffer.Span);
        foreach (string key in keys)
        {
            if (!ObjectNames.TryAdd(ref listing, key)) break;
        }
        return listing.Result;
    }

    private ObjectResult Delete(in ObjectRequest request)
    {
        using (_folders.Lock(exclusive: false)) File.Delete(PathOf(request.Key));
        _folders.SynchronizeObjects();
        return default;
    }

    private ObjectResult StartUpload(in ObjectRequest request)
    {
        lock (_uploadGate)
        {
            _uploads.Add(++_uploadLast, request.Key);
            return new ObjectResult { Upload = _uploadLast };
        }
    }

    private ObjectResult WritePart(in ObjectRequest request)
    {
        if (!TryFind(request.Upload, out _)) return new ObjectResult { Status = ObjectStatus.NotFound };
        string temporary = TemporaryPath();
        Write(temporary, request.Buffer, durable: false);
        Require(Libc.Rename(temporary, PartPath(request.Upload, request.Part)), temporary);
        return new ObjectResult { Tag = TagOf(request.Buffer.Span) };
    }

    private ObjectResult Complete(in ObjectRequest request)
    {
        if (!TryFind(request.Upload, out ObjectKey key)) return new ObjectResult { Status = ObjectStatus.NotFound };
        string temporary = TemporaryPath();
        try
        {
            ObjectTag tag = Assemble(temporary, request.Upload, request.Part);
            ObjectResult result = Publish(temporary, key, request.Condition, default, tag);
            if (result.Status == ObjectStatus.Ok) Forget(request.Upload);
            return result;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private ObjectResult Abort(in ObjectRequest request)
    {
        bool known = Forget(request.Upload);
        return new ObjectResult { Status = known ? ObjectStatus.Ok : ObjectStatus.NotFound };
    }

    /// <summary>Gives a finished file its name, if the condition holds, and makes that durable. Also what a lost
    /// condition tells of must be durable before anybody acts on it.</summary>
    private ObjectResult Publish(
        string temporary, in ObjectKey key, PutCondition condition, in ObjectTag expected, in ObjectTag made)
    {
        string path = PathOf(key);
        bool held = true;
        using (_folders.Lock(exclusive: condition == PutCondition.IfMatch))
        {
            if (condition == PutCondition.IfAbsent) held = TryLink(temporary, path);
            else if (condition == PutCondition.IfMatch) held = Matches(path, expected);
            if (held && condition != PutCondition.IfAbsent) Require(Libc.Rename(temporary, path), path);
        }
        _folders.SynchronizeObjects();
        return held ? new ObjectResult { Tag = made } : new ObjectResult { Status = ObjectStatus.ConditionFailed };
    }

    private static bool TryLink(string temporary, string path)
    {
        int result = Libc.Link(temporary, path);
        if (result != 0 && Marshal.GetLastPInvokeError() == Libc.ErrorExists) return false;
        Require(result, path);
        return true;
    }

    private static bool Matches(string path, in ObjectTag expected)
    {
        if (!File.Exists(path)) return false;
        using SafeFileHandle file = Open(path);
        XxHash128 hash = new();
        CopyAll(file, hash, null, 0);
        return TagOf(hash).Bytes.SequenceEqual(expected.Bytes);
    }

    /// <summary>One durable file out of the parts.</summary>
    private ObjectTag Assemble(string path, uint upload, int parts)
    {
        XxHash128 hash = new();
        using SafeFileHandle whole = Create(path);
        long offset = 0;
        for (int part = 1; part <= parts; part++)
        {
            using SafeFileHandle file = Open(PartPath(upload, part));
            offset += CopyAll(file, hash, whole, offset);
        }
        RandomAccess.FlushToDisk(whole);
        return TagOf(hash);
    }

    /// <summary>Reads a file to its end into the hash and, if given, another file; gives its size.</summary>
    private static long CopyAll(SafeFileHandle from, XxHash128 hash, SafeFileHandle? to, long toOffset)
    {
        byte[] buffer = new byte[CopySize];
        for (long done = 0; ;)
        {
            int size = RandomAccess.Read(from, buffer, done);
            if (size == 0) return done;
            hash.Append(buffer.AsSpan(0, size));
            if (to is not null) RandomAccess.Write(to, buffer.AsSpan(0, size), toOffset + done);
            done += size;
        }
    }

    private static void Write(string path, NativeBuffer content, bool durable)
    {
        using SafeFileHandle file = Create(path);
        RandomAccess.Write(file, content.Span, 0);
        if (durable) RandomAccess.FlushToDisk(file);
    }

    private static void ReadWhole(SafeFileHandle file, Span<byte> into, long offset)
    {
        while (!into.IsEmpty)
        {
            int read = RandomAccess.Read(file, into, offset);
            if (read == 0) throw new IOException("an object became shorter while it was read");
            into = into[read..];
            offset += read;
        }
    }

    private bool TryFind(uint upload, out ObjectKey key)
    {
        lock (_uploadGate) return _uploads.TryGetValue(upload, out key);
    }

    private bool Forget(uint upload)
    {
        foreach (string part in Directory.GetFiles(_folders.Unfinished, $"part-{upload}-*")) File.Delete(part);
        lock (_uploadGate) return _uploads.Remove(upload);
    }

    /// <summary>Without the advisory lock that .NET would take: files here never change under their name.</summary>
    private static SafeFileHandle Open(string path) =>
        File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private static SafeFileHandle Create(string path) =>
        File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);

    private static void Require(int result, string path) => DirectoryObjectFolders.Require(result, path);

    private string PathOf(in ObjectKey key) => Path.Combine(_folders.Objects, key.ToString().Replace('/', Slash));

    private string PartPath(uint upload, int part) => Path.Combine(_folders.Unfinished, $"part-{upload}-{part}");

    private string TemporaryPath() =>
        Path.Combine(_folders.Unfinished, $"new-{System.Threading.Interlocked.Increment(ref _temporaryLast)}");

    private static ObjectTag TagOf(ReadOnlySpan<byte> content) => TagOf(Checksum.Of(content));

    private static ObjectTag TagOf(XxHash128 hash) => TagOf(hash.GetCurrentHashAsUInt128());

    private static ObjectTag TagOf(UInt128 checksum) => new(Encoding.ASCII.GetBytes($"{checksum:x32}"));
}
