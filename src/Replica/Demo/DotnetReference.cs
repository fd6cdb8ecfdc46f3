using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Deterministic.Replica.Demo;

/// <summary>One documented member of the .NET API.</summary>
/// <param name="Id">Running number over all files.</param>
/// <param name="Name">Fully qualified name without the kind prefix.</param>
/// <param name="Kind">type, method, property, field or event.</param>
/// <param name="Namespace">Namespace of the type, as far as its spelling tells.</param>
/// <param name="Text">Summary, parameters, returns and remarks as plain text.</param>
internal sealed record DocumentedMember(
    ulong Id, string Name, string Kind, string Namespace, string Assembly, string Text);

/// <summary>The API reference that every .NET SDK carries beside its reference assemblies: real text, on every machine
/// that can build this project.</summary>
internal static class DotnetReference
{
    private const string PackName = "Microsoft.NETCore.App.Ref";

    /// <summary>The folder of XML files, or null and an error that says where it was looked for.</summary>
    public static string? FindFolder(out string error)
    {
        error = "";
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string root = Path.GetFullPath(Path.Combine(runtime, "..", "..", ".."));
        string packs = Path.Combine(root, "packs", PackName);
        if (Directory.Exists(packs))
        {
            string? newest = Directory.GetDirectories(packs)
                .SelectMany(version => Directory.GetDirectories(Path.Combine(version, "ref")))
                .Order(StringComparer.Ordinal)
                .LastOrDefault(folder => Directory.EnumerateFiles(folder, "*.xml").Any());
            if (newest is not null) return newest;
        }
        error = $"{packs}: the API reference of the .NET SDK is not there; " +
            "install the .NET 10 SDK, not only its runtime";
        return null;
    }

    public static IEnumerable<DocumentedMember> Read(string folder)
    {
        ulong id = 0;
        foreach (string path in Directory.GetFiles(folder, "*.xml").Order(StringComparer.Ordinal))
        {
            string assembly = Path.GetFileNameWithoutExtension(path);
            using XmlReader reader = XmlReader.Create(path);
            reader.MoveToContent();
            while (!reader.EOF)
            {
                if (reader.NodeType != XmlNodeType.Element || reader.Name != "member")
                {
                    reader.Read();
                    continue;
                }
                XElement member = (XElement)XNode.ReadFrom(reader);
                string name = (string?)member.Attribute("name") ?? "";
                if (name.Length < 3) continue;
                yield return new DocumentedMember(
                    ++id, name[2..], KindOf(name[0]), NamespaceOf(name), assembly, PlainText(member));
            }
        }
    }

    private static string KindOf(char prefix) => prefix switch
    {
        'T' => "type",
        'M' => "method",
        'P' => "property",
        'F' => "field",
        'E' => "event",
        _ => "other",
    };

    private static string NamespaceOf(string name)
    {
        string qualified = name[2..];
        int parenthesis = qualified.IndexOf('(');
        if (parenthesis >= 0) qualified = qualified[..parenthesis];
        // A member's own name and its type's come last; a type has only its own.
        int segments = name[0] == 'T' ? 1 : 2;
        for (; segments > 0; segments--)
        {
            int dot = qualified.LastIndexOf('.');
            if (dot <= 0) return "";
            qualified = qualified[..dot];
        }
        return qualified.TrimEnd('.');
    }

    /// <summary>The text as a reader sees it: references become the names they point to, white space is
    /// folded.</summary>
    private static string PlainText(XElement member)
    {
        StringBuilder text = new();
        Append(member, text);
        return string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    private static void Append(XElement element, StringBuilder text)
    {
        foreach (XNode node in element.Nodes())
        {
            if (node is XText content)
            {
                text.Append(content.Value);
            }
            else if (node is XElement child)
            {
                string reference = (string?)child.Attribute("cref") ?? (string?)child.Attribute("langword")
                    ?? (string?)child.Attribute("name") ?? "";
                bool leaf = !child.Nodes().Any();
                text.Append(leaf ? LastSegment(reference) : "");
                if (child.Name.LocalName is "param" or "typeparam") text.Append(' ').Append(reference).Append(' ');
                Append(child, text);
                if (child.Name.LocalName is not ("see" or "paramref" or "typeparamref" or "c")) text.Append(' ');
            }
        }
    }

    private static string LastSegment(string reference)
    {
        int parenthesis = reference.IndexOf('(');
        if (parenthesis >= 0) reference = reference[..parenthesis];
        return reference[(reference.LastIndexOf('.') + 1)..];
    }
}
