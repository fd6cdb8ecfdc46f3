using System;
using System.IO;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Microsoft.Win32.SafeHandles;

namespace Deterministic.Replica.Io;

/// <summary>An open data file: locked against a second process, every write durable when it returns (O_DSYNC), past the
/// page cache where the file system allows it (O_DIRECT), else through it.</summary>
internal sealed unsafe class DataFile : IDisposable
{
    private const int OwnerReadWrite = 0x1A4; // rw-r--r--
    private const int ZeroesSize = 16 << 20;

    private readonly SafeFileHandle _handle;

    private DataFile(SafeFileHandle handle, string path, bool direct, long length)
    {
        _handle = handle;
        Path = path;
        IsDirect = direct;
        Length = length;
    }

    public string Path { get; }

    /// <summary>False: the file system refused O_DIRECT and the page cache stands between; writes are still
    /// durable.</summary>
    public bool IsDirect { get; }
    public long Length { get; private set; }

    /// <summary>Makes a new file of <paramref name="length"/> bytes with all its space reserved, so that a full disk is
    /// an error now and not in the middle of service. Null and an error text if that cannot be. The file is for
    /// formatting: its writes are durable only after <see cref="Synchronize"/>.</summary>
    public static DataFile? TryCreate(string path, long length, out string error)
    {
        Check.That(length > 0 && length % Limits.SectorSize == 0);
        if (File.Exists(path))
        {
            error = $"{path}: exists already; formatting would destroy it; delete it first or choose another name";
            return null;
        }
        int descriptor = Libc.Open(
            path, Libc.ReadWrite | Libc.Create | Libc.Exclusive | Libc.CloseOnExec, OwnerReadWrite);
        DataFile? file = descriptor < 0 ? null : Lock(descriptor, path, direct: false, out error);
        error = descriptor < 0 ? $"{path}: cannot create: {Marshal.GetLastPInvokeErrorMessage()}" : "";
        if (file is null) return null;
        int result = Libc.Allocate(file.Descriptor, 0, length);
        if (result == 0)
        {
            file.Length = length;
            return file;
        }
        error = result == Libc.ErrorNoSpace
            ? $"{path}: no room for {length:N0} bytes on this file system; free space or choose a smaller --state-size"
            : $"{path}: cannot reserve {length:N0} bytes: {Marshal.GetPInvokeErrorMessage(result)}";
        file.Dispose();
        File.Delete(path);
        return null;
    }

    public static DataFile? TryOpenExisting(string path, bool writable, out string error)
    {
        if (File.Exists(path)) return TryOpen(path, writable ? Libc.ReadWrite : Libc.ReadOnly, out error);
        error = $"{path}: no such file; make one with `deterministic format`";
        return null;
    }

    private static DataFile? TryOpen(string path, int flags, out string error)
    {
        flags |= Libc.DataSync | Libc.CloseOnExec;
        bool direct = Libc.Direct != 0;
        int descriptor = Libc.Open(path, direct ? flags | Libc.Direct : flags, OwnerReadWrite);
        if (descriptor < 0 && direct && Marshal.GetLastPInvokeError() is Libc.ErrorInvalid or Libc.ErrorNotSupported)
        {
            // A file made by the refused attempt must not make the second one fail.
            direct = false;
            descriptor = Libc.Open(path, flags & ~Libc.Exclusive, OwnerReadWrite);
        }
        if (descriptor < 0)
        {
            error = $"{path}: cannot open: {Marshal.GetLastPInvokeErrorMessage()}";
            return null;
        }
        return Lock(descriptor, path, direct, out error);
    }

    private static DataFile? Lock(int descriptor, string path, bool direct, out string error)
    {
        if (Libc.TryLock(descriptor) != 0)
        {
            _ = Libc.Close(descriptor);
            error = $"{path}: another process has this data file open; stop it first";
            return null;
        }
        error = "";
        SafeFileHandle handle = new(descriptor, ownsHandle: true);
        return new DataFile(handle, path, direct, RandomAccess.GetLength(handle));
    }

    private int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>False on a device error. Past the end of the file there are zeroes.</summary>
    public bool TryRead(long offset, NativeBuffer buffer)
    {
        Check.That(offset % Limits.SectorSize == 0 && buffer.Length % Limits.SectorSize == 0);
        try
        {
            for (long done = 0; done < buffer.Length;)
            {
                int size = (int)long.Min(buffer.Length - done, 1 << 30);
                int read = RandomAccess.Read(_handle, new Span<byte>(buffer.Pointer + done, size), offset + done);
                if (read == 0)
                {
                    buffer.Slice(done, (int)(buffer.Length - done)).Clear();
                    return true;
                }
                done += read;
            }
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>False if the device did not take all of it; the file is then in doubt and its replica must
    /// stop.</summary>
    public bool TryWrite(long offset, NativeBuffer buffer, out string error)
    {
        Check.That(offset % Limits.SectorSize == 0 && buffer.Length % Limits.SectorSize == 0);
        error = "";
        try
        {
            RandomAccess.Write(_handle, new ReadOnlySpan<byte>(buffer.Pointer, checked((int)buffer.Length)), offset);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error = $"{Path}: write of {buffer.Length:N0} bytes at {offset:N0} failed: {exception.Message}";
            return false;
        }
    }

    /// <summary>Writes buffers that lie one behind the other in the file, in one call where the system takes
    /// it.</summary>
    public unsafe bool TryWriteMany(long offset, ReadOnlySpan<NativeBuffer> buffers, out string error)
    {
        IoVector* vectors = stackalloc IoVector[buffers.Length];
        long size = 0;
        for (int i = 0; i < buffers.Length; i++)
        {
            vectors[i] = new IoVector { Start = buffers[i].Pointer, Length = (nuint)buffers[i].Length };
            size += buffers[i].Length;
        }
        error = "";
        if (Libc.WriteMany(Descriptor, vectors, buffers.Length, offset) == size) return true;
        // Cut short or interrupted: one by one they either go through or tell why not.
        foreach (NativeBuffer buffer in buffers)
        {
            if (!TryWrite(offset, buffer, out error)) return false;
            offset += buffer.Length;
        }
        return true;
    }

    /// <summary>Writes zeroes over a part of a file that is being made, or throws. Where space is only reserved, the
    /// first write to each place has to tell the file system so, which takes many times as long as the write.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="progress">Is told how many bytes are done.</param>
    public void WriteZeroes(long offset, long length, Action<long> progress)
    {
        Check.That(!IsDirect && offset % Limits.SectorSize == 0 && length % Limits.SectorSize == 0);
        const int flags = Libc.ReadWrite | Libc.CloseOnExec;
        // Past the page cache, which would keep other processes' pages out for a while.
        int descriptor = Libc.Open(Path, flags | Libc.Direct, 0);
        if (descriptor < 0) descriptor = Libc.Open(Path, flags, 0);
        if (descriptor < 0) throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        using SafeFileHandle handle = new(descriptor, ownsHandle: true);
        using StaticMemory memory = new();
        NativeBuffer zeroes = memory.Take(ZeroesSize, Limits.SectorSize);
        for (long done = 0; done < length;)
        {
            int size = (int)long.Min(length - done, ZeroesSize);
            RandomAccess.Write(handle, zeroes.Slice(0, size), offset + done);
            done += size;
            progress(done);
        }
    }

    /// <summary>Any bytes at any offset; for formatting only.</summary>
    public void WriteBuffered(long offset, ReadOnlySpan<byte> bytes)
    {
        Check.That(!IsDirect);
        RandomAccess.Write(_handle, bytes, offset);
    }

    /// <summary>Makes everything written, the file's size and its name in the directory durable, or throws.</summary>
    public void Synchronize()
    {
        if (Libc.Synchronize(Descriptor) != 0) throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        string directory = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) ?? "/";
        int descriptor = Libc.Open(directory, Libc.ReadOnly | Libc.CloseOnExec, 0);
        if (descriptor < 0) return;
        _ = Libc.Synchronize(descriptor);
        _ = Libc.Close(descriptor);
    }

    public void Dispose() => _handle.Dispose();
}
