using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;

namespace Deterministic.SystemTests.Cluster;

/// <summary>A file system in memory that is soon full. Mounting takes rights that not every machine gives.</summary>
internal sealed class SmallFileSystem : IAsyncDisposable
{
    private SmallFileSystem(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Null if it may not be mounted here.</summary>
    public static async Task<SmallFileSystem?> TryMountAsync(long size)
    {
        string folder = Directory.CreateTempSubdirectory("deterministic-mount-").FullName;
        if (await RunAsync("mount", "-t", "tmpfs", "-o", $"size={size}", "none", folder) == 0)
            return new SmallFileSystem(folder);
        Directory.Delete(folder);
        return null;
    }

    /// <summary>Writes a file until nothing more fits.</summary>
    public void Fill()
    {
        byte[] block = new byte[64 << 10];
        using FileStream file = new(Path.Combine(Folder, "filler"), FileMode.CreateNew, FileAccess.Write,
            FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(block);
        }
        catch (IOException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (await RunAsync("umount", Folder) == 0) Directory.Delete(Folder);
    }

    private static async Task<int> RunAsync(string command, params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(command, arguments) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }
}
