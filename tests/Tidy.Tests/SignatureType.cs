using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace Deterministic.Tidy.Tests;

/// <summary>A type of a signature with its generic arguments; primitives by their bare name, all others with their
/// namespace.</summary>
internal sealed record SignatureType(string Name, ImmutableArray<SignatureType> Arguments)
{
    public bool IsFloat => Name is "Single" or "Double";

    public bool IsVoid => Name == "Void";

    public static SignatureType Named(string name) => new(name, []);
}

/// <summary>What the parameters of generic types and methods stand for; empty where that is open.</summary>
internal sealed record GenericContext(ImmutableArray<SignatureType> Type, ImmutableArray<SignatureType> Method)
{
    public static readonly GenericContext Open = new([], []);
}

internal sealed class SignatureTypes : ISignatureTypeProvider<SignatureType, GenericContext>
{
    public SignatureType GetArrayType(SignatureType elementType, ArrayShape shape) => With(elementType, "[,]");
    public SignatureType GetByReferenceType(SignatureType elementType) => With(elementType, "&");
    public SignatureType GetFunctionPointerType(MethodSignature<SignatureType> signature) =>
        SignatureType.Named("pointer");

    public SignatureType GetGenericInstantiation(SignatureType type, ImmutableArray<SignatureType> arguments) =>
        new(type.Name, arguments);

    public SignatureType GetGenericMethodParameter(GenericContext context, int index) =>
        index < context.Method.Length ? context.Method[index] : SignatureType.Named("!!" + index);

    public SignatureType GetGenericTypeParameter(GenericContext context, int index) =>
        index < context.Type.Length ? context.Type[index] : SignatureType.Named("!" + index);

    public SignatureType GetModifiedType(SignatureType modifier, SignatureType unmodified, bool isRequired) =>
        unmodified;

    public SignatureType GetPinnedType(SignatureType elementType) => elementType;
    public SignatureType GetPointerType(SignatureType elementType) => With(elementType, "*");
    public SignatureType GetPrimitiveType(PrimitiveTypeCode code) => SignatureType.Named(code.ToString());
    public SignatureType GetSZArrayType(SignatureType elementType) => With(elementType, "[]");

    public SignatureType GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte kind)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        return SignatureType.Named($"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}");
    }

    public SignatureType GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte kind)
    {
        TypeReference type = reader.GetTypeReference(handle);
        return SignatureType.Named($"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}");
    }

    public SignatureType GetTypeFromSpecification(
        MetadataReader reader, GenericContext context, TypeSpecificationHandle handle, byte kind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, context);

    private static SignatureType With(SignatureType element, string suffix) =>
        SignatureType.Named(element.Name + suffix);
}
