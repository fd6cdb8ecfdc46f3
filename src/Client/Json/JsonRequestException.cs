using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>A JSON request that does not say what it must. <see cref="DeterministicException.Code"/> is Malformed
/// if the text is not JSON at all, NotSupported for what this release does not do, else what is wrong with the
/// value.</summary>
public sealed class JsonRequestException(ErrorCode code, string path, string problem, string? shape = null)
    : DeterministicException(code, path.Length == 0 ? problem : $"{path}: {problem}")
{
    /// <summary>Where, such as <c>upsert_rows[3].vector[7]</c>; empty for the whole body.</summary>
    public string Path { get; } = path;

    /// <summary>If the value has not even the right shape: what turbopuffer's decoder says then, such as <c>invalid
    /// type: map, expected a sequence</c>. Null if only its meaning is wrong.</summary>
    public string? Shape { get; } = shape;
}
