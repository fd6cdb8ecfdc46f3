using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Deterministic.Tidy.Tests;

/// <summary>Reads the instructions of a built assembly and reports what the determinism contract forbids there. It sees
/// what the analyzer of banned symbols cannot: enumerations, locks, compiler-written hashes, and float
/// arithmetic.</summary>
internal sealed class AssemblyScan : IDisposable
{
    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly string _namespacePrefix;
    private readonly List<string> _violations = [];

    /// <summary>The types that are marked, and whether an instruction was found that needs the mark.</summary>
    private readonly SortedDictionary<string, bool> _marks = new(StringComparer.Ordinal);

    private AssemblyScan(string path, string namespacePrefix)
    {
        _file = new PEReader(File.OpenRead(path));
        _metadata = _file.GetMetadataReader();
        _namespacePrefix = namespacePrefix;
    }

    /// <summary>Violations in the types of <paramref name="path"/> whose namespace starts as given, each as
    /// "rule: type::member: detail".</summary>
    public static List<string> Run(string path, string namespacePrefix = "")
    {
        using AssemblyScan scan = new(path, namespacePrefix);
        bool floatAllowed = scan.HasAttribute(
            scan._metadata.GetAssemblyDefinition().GetCustomAttributes(), "FloatAllowedAttribute");
        foreach (TypeDefinitionHandle handle in scan._metadata.TypeDefinitions)
            scan.ScanType(scan._metadata.GetTypeDefinition(handle), floatAllowed);
        foreach ((string type, bool isNeeded) in scan._marks)
        {
            if (!isNeeded) scan._violations.Add($"needless mark: {type}");
        }
        return scan._violations;
    }

    public void Dispose() => _file.Dispose();

    private void ScanType(TypeDefinition type, bool floatAllowed)
    {
        string name = FullName(type);
        if (!name.StartsWith(_namespacePrefix, StringComparison.Ordinal)) return;
        string marked = "";
        for (TypeDefinition at = type; ; at = _metadata.GetTypeDefinition(at.GetDeclaringType()))
        {
            if (HasAttribute(at.GetCustomAttributes(), "FloatAllowedAttribute")) marked = FullName(at);
            if (at.GetDeclaringType().IsNil) break;
        }
        if (marked.Length > 0) _marks.TryAdd(marked, false);
        foreach (FieldDefinitionHandle handle in type.GetFields())
            ScanField(name, _metadata.GetFieldDefinition(handle));
        foreach (MethodDefinitionHandle handle in type.GetMethods())
        {
            MethodDefinition method = _metadata.GetMethodDefinition(handle);
            if (method.RelativeVirtualAddress == 0) continue;
            bool calculates = ScanMethod(
                $"{name}::{_metadata.GetString(method.Name)}", method, floatAllowed || marked.Length > 0);
            if (calculates && marked.Length > 0) _marks[marked] = true;
        }
    }

    private void ScanField(string type, FieldDefinition field)
    {
        string name = _metadata.GetString(field.Name);
        bool cacheOfTheCompiler = type.EndsWith("<>c", StringComparison.Ordinal)
            || type.EndsWith("<>O", StringComparison.Ordinal)
            || type.Contains("<PrivateImplementationDetails>", StringComparison.Ordinal);
        const FieldAttributes fixedForEver = FieldAttributes.InitOnly | FieldAttributes.Literal;
        if ((field.Attributes & FieldAttributes.Static) != 0 && (field.Attributes & fixedForEver) == 0
            && !cacheOfTheCompiler)
            _violations.Add($"mutable static: {type}::{name}");
        if (HasAttribute(field.GetCustomAttributes(), "ThreadStaticAttribute"))
            _violations.Add($"thread static: {type}::{name}");
    }

    /// <summary>Whether the method calculates with floats.</summary>
    private bool ScanMethod(string name, MethodDefinition method, bool floatAllowed)
    {
        bool calculates = false;
        MethodBodyBlock body = _file.GetMethodBody(method.RelativeVirtualAddress);
        BlobReader code = body.GetILReader();
        FloatFlow floats = new(_metadata, method, body);
        string previous = "";
        while (code.RemainingBytes > 0)
        {
            Instruction instruction = Instruction.Read(ref code);
            OpCode opCode = instruction.OpCode;
            // Machines with an instruction for it round an unsigned number once, the others by way of f64 twice.
            if (previous == "conv.r.un" && opCode.Name == "conv.r4")
                _violations.Add($"rounding of the machine: {name}: unsigned to f32, not by way of f64");
            previous = opCode.Name!;
            if (opCode.OperandType is OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
                ScanReference(name, MetadataTokens.EntityHandle(instruction.Operand));
            if (!floats.Step(instruction)) continue;
            calculates = true;
            if (!floatAllowed) _violations.Add($"float: {name}: {opCode.Name}");
        }
        return calculates;
    }

    private void ScanReference(string where, EntityHandle handle)
    {
        string instantiation = "";
        if (handle.Kind == HandleKind.MethodSpecification)
        {
            MethodSpecification specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
            instantiation = string.Join(",", specification.DecodeSignature(new TypeNames(), null));
            handle = specification.Method;
        }
        if (handle.Kind == HandleKind.MemberReference)
        {
            MemberReference member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
            string type = TypeName(member.Parent);
            string? why = Denied.Why(type, _metadata.GetString(member.Name), instantiation);
            if (why is not null) _violations.Add($"{why}: {where}: {type}::{_metadata.GetString(member.Name)}");
        }
        else if (handle.Kind is HandleKind.TypeReference or HandleKind.TypeSpecification)
        {
            string? why = Denied.Why(TypeName(handle), "", "");
            if (why is not null) _violations.Add($"{why}: {where}: {TypeName(handle)}");
        }
    }

    private string TypeName(EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeReference:
                return new TypeNames().GetTypeFromReference(_metadata, (TypeReferenceHandle)handle, 0);
            case HandleKind.TypeSpecification:
                return _metadata.GetTypeSpecification((TypeSpecificationHandle)handle)
                    .DecodeSignature(new TypeNames(), null);
            default:
                return "";
        }
    }

    private string FullName(TypeDefinition type)
    {
        string name = _metadata.GetString(type.Name);
        return type.GetDeclaringType().IsNil
            ? $"{_metadata.GetString(type.Namespace)}.{name}"
            : $"{FullName(_metadata.GetTypeDefinition(type.GetDeclaringType()))}+{name}";
    }

    private bool HasAttribute(CustomAttributeHandleCollection attributes, string name)
    {
        foreach (CustomAttributeHandle handle in attributes)
        {
            EntityHandle constructor = _metadata.GetCustomAttribute(handle).Constructor;
            string type = constructor.Kind == HandleKind.MemberReference
                ? TypeName(_metadata.GetMemberReference((MemberReferenceHandle)constructor).Parent)
                : FullName(_metadata.GetTypeDefinition(
                    _metadata.GetMethodDefinition((MethodDefinitionHandle)constructor).GetDeclaringType()));
            if (type.EndsWith("." + name, StringComparison.Ordinal)) return true;
        }
        return false;
    }

    /// <summary>Types in signatures as text: primitives by their bare name, all others with their namespace.</summary>
    private sealed class TypeNames : ISignatureTypeProvider<string, object?>
    {
        public string GetArrayType(string elementType, ArrayShape shape) => elementType + "[,]";
        public string GetByReferenceType(string elementType) => elementType + "&";
        public string GetFunctionPointerType(MethodSignature<string> signature) => "pointer";
        public string GetGenericInstantiation(string type, ImmutableArray<string> arguments) => type;
        public string GetGenericMethodParameter(object? context, int index) => "!!" + index;
        public string GetGenericTypeParameter(object? context, int index) => "!" + index;
        public string GetModifiedType(string modifier, string unmodified, bool isRequired) => unmodified;
        public string GetPinnedType(string elementType) => elementType;
        public string GetPointerType(string elementType) => elementType + "*";
        public string GetPrimitiveType(PrimitiveTypeCode code) => code.ToString();
        public string GetSZArrayType(string elementType) => elementType + "[]";

        public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte kind) =>
            reader.GetString(reader.GetTypeDefinition(handle).Name);

        public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte kind)
        {
            TypeReference type = reader.GetTypeReference(handle);
            string name = reader.GetString(type.Name);
            return type.ResolutionScope.Kind == HandleKind.TypeReference
                ? GetTypeFromReference(reader, (TypeReferenceHandle)type.ResolutionScope, kind) + "+" + name
                : $"{reader.GetString(type.Namespace)}.{name}";
        }

        public string GetTypeFromSpecification(
            MetadataReader reader, object? context, TypeSpecificationHandle handle, byte kind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, context);
    }
}
