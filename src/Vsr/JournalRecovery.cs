using System;
using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>What is known about one slot after both rings were read. Bits that make no sense together (a reserved
/// header that is not readable) may be set; the table does not look at them then.</summary>
[Flags]
public enum SlotFacts : ushort
{
    None = 0,
    HeaderOk = 1 << 0,
    HeaderReserved = 1 << 1,
    PrepareOk = 1 << 2,
    PrepareReserved = 1 << 3,

    /// <summary>No readable prepare has a greater op within the limit.</summary>
    PrepareIsHead = 1 << 4,

    /// <summary>The op is beyond what the superblock's checkpoint allows to be in the journal.</summary>
    PrepareAboveLimit = 1 << 5,
    HeaderAboveLimit = 1 << 6,
    ChecksumsEqual = 1 << 7,
    OpsEqual = 1 << 8,
    HeaderOlder = 1 << 9,
    ViewsEqual = 1 << 10,
}

public enum SlotDecision : byte
{
    /// <summary>Never held anything.</summary>
    Empty,

    /// <summary>Both rings agree.</summary>
    Keep,

    /// <summary>The prepare is right; its redundant header has to be written again.</summary>
    Fix,

    /// <summary>Belongs to a turn of the ring that this superblock cannot have allowed: drop it.</summary>
    Cut,

    /// <summary>May have held an acknowledged entry: get it from other replicas.</summary>
    Repair,

    /// <summary>May have held an acknowledged entry and there is nobody to ask.</summary>
    Abort,

    /// <summary>Abort, unless the slot is just beyond the head and its header shows that the write had not
    /// finished.</summary>
    AbortUnlessTorn,
}

/// <summary>One line of the table: applies if all of <see cref="Set"/> and none of <see cref="Clear"/> hold.</summary>
public readonly struct SlotRule(char name, SlotFacts set, SlotFacts clear, SlotDecision many, SlotDecision one)
{
    public char Name { get; } = name;
    public SlotFacts Set { get; } = set;
    public SlotFacts Clear { get; } = clear;

    /// <summary>The decision in a cluster of several replicas.</summary>
    public SlotDecision Many { get; } = many;

    /// <summary>The decision of a single replica.</summary>
    public SlotDecision One { get; } = one;

    public bool Matches(SlotFacts facts) => (facts & Set) == Set && (facts & Clear) == 0;
}

/// <summary>The decision over a journal slot as data. Exactly one rule applies to every combination of facts.</summary>
public static class JournalRecovery
{
    private const SlotFacts HO = SlotFacts.HeaderOk;
    private const SlotFacts HR = SlotFacts.HeaderReserved;
    private const SlotFacts PO = SlotFacts.PrepareOk;
    private const SlotFacts PR = SlotFacts.PrepareReserved;
    private const SlotFacts PH = SlotFacts.PrepareIsHead;
    private const SlotFacts PL = SlotFacts.PrepareAboveLimit;
    private const SlotFacts HL = SlotFacts.HeaderAboveLimit;
    private const SlotFacts CE = SlotFacts.ChecksumsEqual;
    private const SlotFacts OE = SlotFacts.OpsEqual;
    private const SlotFacts OLD = SlotFacts.HeaderOlder;
    private const SlotFacts VE = SlotFacts.ViewsEqual;

    private static readonly SlotRule[] RulesTable =
    [
        // Both unreadable; or the header says that something was, or may have been, here and the prepare is unreadable.
        new('A', 0, HO | PO, SlotDecision.Repair, SlotDecision.Abort),
        new('B', HO | HR, PO, SlotDecision.Repair, SlotDecision.AbortUnlessTorn),
        new('C', HO, HR | PO, SlotDecision.Repair, SlotDecision.AbortUnlessTorn),

        // The header is unreadable. A single replica writes in sequence, so the prepare stands for itself; in a
        // cluster only at the head can the crash have cut the header's write.
        new('D', PO | PR, HO, SlotDecision.Repair, SlotDecision.Fix),
        new('E', PO, HO | PR | PL | PH, SlotDecision.Repair, SlotDecision.Fix),
        new('F', PO | PH, HO | PR | PL, SlotDecision.Fix, SlotDecision.Fix),
        new('G', HO | HR | PO, PR | PL, SlotDecision.Fix, SlotDecision.Fix),

        // Beyond the limit. A single replica never writes there, so for it this is damage.
        new('H', PO | PL, PR, SlotDecision.Cut, SlotDecision.Abort),
        new('I', HO | HL | PO, HR | PR | PL, SlotDecision.Cut, SlotDecision.Abort),
        new('J', HO | HL | PO | PR, HR, SlotDecision.Cut, SlotDecision.Abort),

        new('K', HO | PO | PR, HR | HL, SlotDecision.Repair, SlotDecision.AbortUnlessTorn),
        new('L', HO | HR | PO | PR, 0, SlotDecision.Empty, SlotDecision.Empty),

        // Both hold an entry within the limit, and the entries differ.
        new('M', HO | PO | OLD, HR | PR | PL | HL | CE | OE, SlotDecision.Fix, SlotDecision.Fix),
        new('N', HO | PO, HR | PR | PL | HL | CE | OE | OLD, SlotDecision.Repair, SlotDecision.Abort),
        new('O', HO | PO | OE, HR | PR | PL | HL | CE | VE, SlotDecision.Repair, SlotDecision.Abort),
        new('Q', HO | PO | OE | VE, HR | PR | PL | HL | CE, SlotDecision.Repair, SlotDecision.Abort),

        new('P', HO | PO | CE, HR | PR | PL | HL, SlotDecision.Keep, SlotDecision.Keep),
    ];

    public static ReadOnlySpan<SlotRule> Rules => RulesTable;

    public static ref readonly SlotRule Decide(SlotFacts facts)
    {
        for (int i = 0; i < RulesTable.Length; i++)
        {
            if (RulesTable[i].Matches(facts)) return ref RulesTable[i];
        }
        Check.Unreachable();
        return ref RulesTable[0];
    }
}
