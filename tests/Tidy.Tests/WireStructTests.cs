using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Xunit;

namespace Deterministic.Tidy.Tests;

/// <summary>A struct of explicit layout travels or lies on a disk: a byte of it that no field owns would carry whatever
/// the memory held before.</summary>
public sealed class WireStructTests
{
    [Fact]
    public void NoWireStructHasAHole()
    {
        List<string> holes = [];
        int structs = 0;
        string[] assemblies =
            ["Deterministic.Core", "Deterministic.Storage", "Deterministic.StateMachine", "Deterministic.Vsr"];
        foreach (string assembly in assemblies)
        {
            string path = Path.Combine(AppContext.BaseDirectory, assembly + ".dll");
            foreach (Type type in Assembly.LoadFrom(path).GetTypes())
            {
                bool literal = type.Name.StartsWith("__StaticArrayInit", StringComparison.Ordinal);
                if (!type.IsExplicitLayout || !type.IsValueType || literal) continue;
                structs++;
                holes.AddRange(HolesOf(type));
            }
        }
        Assert.True(structs >= 10, $"only {structs} wire structs were found");
        Assert.True(holes.Count == 0, string.Join('\n', holes));
    }

    [Fact]
    public void APlantedHoleIsCaught() =>
        Assert.Equal(["Holed: byte 1", "Holed: byte 2", "Holed: byte 3"], HolesOf(typeof(Holed)));

    [Fact]
    public void APlantedHoleBehindAUnionIsCaught() => Assert.Equal(["Union: byte 3"], HolesOf(typeof(Union)));

    [Fact]
    public void APlantedStructWithoutASizeIsCaught() =>
        Assert.Equal(["Sizeless: no size is given"], HolesOf(typeof(Sizeless)));

    /// <summary>Bytes that no field covers. Fields may overlap: a union covers a byte if any of its fields does, and
    /// the structs in it are examined by themselves.</summary>
    private static List<string> HolesOf(Type type)
    {
        int size = type.StructLayoutAttribute!.Size;
        if (size == 0) return [$"{type.Name}: no size is given"];
        if (SizeOf(type) != size) return [$"{type.Name}: {SizeOf(type)} bytes instead of {size}"];
        bool[] covered = new bool[size];
        const BindingFlags all = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        foreach (FieldInfo field in type.GetFields(all))
        {
            int offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
            covered.AsSpan(offset, SizeOf(field.FieldType)).Fill(true);
        }
        List<string> holes = [];
        for (int i = 0; i < size; i++)
        {
            if (!covered[i]) holes.Add($"{type.Name}: byte {i}");
        }
        return holes;
    }

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!
        .MakeGenericMethod(type).Invoke(null, null)!;

    [StructLayout(LayoutKind.Explicit, Size = 8)]
    private struct Holed
    {
        [FieldOffset(0)] public byte A;
        [FieldOffset(4)] public uint B;
    }

    [StructLayout(LayoutKind.Explicit, Size = 4)]
    private struct Union
    {
        [FieldOffset(0)] public ushort A;
        [FieldOffset(0)] public byte B;
        [FieldOffset(2)] public byte C;
    }

    [StructLayout(LayoutKind.Explicit)]
    private struct Sizeless
    {
        [FieldOffset(0)] public uint A;
    }
}
