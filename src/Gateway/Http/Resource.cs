using System.IO;
using System.Reflection;

namespace Deterministic.Gateway.Http;

/// <summary>Files that are part of the program.</summary>
internal static class Resource
{
    public static byte[] Read(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new FileNotFoundException($"{name} is not part of the program");
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
