using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway.Security;

/// <summary>The certificate of a server, from two files in PEM: the certificate, followed by those between it and the
/// root, and its private key. Each handshake looks whether the files have changed; what does not load is told to the
/// log, and the certificate before it stays. Safe to use from many threads.</summary>
internal sealed class CertificateFiles
{
    private readonly string _certificateFile;
    private readonly string _keyFile;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private byte[] _certificateSeen = [];
    private byte[] _keySeen = [];
    private string? _problem;
    private SslServerAuthenticationOptions? _options;

    private CertificateFiles(string certificateFile, string keyFile, ILogger logger)
    {
        _certificateFile = certificateFile;
        _keyFile = keyFile;
        _logger = logger;
    }

    /// <summary>Null and an error text if they do not load.</summary>
    public static CertificateFiles? TryOpen(
        string certificateFile, string keyFile, ILogger logger, out string error)
    {
        CertificateFiles files = new(certificateFile, keyFile, logger);
        error = files.TryRefresh() ?? "";
        return error.Length == 0 ? files : null;
    }

    /// <summary>For the next handshake.</summary>
    public SslServerAuthenticationOptions Current()
    {
        lock (_lock)
        {
            string? problem = TryRefresh();
            // As long as files are not there, each handshake finds that out.
            if (problem is not null && problem != _problem) CertificateLog.NotLoaded(_logger, problem);
            _problem = problem;
            return _options!;
        }
    }

    /// <summary>Null if the files are as they were, or load; what does not load is told once.</summary>
    private string? TryRefresh()
    {
        try
        {
            byte[] certificate = File.ReadAllBytes(_certificateFile);
            byte[] key = File.ReadAllBytes(_keyFile);
            bool same = certificate.AsSpan().SequenceEqual(_certificateSeen) && key.AsSpan().SequenceEqual(_keySeen);
            if (same) return null;
            (_certificateSeen, _keySeen) = (certificate, key);
            bool first = _options is null;
            _options = Load(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key));
            if (!first) CertificateLog.Changed(_logger, _certificateFile);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
            or CryptographicException or ArgumentException)
        {
            return $"the TLS certificate {_certificateFile} with the key {_keyFile} does not load: {exception.Message}";
        }
    }

    private static SslServerAuthenticationOptions Load(string certificate, string key)
    {
        X509Certificate2 own = X509Certificate2.CreateFromPem(certificate, key);
        X509Certificate2Collection chain = [];
        chain.ImportFromPem(certificate);
        chain.RemoveAt(0);
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(own, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = new List<SslApplicationProtocol> { SslApplicationProtocol.Http11 },
            AllowRenegotiation = false,
        };
    }
}

internal static partial class CertificateLog
{
    [LoggerMessage(120, LogLevel.Error, "{Problem}; the certificate before it stays")]
    public static partial void NotLoaded(ILogger logger, string problem);

    [LoggerMessage(121, LogLevel.Information, "the TLS certificate is the one that is in {File} now")]
    public static partial void Changed(ILogger logger, string file);
}
