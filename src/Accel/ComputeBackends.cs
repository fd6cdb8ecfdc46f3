using System;
using Deterministic.Accel.Simd;
using Deterministic.Core;

namespace Deterministic.Accel;

/// <summary>What became of a backend that was asked for by name.</summary>
public enum BackendVerdict
{
    Ready = 0,
    UnknownName = 1,

    /// <summary>This machine lacks the instructions.</summary>
    NotSupported = 2,

    /// <summary>An answer differed from the definition's.</summary>
    Refused = 3,
}

/// <summary>Chooses the backend at start. None serves before it has answered the <see cref="KnownAnswers"/> with the
/// bits of the definition.</summary>
public static class ComputeBackends
{
    /// <summary>All names, the widest first and the definition last.</summary>
    public static ReadOnlySpan<string> Names => _names;

    private static readonly string[] _names = ["simd512", "simd256", "simd128", "scalar"];

    /// <summary>The widest backend that agrees with the definition. A machine on which the definition itself does not
    /// give its known answers is unfit, and fails a check.</summary>
    public static ComputeBackend Select()
    {
        Check.That(KnownAnswers.MachineIsFit());
        foreach (string name in _names)
        {
            if (Select(name, out ComputeBackend? backend) == BackendVerdict.Ready) return backend!;
        }
        Check.Unreachable("the definition agrees with itself");
        return null!;
    }

    /// <summary>The backend of that name, if it can serve here.</summary>
    public static BackendVerdict Select(string name, out ComputeBackend? backend)
    {
        backend = null;
        ComputeBackend? candidate;
        switch (name)
        {
            case "simd512": candidate = Create<Lanes512, Bytes512>(); break;
            case "simd256": candidate = Create<Lanes256, Bytes256>(); break;
            case "simd128": candidate = Create<Lanes128, Bytes128>(); break;
            case "scalar": candidate = new ScalarBackend(); break;
            default: return BackendVerdict.UnknownName;
        }
        if (candidate is null) return BackendVerdict.NotSupported;
        Check.That(candidate.Name == name);
        if (!KnownAnswers.Agree(candidate)) return BackendVerdict.Refused;
        backend = candidate;
        return BackendVerdict.Ready;
    }

    private static SimdBackend<TLanes, TBytes>? Create<TLanes, TBytes>()
        where TLanes : struct, ILanes<TLanes>
        where TBytes : struct, IBytes<TBytes> => TLanes.IsSupported ? new SimdBackend<TLanes, TBytes>() : null;
}
