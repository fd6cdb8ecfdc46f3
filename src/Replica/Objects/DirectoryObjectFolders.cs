using System;
using System.IO;
using System.Runtime.InteropServices;
using Deterministic.Replica.Io;
using Microsoft.Win32.SafeHandles;

namespace Deterministic.Replica.Objects;

/// <summary>The folders of a directory store: <c>objects</c>, <c>unfinished/NAME</c> for each process with the store
/// open, and the file <c>lock</c> that orders conditional puts among all of them.</summary>
internal sealed class DirectoryObjectFolders : IDisposable
{
    private const string OwnerName = "owner";
    private const int OwnerReadWrite = 0x1A4; // rw-r--r--

    private readonly string _path;
    private readonly string _lockPath;
    private SafeFileHandle? _objects;
    private SafeFileHandle? _owner;

    private DirectoryObjectFolders(string path)
    {
        _path = path;
        Objects = Path.Combine(path, "objects");
        Unfinished = Path.Combine(path, "unfinished", Guid.NewGuid().ToString("n"));
        _lockPath = Path.Combine(path, "lock");
    }

    public string Objects { get; }

    /// <summary>Of this process.</summary>
    public string Unfinished { get; }

    public static DirectoryObjectFolders? TryOpen(string path, out string error)
    {
        DirectoryObjectFolders folders = new(Path.GetFullPath(path));
        try
        {
            folders.Open();
            error = "";
            return folders;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            folders.Dispose();
            error = $"dir:{path}: cannot be used as an object store: {exception.Message}";
            return null;
        }
    }

    private void Open()
    {
        Directory.CreateDirectory(Objects);
        _objects = OpenFile(Objects, Libc.ReadOnly | Libc.CloseOnExec);
        Synchronize(_path);
        Synchronize(Path.GetDirectoryName(_path) ?? _path);
        // A folder without a held owner's lock is a dead process's, so making one and removing others is exclusive.
        using SafeFileHandle locked = Lock(exclusive: true);
        Directory.CreateDirectory(Unfinished);
        foreach (string folder in Directory.GetDirectories(Path.GetDirectoryName(Unfinished)!))
        {
            SafeFileHandle owner = OpenFile(
                Path.Combine(folder, OwnerName), Libc.ReadWrite | Libc.Create | Libc.CloseOnExec);
            bool mine = folder == Unfinished;
            bool abandoned = Libc.TryLock((int)owner.DangerousGetHandle()) == 0;
            if (mine)
            {
                _owner = owner;
                continue;
            }
            if (abandoned) Directory.Delete(folder, recursive: true);
            owner.Dispose();
        }
    }

    /// <summary>Shared for what replaces, adds or removes an object; exclusive for what looks first and then
    /// replaces.</summary>
    public SafeFileHandle Lock(bool exclusive)
    {
        SafeFileHandle file = OpenFile(_lockPath, Libc.ReadWrite | Libc.Create | Libc.CloseOnExec);
        int result = Libc.Lock((int)file.DangerousGetHandle(), exclusive);
        if (result == 0) return file;
        file.Dispose();
        throw new IOException($"{_lockPath}: {Marshal.GetPInvokeErrorMessage(result)}", result);
    }

    private static void Synchronize(string folder)
    {
        using SafeFileHandle handle = OpenFile(folder, Libc.ReadOnly | Libc.CloseOnExec);
        Require(Libc.Synchronize((int)handle.DangerousGetHandle()), folder);
    }

    /// <summary>Makes names durable.</summary>
    public void SynchronizeObjects() => Require(Libc.Synchronize((int)_objects!.DangerousGetHandle()), Objects);

    /// <summary>Turns the error of a call of libc into the exception that .NET throws for it.</summary>
    public static void Require(int result, string path)
    {
        if (result == 0) return;
        int error = Marshal.GetLastPInvokeError();
        string message = $"{path}: {Marshal.GetPInvokeErrorMessage(error)}";
        throw error switch
        {
            Libc.ErrorNoEntry => new DirectoryNotFoundException(message),
            Libc.ErrorAccess or Libc.ErrorPermission => new UnauthorizedAccessException(message),
            _ => new IOException(message, error),
        };
    }

    private static SafeFileHandle OpenFile(string path, int flags)
    {
        int descriptor = Libc.Open(path, flags, OwnerReadWrite);
        Require(descriptor < 0 ? descriptor : 0, path);
        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    public void Dispose()
    {
        try
        {
            if (_owner is not null) Directory.Delete(Unfinished, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next process that opens the store removes it.
        }
        _owner?.Dispose();
        _objects?.Dispose();
    }
}
