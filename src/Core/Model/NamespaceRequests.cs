using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>Body of Metadata, Schema and DeleteNamespace: the name.</summary>
public sealed class NamespaceRequest
{
    public required string Namespace { get; init; }

    public void Write(ref WireWriter writer) => writer.Name(Encoding.UTF8.GetBytes(Namespace));

    public static NamespaceRequest Read(ref WireReader reader) =>
        new() { Namespace = Encoding.UTF8.GetString(reader.Name()) };
}

/// <summary>Body of ListNamespaces: prefix, cursor (names greater than it; empty for the first page), page size
/// u32.</summary>
public sealed class ListNamespacesRequest
{
    public string Prefix { get; init; } = "";
    public string Cursor { get; init; } = "";
    public uint PageSize { get; init; } = 100;

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Prefix));
        writer.Name(Encoding.UTF8.GetBytes(Cursor));
        writer.U32(PageSize);
    }

    public static ListNamespacesRequest Read(ref WireReader reader) => new()
    {
        Prefix = Encoding.UTF8.GetString(reader.Name()),
        Cursor = Encoding.UTF8.GetString(reader.Name()),
        PageSize = reader.U32(),
    };
}

/// <summary>Body of Branch: name of the new namespace, name of the one that it is made from.</summary>
public sealed class BranchRequest
{
    public required string Namespace { get; init; }
    public required string Source { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Namespace));
        writer.Name(Encoding.UTF8.GetBytes(Source));
    }

    public static BranchRequest Read(ref WireReader reader) => new()
    {
        Namespace = Encoding.UTF8.GetString(reader.Name()), Source = Encoding.UTF8.GetString(reader.Name()),
    };
}

/// <summary>Body of UpdateSchema: name, then attributes (u16 count).</summary>
public sealed class UpdateSchemaRequest
{
    public required string Namespace { get; init; }
    public required AttributeSchema[] Schema { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Namespace));
        AttributeSchema.WriteAll(ref writer, Schema);
    }

    public static UpdateSchemaRequest Read(ref WireReader reader) => new()
    {
        Namespace = Encoding.UTF8.GetString(reader.Name()),
        Schema = AttributeSchema.ReadAll(ref reader),
    };
}
