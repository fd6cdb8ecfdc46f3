using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Why a request must be refused, to the letter.</summary>
internal sealed class Refusal(ErrorCode code, string text)
{
    public ErrorCode Code { get; } = code;
    public string Text { get; } = text;

    public static Refusal Malformed(string where) =>
        new(ErrorCode.Malformed, "request does not decode: " + where);

    public static Refusal Invalid(string text) => new(ErrorCode.InvalidArgument, text);

    public static Refusal NotFound(string name) =>
        new(ErrorCode.NamespaceNotFound, $"namespace `{name}` was not found");

    /// <summary>Of a namespace's name.</summary>
    public static Refusal? OfName(string name)
    {
        if (name.Length > 128)
            return new(ErrorCode.NamespaceNameInvalid, "Namespace is too long, limit is currently 128 characters");
        bool valid = name.Length > 0;
        foreach (char c in name) valid &= char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
        return valid ? null : new(ErrorCode.NamespaceNameInvalid,
            "Namespace contains invalid characters, must be [A-Za-z0-9-_.]{1,128}");
    }
}
