using System;
using System.Runtime.InteropServices;
using Deterministic.Core.Memory;

namespace Deterministic.Replica.Io;

/// <summary>The few calls of libc that .NET has no way to ask for: direct I/O, advisory locks, preallocation.</summary>
internal static partial class Libc
{
    public const int ReadOnly = 0;
    public const int ReadWrite = 2;
    public const int Create = 0x40;
    public const int Exclusive = 0x80;
    public const int DataSync = 0x1000;
    public const int CloseOnExec = 0x80000;

    public const int ErrorPermission = 1;
    public const int ErrorNoEntry = 2;
    public const int ErrorInterrupted = 4;
    public const int ErrorAccess = 13;
    public const int ErrorExists = 17;
    public const int ErrorInvalid = 22;
    public const int ErrorNoSpace = 28;
    public const int ErrorReadOnly = 30;
    public const int ErrorNotSupported = 95;
    public const int ErrorQuota = 122;

    private const int NotNeeded = 4;
    private const int LockShared = 1;
    private const int LockExclusive = 2;
    private const int LockNonBlocking = 4;

    /// <summary>O_DIRECT differs by architecture; 0 where this program does not know it, which means buffered
    /// I/O.</summary>
    public static int Direct => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 0x4000,
        Architecture.Arm64 => 0x10000,
        _ => 0,
    };

    public static int TryLock(int descriptor) => Flock(descriptor, LockExclusive | LockNonBlocking);

    /// <summary>Waits until the lock is there; it goes with the descriptor. 0 or an error number.</summary>
    public static int Lock(int descriptor, bool exclusive)
    {
        while (Flock(descriptor, exclusive ? LockExclusive : LockShared) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != ErrorInterrupted) return error;
        }
        return 0;
    }

    /// <summary>Lets the system take the whole pages of a part of anonymous memory, which then reads as
    /// zeroes.</summary>
    public static unsafe void GiveBack(NativeBuffer part)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint start = unchecked((nuint)part.Pointer + page - 1) / page * page;
        nuint end = unchecked((nuint)part.Pointer + (nuint)part.Length) / page * page;
        // It is advice: where it is not taken, the memory stays in use.
        if (end > start) _ = Advise((void*)start, end - start, NotNeeded);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static unsafe partial int Advise(void* start, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Synchronize(int descriptor);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    /// <summary>A second name for a file; fails if something has that name.</summary>
    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string from, string to);

    /// <summary>Writes several buffers one behind the other; the number of bytes written, or -1.</summary>
    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    public static unsafe partial nint WriteMany(int descriptor, IoVector* buffers, int count, long offset);

    [LibraryImport("libc", EntryPoint = "posix_fallocate")]
    public static partial int Allocate(int descriptor, long offset, long length);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(int descriptor, int operation);
}

/// <summary>The C struct iovec.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    public byte* Start;
    public nuint Length;
}
