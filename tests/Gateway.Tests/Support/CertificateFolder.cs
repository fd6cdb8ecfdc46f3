using System;
using System.IO;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>Files of self-made certificates, removed in the end.</summary>
internal sealed class CertificateFolder : IDisposable
{
    private static readonly DateTimeOffset _begin = DateTimeOffset.UtcNow.AddDays(-1);
    private static readonly DateTimeOffset _end = _begin.AddDays(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deterministic-tls-");

    public string CertificateFile => Path.Combine(_folder.FullName, "server.pem");
    public string KeyFile => Path.Combine(_folder.FullName, "server-key.pem");

    /// <summary>Writes a new certificate and its key; the thumbprint is returned.</summary>
    public string Write()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request(key);
        using X509Certificate2 certificate = request.CreateSelfSigned(_begin, _end);
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }

    /// <summary>The same, signed by another one, which a root has signed and which stands behind it in the file; its
    /// thumbprint is returned.</summary>
    public string WriteChain()
    {
        using ECDsa rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 root = Authority("CN=root", rootKey).CreateSelfSigned(_begin, _end);
        using ECDsa issuerKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 bare = Authority("CN=between", issuerKey).Create(root, _begin, _end, [1, 2]);
        using X509Certificate2 issuer = bare.CopyWithPrivateKey(issuerKey);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = Request(key).Create(issuer, _begin, _end, [1, 2, 3]);
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem() + "\n" + issuer.ExportCertificatePem());
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem());
        return issuer.Thumbprint;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        CertificateRequest request = new(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request;
    }

    private static CertificateRequest Request(ECDsa key)
    {
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        return request;
    }
}
