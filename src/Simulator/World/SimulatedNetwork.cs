using System;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Timeline;

namespace Deterministic.Simulator.World;

/// <summary>Rates of a simulated network; times in nanoseconds.</summary>
internal readonly struct NetworkFaults(
    Ratio loss, Ratio duplication, Ratio corruption, ulong delayMin, ulong delayMax, int capacity)
{
    public Ratio Loss { get; } = loss;
    public Ratio Duplication { get; } = duplication;
    public Ratio Corruption { get; } = corruption;
    public ulong DelayMin { get; } = delayMin;
    public ulong DelayMax { get; } = delayMax;

    /// <summary>Packets under way on one link at most; more are lost.</summary>
    public int Capacity { get; } = capacity;
}

/// <summary>A message under way.</summary>
/// <param name="from">A replica, or <see cref="SimulatedLinks.Clients"/>.</param>
/// <param name="to">A replica, or <see cref="SimulatedLinks.Clients"/>.</param>
/// <param name="client">Which client it is, if one is at an end.</param>
/// <param name="message">Header and body.</param>
internal readonly struct Packet(byte from, byte to, UInt128 client, byte[] message)
{
    public byte From { get; } = from;
    public byte To { get; } = to;
    public UInt128 Client { get; } = client;
    public byte[] Message { get; } = message;
}

/// <summary>Carries messages between clients and replicas and among replicas: late, twice, in another order, damaged,
/// or not at all.</summary>
internal sealed class SimulatedNetwork(
    NetworkFaults faults, SimulatedLinks links, TapeStream tape, Chronicle? chronicle)
{
    private readonly FixedPriorityQueue<Packet> _packets =
        new(faults.Capacity * (links.Clients == 1 ? 1 : (links.Clients + 1) * links.Clients));

    /// <summary>Packets under way by their link.</summary>
    private readonly int[] _underWay = new int[(links.Clients + 1) * (links.Clients + 1)];

    public ulong Now { get; set; }

    /// <summary>While set, nothing is lost by chance, damaged or doubled; delays and cuts stay.</summary>
    public bool Healed { get; set; }

    /// <summary>Requests under way, also such as a replica has passed on.</summary>
    public int Requests { get; private set; }

    /// <summary>When the next packet arrives; the greatest number if none is under way.</summary>
    public ulong NextDue => _packets.TryPeek(out ulong due) ? due : ulong.MaxValue;

    public ulong Lost { get; private set; }
    public ulong Delivered { get; private set; }

    public void Send(byte from, byte to, UInt128 client, ReadOnlySpan<byte> message)
    {
        Check.That(message.Length >= Limits.HeaderSize && from != to);
        bool lost = links.IsCut(from, to) || (!Healed && tape.Chance(faults.Loss));
        if (lost || IsFull(from, to))
        {
            Lose(from, to, client, message);
            return;
        }
        Add(from, to, client, message);
        if (!Healed && tape.Chance(faults.Duplication)) Add(from, to, client, message);
    }

    private void Lose(byte from, byte to, UInt128 client, ReadOnlySpan<byte> message)
    {
        Lost++;
        chronicle?.NoteMessage(from, to, client, message, due: 0);
    }

    private bool IsFull(byte from, byte to) => links.Clients == 1
        ? _packets.IsFull : _underWay[LinkOf(from, to)] >= faults.Capacity;

    private int LinkOf(byte from, byte to) => from * (links.Clients + 1) + to;

    private void Add(byte from, byte to, UInt128 client, ReadOnlySpan<byte> message)
    {
        byte[] bytes = message.ToArray();
        if (!Healed && tape.Chance(faults.Corruption))
        {
            ulong bit = tape.Below((ulong)bytes.Length * 8);
            bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        }
        ulong due = Now + faults.DelayMin + tape.Below(faults.DelayMax - faults.DelayMin + 1);
        due = ulong.Max(due, links.CloggedUntil(from, to));
        Packet packet = new(from, to, client, bytes);
        if (IsFull(from, to) || !_packets.TryAdd(due, packet))
        {
            Lose(from, to, client, message);
            return;
        }
        chronicle?.NoteMessage(from, to, client, message, due);
        _underWay[LinkOf(from, to)]++;
        Requests += IsRequest(in packet) ? 1 : 0;
    }

    /// <summary>The earliest packet that is due. A packet whose checksums do not hold ends here, as at a real
    /// bus.</summary>
    public bool TryReceive(out Packet packet)
    {
        while (TryTakeDue(out packet))
        {
            Header header = Header.Read(packet.Message);
            bool whole = header.ValidChecksum() && header.Size == packet.Message.Length
                && header.ValidChecksumBody(packet.Message.AsSpan(Limits.HeaderSize));
            if (!whole)
            {
                Lost++;
                continue;
            }
            Delivered++;
            return true;
        }
        return false;
    }

    private static bool IsRequest(in Packet packet) => Header.Read(packet.Message).Command == Command.Request;

    private bool TryTakeDue(out Packet packet)
    {
        packet = default;
        if (NextDue > Now || !_packets.TryTake(out packet)) return false;
        _underWay[LinkOf(packet.From, packet.To)]--;
        Requests -= IsRequest(in packet) ? 1 : 0;
        return true;
    }
}
