using System;
using System.Buffers.Text;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Deterministic.Replica.Hosting;

/// <summary>The memory that the process has in use, as the kernel counts it. Reading it allocates nothing.</summary>
internal sealed class ResidentMemory : IDisposable
{
    private const string StatusFile = "/proc/self/statm";
    private readonly SafeFileHandle? _file = OperatingSystem.IsLinux() ? File.OpenHandle(StatusFile) : null;

    /// <summary>Bytes; 0 where the system does not tell.</summary>
    public long Read()
    {
        if (_file is null) return 0;
        Span<byte> text = stackalloc byte[128];
        int size = RandomAccess.Read(_file, text, 0);
        // Pages of address space, then resident pages.
        ReadOnlySpan<byte> rest = text[..size];
        rest = rest[(rest.IndexOf((byte)' ') + 1)..];
        return Utf8Parser.TryParse(rest, out long pages, out _) ? pages * Environment.SystemPageSize : 0;
    }

    public void Dispose() => _file?.Dispose();
}
