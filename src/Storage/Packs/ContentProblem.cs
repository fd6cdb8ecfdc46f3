namespace Deterministic.Storage.Packs;

/// <summary>What is wrong with bytes that came from an object store.</summary>
public enum ContentProblem : byte
{
    None = 0,

    /// <summary>It ends too early, or goes on after its end.</summary>
    WrongSize = 1,

    /// <summary>Something else than what was asked for.</summary>
    WrongMagic = 2,

    /// <summary>Written by a release that this one does not know.</summary>
    WrongVersion = 3,

    /// <summary>Of another cluster.</summary>
    WrongCluster = 4,

    /// <summary>Another one of its kind: its number or checksum is not the one that names it.</summary>
    WrongIdentity = 5,

    /// <summary>Damaged.</summary>
    WrongChecksum = 6,

    /// <summary>The checksum is right and a field is impossible.</summary>
    WrongField = 7,

    /// <summary>It does not fit the memory set aside for it.</summary>
    TooLarge = 8,
}
