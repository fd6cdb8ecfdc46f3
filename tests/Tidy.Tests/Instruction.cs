using System;
using System.Collections.Generic;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;

namespace Deterministic.Tidy.Tests;

/// <summary>One instruction of a method: its place, its 4-byte operand (a token, a number; 0 when it has none or
/// a wider one) and the places it may jump to.</summary>
internal readonly record struct Instruction(int Offset, OpCode OpCode, int Operand, int[] Targets)
{
    private static readonly SortedDictionary<int, OpCode> OpCodesByValue = LoadOpCodes();

    public static Instruction Read(ref BlobReader code)
    {
        int offset = code.Offset;
        int value = code.ReadByte();
        if (value == 0xFE) value = 0xFE00 | code.ReadByte();
        OpCode opCode = OpCodesByValue[value];
        int operand = 0;
        int[] targets = [];
        switch (opCode.OperandType)
        {
            case OperandType.InlineNone:
                break;
            case OperandType.InlineSwitch:
                targets = new int[code.ReadInt32()];
                for (int i = 0; i < targets.Length; i++) targets[i] = code.ReadInt32();
                for (int i = 0; i < targets.Length; i++) targets[i] += code.Offset;
                break;
            case OperandType.ShortInlineBrTarget:
                operand = code.ReadSByte();
                targets = [code.Offset + operand];
                break;
            case OperandType.InlineBrTarget:
                operand = code.ReadInt32();
                targets = [code.Offset + operand];
                break;
            case OperandType.ShortInlineI or OperandType.ShortInlineVar:
                operand = code.ReadByte();
                break;
            case OperandType.InlineVar:
                operand = code.ReadUInt16();
                break;
            case OperandType.InlineI8 or OperandType.InlineR:
                code.Offset += sizeof(long);
                break;
            default:
                operand = code.ReadInt32();
                break;
        }
        return new Instruction(offset, opCode, operand, targets);
    }

    /// <summary>The argument or local that an instruction names, in its operand or, as "ldloc.3" does, in its
    /// name.</summary>
    public int Index(string name) => OpCode.OperandType == OperandType.InlineNone
        ? int.Parse(name.AsSpan(name.Length - 1), CultureInfo.InvariantCulture)
        : Operand;

    private static SortedDictionary<int, OpCode> LoadOpCodes()
    {
        SortedDictionary<int, OpCode> table = [];
        foreach (FieldInfo field in typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            OpCode opCode = (OpCode)field.GetValue(null)!;
            table[opCode.Value & 0xFFFF] = opCode;
        }
        return table;
    }
}
