using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.Timeline;

namespace Deterministic.Simulator.World;

/// <summary>How often links fail; times in ticks, 0 for never.</summary>
internal readonly struct LinkFaults(int cutInterval, int cutTicksMax, int clogInterval, int clogTicksMax)
{
    /// <summary>From the end of one cut to the next at most.</summary>
    public int CutInterval { get; } = cutInterval;
    public int CutTicksMax { get; } = cutTicksMax;

    /// <summary>From one clog to the next at most.</summary>
    public int ClogInterval { get; } = clogInterval;
    public int ClogTicksMax { get; } = clogTicksMax;
}

/// <summary>Which of the links between replicas, and between each and the clients, carry something. Cuts come and go:
/// one replica alone or the cluster in two parts, in both directions or in one. A clogged link delivers nothing until
/// it is free again, and loses nothing.</summary>
internal sealed class SimulatedLinks(
    int replicas, LinkFaults faults, TapeStream tape, Coverage coverage, Chronicle? chronicle)
{
    private const ulong TickNanoseconds = 10_000_000;

    /// <summary>By sender, then receiver; the clients are the last of both.</summary>
    private readonly bool[] _cut = new bool[(replicas + 1) * (replicas + 1)];
    private readonly ulong[] _clogged = new ulong[(replicas + 1) * (replicas + 1)];
    private int _ticksToCut = Next(faults.CutInterval, tape);
    private int _ticksToHeal;
    private int _ticksToClog = Next(faults.ClogInterval, tape);
    private bool _healed;

    /// <summary>The end of a link at which all clients are.</summary>
    public byte Clients => (byte)replicas;

    public bool IsCut(byte from, byte to) => _cut[IndexOf(from, to)];

    /// <summary>Nothing arrives on this link before.</summary>
    public ulong CloggedUntil(byte from, byte to) => _clogged[IndexOf(from, to)];

    public void Tick(ulong now)
    {
        if (_healed || replicas == 1) return;
        if (_ticksToHeal > 0 && --_ticksToHeal == 0)
        {
            System.Array.Clear(_cut);
            chronicle?.NoteRun(HappeningKind.Links, "all links work again");
            _ticksToCut = Next(faults.CutInterval, tape);
        }
        if (_ticksToCut > 0 && --_ticksToCut == 0)
        {
            Cut();
            _ticksToHeal = Next(faults.CutTicksMax, tape);
        }
        if (_ticksToClog > 0 && --_ticksToClog == 0)
        {
            _clogged[tape.Below(_clogged.Length)] = now + (ulong)Next(faults.ClogTicksMax, tape) * TickNanoseconds;
            coverage.Hit("cluster", "link clogged");
            _ticksToClog = Next(faults.ClogInterval, tape);
        }
    }

    /// <summary>The core is well connected for ever; between it and the others nothing changes any more.</summary>
    /// <param name="core">Bit i is replica i.</param>
    public void Heal(uint core)
    {
        _healed = true;
        chronicle?.NoteRun(HappeningKind.Links, "all links work again");
        System.Array.Clear(_clogged);
        System.Array.Clear(_cut);
        for (byte outsider = 0; outsider < replicas; outsider++)
        {
            if ((core >> outsider & 1) != 0) continue;
            // It hears all and cannot speak, or the other way round, or neither.
            bool hears = tape.Boolean();
            bool speaks = !hears && tape.Boolean();
            coverage.Hit("cluster", hears ? "outsider mute" : speaks ? "outsider deaf" : "outsider cut off");
            for (byte other = 0; other <= replicas; other++)
            {
                _cut[IndexOf(outsider, other)] = !speaks;
                _cut[IndexOf(other, outsider)] = !hears;
            }
        }
    }

    private static int Next(int interval, TapeStream tape) => interval == 0 ? 0 : 1 + tape.Below(interval);

    private int IndexOf(byte from, byte to)
    {
        Check.That(from <= replicas && to <= replicas);
        return from * (replicas + 1) + to;
    }

    private string Describe(uint part, int ways)
    {
        string inside = "";
        for (int end = 0; end <= replicas; end++)
            if ((part >> end & 1) != 0) inside += end == replicas ? " and the clients" : $" {end}";
        string how = ways switch { 2 => "does not reach", 3 => "hears nothing of", _ => "is cut off from" };
        return $"part{inside} {how} the rest";
    }

    private void Cut()
    {
        uint part = 1u << tape.Below(replicas);
        bool alone = tape.Boolean();
        if (!alone) part = 1 + (uint)tape.Below((1 << replicas) - 1);
        if (tape.Boolean()) part |= 1u << replicas;
        int ways = tape.Below(4);
        coverage.Hit("cluster", alone ? "replica cut off" : "cluster in two parts");
        coverage.Hit("cluster", ways < 2 ? "cut both ways" : "cut one way");
        chronicle?.NoteRun(HappeningKind.Links, Describe(part, ways));
        for (byte from = 0; from <= replicas; from++)
        {
            for (byte to = 0; to <= replicas; to++)
            {
                bool outwards = (part >> from & 1) != 0 && (part >> to & 1) == 0;
                bool inwards = (part >> from & 1) == 0 && (part >> to & 1) != 0;
                _cut[IndexOf(from, to)] = (outwards && ways != 3) || (inwards && ways != 2);
            }
        }
    }
}
