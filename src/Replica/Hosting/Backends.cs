using Deterministic.Accel;

namespace Deterministic.Replica.Hosting;

/// <summary>Chooses the vector kernels by name.</summary>
internal static class Backends
{
    /// <param name="name">Null for the widest that this machine has.</param>
    public static bool TrySelect(string? name, out ComputeBackend? backend, out string error)
    {
        error = "";
        if (name is null)
        {
            backend = ComputeBackends.Select();
            return true;
        }
        BackendVerdict verdict = ComputeBackends.Select(name, out backend);
        if (verdict == BackendVerdict.Ready) return true;
        error = $"--backend: \"{name}\" is {verdict switch
        {
            BackendVerdict.NotSupported => "not supported by this CPU",
            BackendVerdict.Refused => "refused: it failed its known-answer test on this machine",
            _ => "not a backend",
        }}; choose one of {string.Join(", ", ComputeBackends.Names.ToArray())}";
        return false;
    }
}
