namespace Deterministic.Simulator.Linearizability;

/// <summary>One operation as its client saw it, with its result once there is one. Times are of one clock, or numbers
/// of events; calls and returns at the same time count as concurrent.</summary>
internal struct Invocation<TOperation>
{
    /// <summary>A return that nobody saw: the operation may take effect at any time after its call, or never.</summary>
    public const ulong Never = ulong.MaxValue;

    /// <summary>What the operation is about. Operations on different keys do not see each other.</summary>
    public required int Key { get; init; }
    public required int Client { get; init; }
    public required ulong CalledAt { get; init; }
    public required TOperation Operation { get; set; }
    public ulong ReturnedAt { get; set; }

    public readonly bool HasReturned => ReturnedAt != Never;
}
