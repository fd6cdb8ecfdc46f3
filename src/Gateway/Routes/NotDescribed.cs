namespace Deterministic.Gateway.Routes;

/// <summary>On routes that openapi.json leaves out: those that only refuse, and the files of the console.</summary>
internal sealed class NotDescribed
{
    public static readonly NotDescribed Instance = new();
}
