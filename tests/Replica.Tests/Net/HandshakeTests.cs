using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Replica.Net;
using Xunit;

namespace Deterministic.Replica.Tests.Net;

/// <summary>Nobody passes for a replica who does not know the secret, whatever he has heard of other
/// handshakes.</summary>
public sealed class HandshakeTests
{
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("what only the replicas know");

    private static Handshake Of(
        byte self, byte[]? secret = null, UInt128? cluster = null, byte count = 3, UInt128? sizes = null,
        byte standbys = 0) =>
        new(new HandshakeIdentity(
            cluster ?? 7, self, count, (byte)(count + standbys), secret ?? Secret, sizes ?? 9));

    /// <summary>Lets the two talk until one of them refuses, or both are done.</summary>
    private static (HandshakeFault OfCalled, HandshakeFault OfCaller) Talk(Handshake caller, Handshake called, byte to)
    {
        HandshakeFault fault = called.Take(caller.Call(to), out Header answer, out bool answers);
        if (fault != HandshakeFault.None) return (fault, HandshakeFault.None);
        Assert.True(answers && !called.Done);
        fault = caller.Take(in answer, out Header confirm, out answers);
        if (fault != HandshakeFault.None) return (HandshakeFault.None, fault);
        Assert.True(answers && caller.Done);
        fault = called.Take(in confirm, out _, out answers);
        Assert.False(answers);
        return (fault, HandshakeFault.None);
    }

    [Fact]
    public void TwoReplicasOfAClusterProveThemselvesToEachOther()
    {
        Handshake caller = Of(2);
        Handshake called = Of(0);
        Assert.Equal((HandshakeFault.None, HandshakeFault.None), Talk(caller, called, to: 0));
        Assert.True(caller.Done && called.Done);
        Assert.Equal((0, 2), (caller.Other, called.Other));
    }

    [Fact]
    public void EitherOfTheTwoMayCall()
    {
        Handshake caller = Of(0);
        Handshake called = Of(2);
        Assert.Equal((HandshakeFault.None, HandshakeFault.None), Talk(caller, called, to: 2));
        Assert.True(caller.Done && called.Done);
    }

    [Fact]
    public void TheOneThatCallsIsToldAWrongSecretFirst()
    {
        Handshake called = Of(0, secret: Encoding.UTF8.GetBytes("something else entirely"));
        Assert.Equal((HandshakeFault.None, HandshakeFault.WrongSecret), Talk(Of(2), called, to: 0));
        Assert.False(called.Done);
    }

    [Fact]
    public void AReplicaOfAnotherClusterOrWithAnotherIndexIsRefused()
    {
        Assert.Equal(HandshakeFault.WrongCluster, Talk(Of(2), Of(0, cluster: 8), to: 0).OfCalled);
        Assert.Equal(HandshakeFault.WrongReplica, Talk(Of(2), Of(1), to: 0).OfCalled);
        Assert.Equal(HandshakeFault.WrongReplica, Talk(Of(4, count: 5), Of(0), to: 0).OfCalled);
    }

    /// <summary>A replica that was started with a shorter list takes it for a stranger, and is with it once it has
    /// been started again. The list proves nothing about the files, so it may differ.</summary>
    [Fact]
    public void AStandbyIsKnownWhereTheAddressesHaveIt()
    {
        Handshake standby = Of(4, standbys: 2);
        Assert.Equal(HandshakeFault.WrongReplica, Talk(standby, Of(0, standbys: 1), to: 0).OfCalled);
        Assert.Equal((HandshakeFault.None, HandshakeFault.None), Talk(standby, Of(0, standbys: 6), to: 0));
        Assert.Equal((HandshakeFault.None, HandshakeFault.None), Talk(Of(0, standbys: 2), Of(3, standbys: 1), to: 3));
    }

    [Fact]
    public void StandbysDoNotTalkToEachOther()
    {
        HandshakeIdentity standby = new(7, 3, ReplicaCount: 3, MemberCount: 5, Secret, 9);
        Assert.True(standby.TalksTo(0) && standby.TalksTo(2));
        Assert.False(standby.TalksTo(3) || standby.TalksTo(4));
        Header call = Of(0, standbys: 2).Call(3);
        call.Replica = 4;
        call.SetChecksum();
        Assert.Equal(HandshakeFault.WrongReplica, Of(3, standbys: 2).Take(in call, out _, out _));
    }

    /// <summary>Either of them may be the one that is wrong, so both say it.</summary>
    [Fact]
    public void ReplicasWhoseFilesHaveOtherSizesRefuseEachOther()
    {
        Handshake caller = Of(2, sizes: 10);
        Handshake called = Of(0, sizes: 11);
        called.Take(caller.Call(0), out Header answer, out _);
        Assert.Equal(HandshakeFault.WrongConfiguration, caller.Take(in answer, out Header confirm, out bool answers));
        Assert.True(answers);
        Assert.Equal(HandshakeFault.WrongConfiguration, called.Take(in confirm, out _, out answers));
        Assert.False(answers || caller.Done || called.Done);
    }

    [Fact]
    public void WhatWasSaidInOneHandshakeServesInNoOther()
    {
        Handshake caller = Of(2);
        Handshake called = Of(0);
        Header call = caller.Call(0);
        called.Take(in call, out Header answer, out _);
        caller.Take(in answer, out Header confirm, out _);
        Handshake another = Of(0);
        another.Take(in call, out _, out _);
        Assert.Equal(HandshakeFault.WrongSecret, another.Take(in confirm, out _, out _));
        Assert.False(another.Done);

        // Nor does a caller believe an answer to an earlier call.
        Handshake again = Of(2);
        again.Call(0);
        Assert.Equal(HandshakeFault.WrongSecret, again.Take(in answer, out _, out _));
        Assert.Equal(HandshakeFault.None, called.Take(in confirm, out _, out _));
        Assert.Equal(HandshakeFault.OutOfOrder, called.Take(in confirm, out _, out _));
    }

    [Fact]
    public void AProofIsNotTheOneOfTheOtherSide()
    {
        Handshake called = Of(0);
        called.Take(Of(2).Call(0), out Header answer, out _);
        // Somebody without the secret sends the answer's proof back as his own.
        Header forged = Header.Create(Command.Hello, 7, view: 0, replica: 2);
        forged.Hello = answer.Hello;
        forged.Hello.NonceLow = forged.Hello.NonceHigh = 0;
        forged.Hello.Receiver = 0;
        forged.Hello.Step = HelloStep.Confirm;
        forged.SetChecksumBody([]);
        forged.SetChecksum();
        Assert.Equal(HandshakeFault.WrongSecret, called.Take(in forged, out _, out _));
        Assert.False(called.Done);
    }

    [Fact]
    public void AnyBitChangedOnTheWayEndsTheHandshake()
    {
        const int steps = 3;
        for (int bit = 0; bit < steps * FieldsSize * 8; bit++)
            Assert.False(IsDone(bit % steps, bit / steps), $"step {bit % steps}, bit {bit / steps}");
    }

    /// <summary>Whether both sides believe each other although one message was changed.</summary>
    private static bool IsDone(int step, int bit)
    {
        Handshake caller = Of(2);
        Handshake called = Of(0);
        Header call = Changed(caller.Call(0), step == 0, bit);
        if (called.Take(in call, out Header answer, out _) != HandshakeFault.None) return false;
        answer = Changed(answer, step == 1, bit);
        if (caller.Take(in answer, out Header confirm, out _) != HandshakeFault.None) return false;
        confirm = Changed(confirm, step == 2, bit);
        called.Take(in confirm, out _, out _);
        return called.Done;
    }

    private const int FieldsSize = 96;

    /// <summary>With a bit of what a hello says changed, and a right checksum.</summary>
    private static Header Changed(Header hello, bool change, int bit)
    {
        if (!change) return hello;
        const int fieldsOffset = 128;
        byte[] bytes = new byte[Limits.HeaderSize];
        hello.WriteTo(bytes);
        bytes[fieldsOffset + bit / 8] ^= (byte)(1 << bit % 8);
        Header changed = Header.Read(bytes);
        changed.SetChecksum();
        return changed;
    }
}
