using System;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;

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

    /// <summary>Packets under way at most; more are lost.</summary>
    public int Capacity { get; } = capacity;
}

/// <summary>Carries messages between clients and the replica: late, twice, in another order, damaged, or not at
/// all.</summary>
internal sealed class SimulatedNetwork(NetworkFaults faults, TapeStream tape)
{
    private readonly FixedPriorityQueue<Packet> _packets = new(faults.Capacity);

    public ulong Now { get; set; }

    /// <summary>While set, nothing is lost, damaged or doubled; delays stay.</summary>
    public bool Healed { get; set; }

    /// <summary>When the next packet arrives; the greatest number if none is under way.</summary>
    public ulong NextDue => _packets.TryPeek(out ulong due) ? due : ulong.MaxValue;

    public ulong Lost { get; private set; }
    public ulong Delivered { get; private set; }

    /// <param name="client">The client at one end; the replica is at the other.</param>
    public void Send(UInt128 client, bool toReplica, ReadOnlySpan<byte> message)
    {
        Check.That(message.Length >= Limits.HeaderSize);
        if ((!Healed && tape.Chance(faults.Loss)) || _packets.IsFull)
        {
            Lost++;
            return;
        }
        Add(client, toReplica, message);
        if (!Healed && tape.Chance(faults.Duplication)) Add(client, toReplica, message);
    }

    private void Add(UInt128 client, bool toReplica, ReadOnlySpan<byte> message)
    {
        byte[] bytes = message.ToArray();
        if (!Healed && tape.Chance(faults.Corruption))
        {
            ulong bit = tape.Below((ulong)bytes.Length * 8);
            bytes[bit / 8] ^= (byte)(1 << (int)(bit % 8));
        }
        ulong due = Now + faults.DelayMin + tape.Below(faults.DelayMax - faults.DelayMin + 1);
        if (!_packets.TryAdd(due, new Packet(client, toReplica, bytes))) Lost++;
    }

    /// <summary>The earliest packet that is due. A packet whose checksums do not hold ends here, as at a real
    /// bus.</summary>
    public bool TryReceive(out UInt128 client, out bool toReplica, out byte[] message)
    {
        while (TryTakeDue(out Packet packet))
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
            (client, toReplica, message) = (packet.Client, packet.ToReplica, packet.Message);
            return true;
        }
        (client, toReplica, message) = (0, false, []);
        return false;
    }

    private bool TryTakeDue(out Packet packet)
    {
        packet = default;
        return NextDue <= Now && _packets.TryTake(out packet);
    }

    private readonly struct Packet(UInt128 client, bool toReplica, byte[] message)
    {
        public UInt128 Client { get; } = client;
        public bool ToReplica { get; } = toReplica;
        public byte[] Message { get; } = message;
    }
}
