using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Deterministic.Tidy.Tests;

/// <summary>Follows one method's evaluation stack and tells which instructions calculate with floats. Of each value on
/// the stack only one thing is kept: whether it is a float. One pass from the first instruction to the last is enough:
/// the standard (ECMA-335, III.1.7.5) has the stack of every instruction be known from what stands before
/// it.</summary>
internal sealed class FloatFlow
{
    private static readonly SignatureTypes Types = new();

    private readonly MetadataReader _metadata;
    private readonly List<bool> _arguments = [];
    private readonly List<bool> _locals = [];
    private readonly SortedDictionary<int, bool[]> _stackAtTarget = [];
    private readonly List<bool> _stack = [];
    private readonly bool _returnsValue;

    public FloatFlow(MetadataReader metadata, MethodDefinition method, MethodBodyBlock body)
    {
        _metadata = metadata;
        MethodSignature<SignatureType> signature = method.DecodeSignature(Types, GenericContext.Open);
        _returnsValue = !signature.ReturnType.IsVoid;
        if (signature.Header.IsInstance) _arguments.Add(false);
        foreach (SignatureType parameter in signature.ParameterTypes) _arguments.Add(parameter.IsFloat);
        foreach (ExceptionRegion region in body.ExceptionRegions)
        {
            bool takesException = region.Kind is ExceptionRegionKind.Catch or ExceptionRegionKind.Filter;
            _stackAtTarget[region.HandlerOffset] = takesException ? [false] : [];
            if (region.Kind == ExceptionRegionKind.Filter) _stackAtTarget[region.FilterOffset] = [false];
        }
        if (body.LocalSignature.IsNil) return;
        StandaloneSignature locals = metadata.GetStandaloneSignature(body.LocalSignature);
        foreach (SignatureType local in locals.DecodeLocalSignature(Types, GenericContext.Open))
            _locals.Add(local.IsFloat);
    }

    /// <summary>Takes the next instruction; true when it calculates with floats.</summary>
    public bool Step(Instruction instruction)
    {
        if (_stackAtTarget.TryGetValue(instruction.Offset, out bool[]? known))
        {
            _stack.Clear();
            _stack.AddRange(known);
        }
        string name = instruction.OpCode.Name!;
        bool calculates = instruction.OpCode.OperandType switch
        {
            OperandType.InlineMethod => Call(instruction),
            OperandType.InlineSig => CallPointer(instruction),
            _ => name is "ret" or "ldtoken" ? Special(name) : Simple(instruction),
        };
        foreach (int target in instruction.Targets) _stackAtTarget.TryAdd(target, [.. _stack]);
        bool leaves = instruction.OpCode.FlowControl is FlowControl.Branch or FlowControl.Return or FlowControl.Throw;
        if (leaves) _stack.Clear();
        return calculates;
    }

    private bool Special(string name)
    {
        if (name == "ldtoken") _stack.Add(false);
        else if (_stack.Count != (_returnsValue ? 1 : 0))
            throw new InvalidOperationException("a method returns with a stack that was not followed rightly");
        return false;
    }

    /// <summary>Instructions whose pops and pushes stand in the table of opcodes.</summary>
    private bool Simple(Instruction instruction)
    {
        OpCode opCode = instruction.OpCode;
        string name = opCode.Name!;
        bool top = _stack.Count > 0 && _stack[^1];
        bool floats = false;
        for (int i = PopCount(opCode.StackBehaviourPop); i > 0; i--) floats |= Pop();
        switch (opCode.StackBehaviourPush)
        {
            case StackBehaviour.Push0:
                break;
            case StackBehaviour.Push1_push1:
                _stack.Add(top);
                _stack.Add(top);
                break;
            case StackBehaviour.Pushr4 or StackBehaviour.Pushr8:
                _stack.Add(true);
                break;
            case StackBehaviour.Push1:
                _stack.Add(IsArithmetic(name) ? floats : PushesFloat(instruction));
                break;
            default:
                _stack.Add(false);
                break;
        }
        if (name is "ldc.r4" or "ldc.r8" or "conv.r4" or "conv.r8" or "conv.r.un") return true;
        return floats && (IsArithmetic(name) || IsComparison(name) || name == "ckfinite"
            || name.StartsWith("conv.", StringComparison.Ordinal));
    }

    private static bool IsArithmetic(string name) => name is "add" or "sub" or "mul" or "div" or "rem" or "neg";

    private static bool IsComparison(string name) => name.Split('.')[0] is "ceq" or "cgt" or "clt"
        or "beq" or "bne" or "bge" or "bgt" or "ble" or "blt";

    private bool PushesFloat(Instruction instruction)
    {
        string name = instruction.OpCode.Name!;
        if (name.StartsWith("ldarg", StringComparison.Ordinal)) return _arguments[instruction.Index(name)];
        if (name.StartsWith("ldloc", StringComparison.Ordinal)) return _locals[instruction.Index(name)];
        return instruction.OpCode.OperandType switch
        {
            OperandType.InlineField => FieldType(MetadataTokens.EntityHandle(instruction.Operand)).IsFloat,
            OperandType.InlineType => TypeOf(MetadataTokens.EntityHandle(instruction.Operand)).IsFloat,
            _ => false,
        };
    }

    private bool Call(Instruction instruction)
    {
        string name = instruction.OpCode.Name!;
        if (name is "ldftn" or "ldvirtftn")
        {
            if (name == "ldvirtftn") Pop();
            _stack.Add(false);
            return false;
        }
        if (name == "jmp") return false;
        EntityHandle handle = MetadataTokens.EntityHandle(instruction.Operand);
        ImmutableArray<SignatureType> methodArguments = [];
        if (handle.Kind == HandleKind.MethodSpecification)
        {
            MethodSpecification specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
            methodArguments = specification.DecodeSignature(Types, GenericContext.Open);
            handle = specification.Method;
        }
        if (handle.Kind == HandleKind.MethodDefinition)
        {
            MethodDefinition method = _metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
            Apply(method.DecodeSignature(Types, new([], methodArguments)), name == "newobj");
            return false;
        }
        MemberReference member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
        SignatureType parent = TypeOf(member.Parent);
        MethodSignature<SignatureType> signature =
            member.DecodeMethodSignature(Types, new(parent.Arguments, methodArguments));
        Apply(signature, name == "newobj");
        return Calculates(parent, _metadata.GetString(member.Name), signature);
    }

    /// <summary>Whether a member of the class library calculates with floats: operators of halves and vectors are
    /// methods, and so are square roots.</summary>
    private static bool Calculates(SignatureType type, string member, MethodSignature<SignatureType> signature)
    {
        bool isOperator = member.StartsWith("op_", StringComparison.Ordinal);
        if (type.Name == "System.Half") return isOperator;
        if (type.IsFloat || type.Name is "System.Math" or "System.MathF")
            return isOperator || signature.ReturnType.IsFloat;
        return isOperator && type.Arguments is [{ IsFloat: true }]
            && type.Name.StartsWith("System.Runtime.Intrinsics.", StringComparison.Ordinal);
    }

    private bool CallPointer(Instruction instruction)
    {
        Pop();
        StandaloneSignature signature =
            _metadata.GetStandaloneSignature((StandaloneSignatureHandle)MetadataTokens.Handle(instruction.Operand));
        Apply(signature.DecodeMethodSignature(Types, GenericContext.Open), constructs: false);
        return false;
    }

    private void Apply(MethodSignature<SignatureType> signature, bool constructs)
    {
        int arguments = signature.ParameterTypes.Length;
        if (signature.Header.IsInstance && !signature.Header.HasExplicitThis && !constructs) arguments++;
        for (int i = 0; i < arguments; i++) Pop();
        if (constructs || !signature.ReturnType.IsVoid) _stack.Add(!constructs && signature.ReturnType.IsFloat);
    }

    private bool Pop()
    {
        if (_stack.Count == 0) throw new InvalidOperationException("a value is taken from an empty stack");
        bool top = _stack[^1];
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private SignatureType FieldType(EntityHandle handle)
    {
        if (handle.Kind == HandleKind.FieldDefinition)
        {
            FieldDefinition field = _metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
            return field.DecodeSignature(Types, GenericContext.Open);
        }
        MemberReference member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
        return member.DecodeFieldSignature(Types, new(TypeOf(member.Parent).Arguments, []));
    }

    private SignatureType TypeOf(EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeReference:
                SignatureType type = Types.GetTypeFromReference(_metadata, (TypeReferenceHandle)handle, 0);
                bool isFloat = type.Name is "System.Single" or "System.Double";
                return isFloat ? type with { Name = type.Name["System.".Length..] } : type;
            case HandleKind.TypeDefinition:
                return Types.GetTypeFromDefinition(_metadata, (TypeDefinitionHandle)handle, 0);
            case HandleKind.TypeSpecification:
                return _metadata.GetTypeSpecification((TypeSpecificationHandle)handle)
                    .DecodeSignature(Types, GenericContext.Open);
            default:
                return SignatureType.Named("");
        }
    }

    private static int PopCount(StackBehaviour behaviour) => behaviour switch
    {
        StackBehaviour.Pop0 => 0,
        StackBehaviour.Pop1 or StackBehaviour.Popi or StackBehaviour.Popref => 1,
        StackBehaviour.Pop1_pop1 or StackBehaviour.Popi_pop1 or StackBehaviour.Popi_popi
            or StackBehaviour.Popi_popi8 or StackBehaviour.Popi_popr4 or StackBehaviour.Popi_popr8
            or StackBehaviour.Popref_pop1 or StackBehaviour.Popref_popi => 2,
        StackBehaviour.Popi_popi_popi or StackBehaviour.Popref_popi_popi or StackBehaviour.Popref_popi_popi8
            or StackBehaviour.Popref_popi_popr4 or StackBehaviour.Popref_popi_popr8
            or StackBehaviour.Popref_popi_popref or StackBehaviour.Popref_popi_pop1 => 3,
        _ => throw new ArgumentOutOfRangeException(nameof(behaviour), behaviour, "an opcode without a fixed number"),
    };
}
