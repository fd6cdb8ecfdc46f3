using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>A server that reads requests and answers each with the next line of its script, over and over the last one:
/// the bytes of an answer, after which it hangs up; nothing at all, then hanging up; or silence for as long as it
/// lives.</summary>
internal sealed class ScriptedS3Server : IDisposable
{
    public const string HangUp = "";
    public const string Silence = "silence";
    public const string Ok = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _silent = [];
    private readonly string[] _script;
    private readonly Thread _thread;
    private int _requests;

    public ScriptedS3Server(params string[] script)
    {
        _script = script;
        _listener.Start();
        _thread = new Thread(Serve) { IsBackground = true, Name = "scripted server" };
        _thread.Start();
    }

    public int Requests => Volatile.Read(ref _requests);

    public string Endpoint => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public static string Error(int status, string code)
    {
        string body = $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>scripted</Message></Error>";
        return $"HTTP/1.1 {status} Scripted\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\n" +
            $"Connection: close\r\n\r\n{body}";
    }

    private void Serve()
    {
        try
        {
            while (true)
            {
                TcpClient client = _listener.AcceptTcpClient();
                if (TryAnswer(client)) client.Dispose();
                else _silent.Add(client);
            }
        }
        catch (Exception exception) when (exception is SocketException or InvalidOperationException)
        {
            // The listener was stopped, during the call or before it.
        }
    }

    /// <summary>False if the client is left without an answer.</summary>
    private bool TryAnswer(TcpClient client)
    {
        try
        {
            return Answer(client);
        }
        catch (IOException)
        {
            // The client hung up first.
            return true;
        }
    }

    private bool Answer(TcpClient client)
    {
        NetworkStream stream = client.GetStream();
        ReadRequest(stream);
        string line = _script[int.Min(_requests, _script.Length - 1)];
        Interlocked.Increment(ref _requests);
        if (line == Silence) return false;
        stream.Write(Encoding.ASCII.GetBytes(line));
        return true;
    }

    private static void ReadRequest(NetworkStream stream)
    {
        long size = 0;
        while (ReadLine(stream) is { Length: > 0 } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string name = colon < 0 ? "" : line[..colon].ToLowerInvariant();
            if (name == "content-length") size = long.Parse(line[(colon + 1)..], CultureInfo.InvariantCulture);
            if (name == "expect") stream.Write("HTTP/1.1 100 Continue\r\n\r\n"u8);
        }
        for (; size > 0; size--) stream.ReadByte();
    }

    private static string ReadLine(Stream stream)
    {
        StringBuilder line = new();
        for (int b = stream.ReadByte(); b is not ('\n' or -1); b = stream.ReadByte()) line.Append((char)b);
        return line.ToString().TrimEnd('\r');
    }

    public void Dispose()
    {
        _listener.Stop();
        _thread.Join();
        foreach (TcpClient client in _silent) client.Dispose();
    }
}
