using System;
using System.Globalization;
using System.IO;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Deterministic.Fuzz;

/// <summary>Sends requests to a gateway and reads answers strictly: a status below 500, a length that is kept, JSON
/// that is JSON. A server that is silent for <see cref="Patience"/> hangs.</summary>
internal sealed class HttpConnection(IPEndPoint server) : IDisposable
{
    private const int Patience = 30_000;

    private readonly byte[] _buffer = new byte[64 << 10];
    private Socket? _socket;
    private int _start;
    private int _end;

    /// <summary>The status; 0 if the server closed the connection without a word, as it may to what is no
    /// request.</summary>
    /// <exception cref="InvalidDataException">With what is wrong with the answer.</exception>
    public int Ask(HttpInput input)
    {
        if (!input.IsWhole) Dispose();
        try
        {
            Open();
            Send(input);
            int status = Read(input, out bool closes);
            if (closes || !input.IsWhole) Dispose();
            return status;
        }
        catch (EndOfStreamException) when (!input.IsWhole)
        {
            Dispose();
            return 0;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.TimedOut)
        {
            throw new InvalidDataException($"no answer within {Patience} ms");
        }
        catch (SocketException) when (!input.IsWhole)
        {
            Dispose();
            return 0;
        }
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
        _start = 0;
        _end = 0;
    }

    private void Open()
    {
        if (_socket is not null) return;
        _socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true, ReceiveTimeout = Patience, SendTimeout = Patience,
        };
        _socket.Connect(server);
    }

    private void Send(HttpInput input)
    {
        for (ReadOnlySpan<byte> left = input.Bytes; !left.IsEmpty;) left = left[_socket!.Send(left)..];
        // What is not whole would be waited for otherwise.
        if (!input.IsWhole) _socket!.Shutdown(SocketShutdown.Send);
    }

    private int Read(HttpInput input, out bool closes)
    {
        int status = ReadHead(out int length, out closes, out string type, out bool isCompressed);
        while (status is >= 100 and < 200) status = ReadHead(out length, out closes, out type, out isCompressed);
        // A version of HTTP that is none is told as such.
        bool isExpected = status is >= 200 and < 500 || (status == 505 && !input.IsWhole);
        if (!isExpected) throw new InvalidDataException($"status {status}");
        if (!input.WantsBody && input.IsWhole) return status;
        if (length < 0) throw new InvalidDataException("an answer without a length");
        byte[] body = new byte[length];
        try
        {
            for (int i = 0; i < length; i++) body[i] = Next();
        }
        catch (EndOfStreamException) when (!input.IsWhole)
        {
            // It may have become a request for the head alone.
            return status;
        }
        if (type.StartsWith("application/json", StringComparison.Ordinal)) Parse(isCompressed ? Expand(body) : body);
        return status;
    }

    private int ReadHead(out int length, out bool closes, out string type, out bool isCompressed)
    {
        string[] first = Line().Split(' ');
        if (first.Length < 2 || first[0] != "HTTP/1.1" || !int.TryParse(first[1], out int status))
            throw new InvalidDataException($"\"{string.Join(' ', first)}\" is no status");
        length = -1;
        closes = false;
        isCompressed = false;
        type = "";
        for (string line = Line(); line.Length > 0; line = Line())
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0) throw new InvalidDataException($"\"{line}\" is no header");
            string value = line[(colon + 1)..].Trim();
            switch (line[..colon].ToLowerInvariant())
            {
                case "content-length": length = int.Parse(value, CultureInfo.InvariantCulture); break;
                case "connection": closes = value == "close"; break;
                case "content-type": type = value; break;
                case "content-encoding": isCompressed = value == "gzip"; break;
            }
        }
        return status;
    }

    private static void Parse(byte[] body)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(body);
        }
        catch (JsonException)
        {
            throw new InvalidDataException($"an answer that is no JSON: {Encoding.UTF8.GetString(body)}");
        }
    }

    private static byte[] Expand(byte[] body)
    {
        using MemoryStream to = new();
        using GZipStream from = new(new MemoryStream(body), CompressionMode.Decompress);
        from.CopyTo(to);
        return to.ToArray();
    }

    private string Line()
    {
        StringBuilder line = new();
        while (true)
        {
            byte one = Next();
            if (one == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)one);
        }
    }

    private byte Next()
    {
        if (_start == _end)
        {
            _start = 0;
            _end = _socket!.Receive(_buffer);
            if (_end == 0) throw new EndOfStreamException("the server closed the connection");
        }
        return _buffer[_start++];
    }
}
