using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Deterministic.Replica.Io;

/// <summary>The calls of Linux by which one thread waits for many descriptors.</summary>
internal static unsafe partial class Epoll
{
    public const uint In = 1;
    public const uint Out = 4;
    public const uint Failed = 8;
    public const uint Closed = 0x10;
    public const uint PeerClosed = 0x2000;
    public const uint EdgeTriggered = 0x80000000;
    public const int Add = 1;
    public const int CloseOnExec = 0x80000;
    public const int NonBlocking = 0x800;

    /// <summary>Of the C struct epoll_event, which has no padding on x64 only.</summary>
    public static int EventSize => IsPacked ? 12 : 16;

    private static bool IsPacked => RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static int TokenOffset => IsPacked ? 4 : 8;

    public static void Fill(byte* change, uint events, int token)
    {
        Unsafe.WriteUnaligned(change, events);
        Unsafe.WriteUnaligned(change + TokenOffset, (long)token);
    }

    public static int TokenOf(byte* events, int index) =>
        (int)Unsafe.ReadUnaligned<long>(events + (nint)index * EventSize + TokenOffset);

    public static bool HasEnded(byte* events, int index) =>
        (Unsafe.ReadUnaligned<uint>(events + (nint)index * EventSize) & (Failed | Closed | PeerClosed)) != 0;

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int Control(int poll, int operation, int descriptor, byte* change);

    /// <summary>How many descriptors are ready; -1 if a signal came first.</summary>
    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    public static partial int Wait(int poll, byte* events, int eventsMax, int milliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int NewEvent(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "read")]
    public static partial nint Read(int descriptor, void* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "write")]
    public static partial nint Write(int descriptor, void* bytes, nuint count);
}
