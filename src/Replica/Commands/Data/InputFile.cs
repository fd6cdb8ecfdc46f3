using System;
using System.IO;
using System.IO.Compression;

namespace Deterministic.Replica.Commands.Data;

/// <summary>A file to read, unpacked if its name ends in .gz, that knows how far the reading got.</summary>
public sealed class InputFile : IDisposable
{
    private readonly FileStream _file;

    public InputFile(string path)
    {
        if (!File.Exists(path)) throw new CommandException($"file \"{path}\" does not exist");
        Path = path;
        _file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        bool packed = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);
        Name = packed ? path[..^3] : path;
        Stream = new BufferedStream(packed ? new GZipStream(_file, CompressionMode.Decompress) : _file, 1 << 16);
    }

    public string Path { get; }

    /// <summary>The path without .gz: its end tells the format.</summary>
    public string Name { get; }
    public Stream Stream { get; }

    /// <summary>Part of the bytes on disk that has been read, 0 to 1.</summary>
    public double Progress => _file.Length == 0 ? 1 : (double)_file.Position / _file.Length;

    public bool Ends(string extension) => Name.EndsWith(extension, StringComparison.OrdinalIgnoreCase);

    public void Dispose()
    {
        Stream.Dispose();
        _file.Dispose();
    }
}
