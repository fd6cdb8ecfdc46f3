using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Replica.Net;

namespace Deterministic.Fuzz;

/// <summary>Hellos from somebody who does not know the secret, to the side that was called and to the one that
/// calls.</summary>
internal static class HandshakeTarget
{
    private const int HellosMax = 4;
    private static readonly HandshakeIdentity Identity =
        new(77, Self: 1, ReplicaCount: 3, MemberCount: 4, "what nobody says"u8.ToArray(), Configuration: 5);

    public static byte[] Generate(TapeStream tape)
    {
        byte[] hellos = new byte[Limits.HeaderSize * tape.Range(1, HellosMax)];
        for (int at = 0; at < hellos.Length; at += Limits.HeaderSize)
        {
            Header header = Header.Create(Command.Hello, 77, view: 0, replica: (byte)tape.Weighted([1, 1, 6, 2]));
            header.Hello = new HelloFields
            {
                Step = (HelloStep)tape.Range(1, 3), Receiver = 1, NonceLow = (UInt128)tape.Below(2),
                ProofHigh = (UInt128)tape.Below(2), Configuration = (UInt128)tape.Below(2),
            };
            header.ChecksumBody = Checksum.Empty;
            header.SetChecksum();
            header.WriteTo(hellos.AsSpan(at));
        }
        return hellos;
    }

    public static void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        Handshake called = new(Identity);
        Handshake caller = new(Identity);
        caller.Call(other: 0);
        for (; input.Length >= Limits.HeaderSize; input = input[Limits.HeaderSize..])
        {
            Header header = Header.Read(input);
            // With a good checksum, so that damaged fields get to be looked at too.
            header.SetChecksum();
            HandshakeFault fault = called.Take(in header, out Header answer, out bool answers);
            tally.Count(fault == HandshakeFault.None);
            Check.That(answers == (fault == HandshakeFault.None), "a stranger gets answers to calls only");
            if (answers) Check.That(answer.ValidChecksum() && answer.Invalid(Limits.HeaderSize) is null);
            fault = caller.Take(in header, out _, out answers);
            Check.That(fault != HandshakeFault.None && !answers);
            Check.That(!called.Done && !caller.Done, "nobody is a replica who does not know the secret");
        }
    }
}
