using System;
using System.Collections.Generic;
using System.IO;
using Xunit;

namespace Deterministic.Tidy.Tests;

/// <summary>The second net: what the compiler made of the deterministic projects.</summary>
public sealed class AssemblyScanTests
{
    private static readonly List<string> InPlanted = AssemblyScan.Run(
        typeof(AssemblyScanTests).Assembly.Location, "Deterministic.Tidy.Tests.Planted");

    [Theory]
    [InlineData("Deterministic.Core.dll")]
    [InlineData("Deterministic.Accel.dll")]
    [InlineData("Deterministic.Storage.dll")]
    [InlineData("Deterministic.StateMachine.dll")]
    [InlineData("Deterministic.Vsr.dll")]
    [InlineData("simulator.dll")]
    public void DeterministicAssembliesKeepTheContract(string assembly)
    {
        List<string> violations = AssemblyScan.Run(Path.Combine(AppContext.BaseDirectory, assembly));

        // The command around the simulator tells how many seeds it runs a minute.
        violations.RemoveAll(static violation => violation.StartsWith(
            "outside world: Deterministic.Simulator.Program::", StringComparison.Ordinal));
        Assert.True(violations.Count == 0, string.Join('\n', violations));
    }

    [Theory]
    [InlineData("Enumerates", "order by hash")]
    [InlineData("Locks", "thread")]
    [InlineData("Awaits", "async")]
    [InlineData("Hashes", "random hash")]
    [InlineData("Combines", "random hash")]
    [InlineData("Logarithm", "inexact mathematics")]
    [InlineData("Fuses", "inexact mathematics")]
    [InlineData("Wide", "width of the machine")]
    [InlineData("Reduces", "width of the machine")]
    [InlineData("MutableStatic", "mutable static")]
    [InlineData("PerThread", "thread static")]
    [InlineData("FloatConstant", "float")]
    [InlineData("MarkedForNothing", "needless mark")]
    [InlineData("UnsignedToSingle", "rounding of the machine")]
    [InlineData("Queries", "query operators")]
    [InlineData("Clocks", "outside world")]
    [InlineData("Sleeps", "thread")]
    public void APlantedViolationIsCaught(string type, string rule) => Assert.Contains(InPlanted, violation =>
        violation.StartsWith($"{rule}: Deterministic.Tidy.Tests.Planted.{type}", StringComparison.Ordinal));

    [Theory]
    [InlineData("FloatFields::Add", "add")]
    [InlineData("FloatFields::Subtract", "sub")]
    [InlineData("FloatFields::Multiply", "mul")]
    [InlineData("FloatFields::Divide", "div")]
    [InlineData("FloatFields::Remainder", "rem")]
    [InlineData("FloatFields::Negate", "neg")]
    [InlineData("FloatFields::ToInt32", "conv.i4")]
    [InlineData("FloatFields::ToUInt64", "conv.u8")]
    [InlineData("FloatFields::Narrow", "conv.r4")]
    [InlineData("FloatFields::Widen", "conv.r8")]
    [InlineData("FloatFields::AreEqual", "ceq")]
    [InlineData("FloatFields::IsLess", "clt")]
    [InlineData("FloatFields::ChooseGreater", "b")]
    [InlineData("FloatFields::WhileNotEqual", "b")]
    [InlineData("HalfSum::Run", "call")]
    [InlineData("Root::Run", "call")]
    [InlineData("VectorSum::Run", "call")]
    public void FloatArithmeticIsCaughtByTheTypesOnTheStack(string method, string opCode) => Assert.Contains(InPlanted,
        violation => violation.StartsWith(
            $"float: Deterministic.Tidy.Tests.Planted.{method}: {opCode}", StringComparison.Ordinal));

    [Fact]
    public void ReductionsOfTensorsAreDeniedAndElementWiseWorkIsNot()
    {
        const string tensors = "System.Numerics.Tensors.TensorPrimitives";
        Assert.Equal("width of the machine", Denied.Why(tensors, "Dot", "Single"));
        Assert.Null(Denied.Why(tensors, "Xor", "Byte"));
    }

    [Fact]
    public void WhatIsCleanIsNotReported() =>
        Assert.DoesNotContain(InPlanted, violation => violation.Contains("Planted.Clean", StringComparison.Ordinal));
}
