using System;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Replica.Net;

/// <summary>Why a replica does not go on with a handshake.</summary>
internal enum HandshakeFault : byte
{
    None = 0,
    Malformed = 1,
    OutOfOrder = 2,
    WrongCluster = 3,

    /// <summary>The other side is not the replica that it should be, or takes this one for another.</summary>
    WrongReplica = 4,

    /// <summary>The other side does not know the cluster's secret.</summary>
    WrongSecret = 5,

    /// <summary>The other side's data file was formatted with other sizes, so the same log would make another state
    /// there.</summary>
    WrongConfiguration = 6,
}

/// <summary>Who takes part in handshakes on this side.</summary>
/// <param name="Cluster">Number of the cluster.</param>
/// <param name="Self">Index of this replica; standbys come after the replicas.</param>
/// <param name="ReplicaCount">Replicas of the cluster.</param>
/// <param name="MemberCount">Replicas and standbys that this side knows of.</param>
/// <param name="Secret">What all of them know; empty: nothing, which proves nothing.</param>
/// <param name="Configuration">Stands for the sizes of the data file, see
/// <see cref="Deterministic.Vsr.DataFileFormat.ConfigurationId"/>.</param>
internal sealed record HandshakeIdentity(
    UInt128 Cluster, byte Self, byte ReplicaCount, byte MemberCount, byte[] Secret, UInt128 Configuration)
{
    /// <summary>Whether this one and another one talk: standbys have nothing to say to each other.</summary>
    public bool TalksTo(byte other) =>
        other != Self && other < MemberCount && (Self < ReplicaCount || other < ReplicaCount);
}

/// <summary>For people.</summary>
internal static class HandshakeFaults
{
    public static string Text(HandshakeFault fault) => fault switch
    {
        HandshakeFault.WrongCluster => "it is of another cluster; check --addresses",
        HandshakeFault.WrongReplica =>
            "it is not the replica that --addresses has there, or has other addresses; a standby is known here once " +
            "--addresses here has it too",
        HandshakeFault.WrongSecret => "it has another --cluster-secret-file",
        HandshakeFault.WrongConfiguration =>
            "its data file was formatted with other sizes (--state-size) or for another number of replicas, so it " +
            "would come to another state; make the one that is wrong anew, with `deterministic replace`",
        _ => "what it says is no handshake",
    };
}

/// <summary>How two replicas open a connection, one side of it: one of them calls with a nonce; the one that is called
/// answers with a nonce and a proof over both; the caller checks it and confirms with a proof of its own. A proof is
/// HMAC-SHA256, under the cluster's secret, of both nonces, the cluster, both replicas in their parts, the step and the
/// sizes of the data file of whoever gives it, so that none can be used again or sent back. One per connection, no
/// sockets in here.</summary>
internal sealed class Handshake(HandshakeIdentity identity)
{
    private const int ProofInputSize = 128;

    private readonly byte[] _callerNonce = new byte[HelloFields.SecretSize];
    private readonly byte[] _calledNonce = new byte[HelloFields.SecretSize];
    private byte _other;
    private bool _calls;
    private HelloStep _awaited = HelloStep.Call;

    /// <summary>The other side has proved that it is <see cref="Other"/>.</summary>
    public bool Done { get; private set; }
    public byte Other => _other;

    public void Reset()
    {
        _awaited = HelloStep.Call;
        Done = false;
        _other = 0;
        _calls = false;
    }

    /// <summary>This side calls: the first message.</summary>
    public Header Call(byte other)
    {
        Check.That(identity.TalksTo(other));
        Reset();
        _other = other;
        _calls = true;
        _awaited = HelloStep.Answer;
        RandomNumberGenerator.Fill(_callerNonce);
        return Sealed(HelloStep.Call, _callerNonce, []);
    }

    /// <summary>Takes what the other side has said, which may be anything. There is a message to send if <paramref
    /// name="hasAnswer"/>, before the connection ends if there is a fault; without one the handshake may be <see
    /// cref="Done"/>.</summary>
    public HandshakeFault Take(in Header hello, out Header answer, out bool hasAnswer)
    {
        answer = default;
        hasAnswer = false;
        if (hello.Command != Command.Hello || !hello.ValidChecksum()) return HandshakeFault.Malformed;
        if (hello.Invalid(Limits.HeaderSize) is not null) return HandshakeFault.Malformed;
        if (hello.Cluster != identity.Cluster) return HandshakeFault.WrongCluster;
        if (Done || hello.Hello.Step != _awaited) return HandshakeFault.OutOfOrder;
        bool expected = hello.Hello.Receiver == identity.Self && identity.TalksTo(hello.Replica) &&
            (_awaited == HelloStep.Call || hello.Replica == _other);
        if (!expected) return HandshakeFault.WrongReplica;
        _other = hello.Replica;
        Span<byte> proof = stackalloc byte[HelloFields.SecretSize];
        switch (_awaited)
        {
            case HelloStep.Call:
                ReadNonce(in hello, _callerNonce);
                RandomNumberGenerator.Fill(_calledNonce);
                Prove(HelloStep.Answer, identity.Configuration, proof);
                answer = Sealed(HelloStep.Answer, _calledNonce, proof);
                hasAnswer = true;
                _awaited = HelloStep.Confirm;
                return HandshakeFault.None;
            case HelloStep.Answer:
                ReadNonce(in hello, _calledNonce);
                if (!IsProved(in hello)) return HandshakeFault.WrongSecret;
                Prove(HelloStep.Confirm, identity.Configuration, proof);
                answer = Sealed(HelloStep.Confirm, [], proof);
                hasAnswer = true;
                return Finish(in hello);
            default:
                return IsProved(in hello) ? Finish(in hello) : HandshakeFault.WrongSecret;
        }
    }

    /// <summary>The other side is who it says. Both find out if their files differ, so that both can tell.</summary>
    private HandshakeFault Finish(in Header hello)
    {
        Done = hello.Hello.Configuration == identity.Configuration;
        return Done ? HandshakeFault.None : HandshakeFault.WrongConfiguration;
    }

    private bool IsProved(in Header hello)
    {
        Span<byte> expected = stackalloc byte[HelloFields.SecretSize];
        Span<byte> given = stackalloc byte[HelloFields.SecretSize];
        Prove(hello.Hello.Step, hello.Hello.Configuration, expected);
        BinaryPrimitives.WriteUInt128LittleEndian(given, hello.Hello.ProofLow);
        BinaryPrimitives.WriteUInt128LittleEndian(given[16..], hello.Hello.ProofHigh);
        return CryptographicOperations.FixedTimeEquals(expected, given);
    }

    private static void ReadNonce(in Header hello, Span<byte> nonce)
    {
        BinaryPrimitives.WriteUInt128LittleEndian(nonce, hello.Hello.NonceLow);
        BinaryPrimitives.WriteUInt128LittleEndian(nonce[16..], hello.Hello.NonceHigh);
    }

    /// <summary>The proof that belongs to a step of this handshake, whoever gives it.</summary>
    private void Prove(HelloStep step, UInt128 configuration, Span<byte> proof)
    {
        Span<byte> input = stackalloc byte[ProofInputSize];
        input.Clear();
        "deterministic peer 1"u8.CopyTo(input);
        input[24] = (byte)step;
        input[25] = _calls ? identity.Self : _other;
        input[26] = _calls ? _other : identity.Self;
        BinaryPrimitives.WriteUInt128LittleEndian(input[32..], identity.Cluster);
        _callerNonce.CopyTo(input[48..]);
        _calledNonce.CopyTo(input[80..]);
        BinaryPrimitives.WriteUInt128LittleEndian(input[112..], configuration);
        int size = HMACSHA256.HashData(identity.Secret, input, proof);
        Check.That(size == HelloFields.SecretSize);
    }

    private Header Sealed(HelloStep step, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> proof)
    {
        Header header = Header.Create(Command.Hello, identity.Cluster, view: 0, identity.Self);
        header.Hello.Receiver = _other;
        header.Hello.Step = step;
        if (!nonce.IsEmpty)
        {
            header.Hello.NonceLow = BinaryPrimitives.ReadUInt128LittleEndian(nonce);
            header.Hello.NonceHigh = BinaryPrimitives.ReadUInt128LittleEndian(nonce[16..]);
        }
        if (!proof.IsEmpty)
        {
            header.Hello.ProofLow = BinaryPrimitives.ReadUInt128LittleEndian(proof);
            header.Hello.ProofHigh = BinaryPrimitives.ReadUInt128LittleEndian(proof[16..]);
            header.Hello.Configuration = identity.Configuration;
        }
        header.SetChecksumBody([]);
        header.SetChecksum();
        return header;
    }
}
