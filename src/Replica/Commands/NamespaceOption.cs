using System.CommandLine;

namespace Deterministic.Replica.Commands;

/// <summary>The namespace that a command works on.</summary>
internal static class NamespaceOption
{
    public static Option<string> Create() => new("--namespace", "-n")
    {
        Description = "The namespace: 1 to 128 of A-Z a-z 0-9 - _ .",
        HelpName = "NS",
        Required = true,
    };
}
