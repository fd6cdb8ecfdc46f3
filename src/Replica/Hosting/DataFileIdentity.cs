using System;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Deterministic.Core;
using Deterministic.Replica.Io;
using Deterministic.Vsr;

namespace Deterministic.Replica.Hosting;

/// <summary>Finds out from a data file whose it is and how it is laid out, before anything is built for it.</summary>
internal static class DataFileIdentity
{
    /// <summary>What no other data file is made with.</summary>
    public static UInt128 NewNonce() =>
        BinaryPrimitives.ReadUInt128LittleEndian(RandomNumberGenerator.GetBytes(16));

    /// <param name="file">The data file.</param>
    /// <param name="start">What the caller expects.</param>
    /// <param name="id">What no other data file has.</param>
    /// <param name="error">Why null.</param>
    public static ReplicaOptions? TryRead(DataFile file, StartOptions start, out UInt128 id, out string error)
    {
        id = 0;
        using DataFileSource source = new(file);
        SuperblockReport report = DataFileInspection.Superblock(source, start.ReleaseMax);
        error = $"{file.Path}: {StopReasons.Text(report.Problem)}";
        if (report.Problem != StopReason.None) return null;
        if (start.Cluster is UInt128 wanted && wanted != report.Working.Cluster)
        {
            error = $"{file.Path}: the data file belongs to cluster {report.Working.Cluster}, " +
                $"not to cluster {wanted}; check --cluster and the path";
            return null;
        }
        ulong seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8));
        int standbys = int.Clamp(start.Addresses.Count - report.Working.ReplicaCount, 0, Limits.StandbysMax);
        ReplicaOptions options = report.Options(seed, start.ReleaseMax, (byte)standbys);
        long expected = new DataFileLayout(options.Configuration).Size;
        error = $"{file.Path}: the file is {file.Length:N0} bytes long, its superblock says {expected:N0} bytes: " +
            "it was cut or copied incompletely; restore it from a backup";
        if (file.Length != expected) return null;
        error = "";
        id = report.Working.ReplicaId;
        return options;
    }
}
