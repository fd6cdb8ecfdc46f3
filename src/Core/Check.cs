using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Deterministic.Core;

/// <summary>Assertions that stay on in Release. A failed check is a bug: it throws, nothing in the core catches it,
/// and the process (or the simulated replica's harness) stops before wrong bytes can spread.</summary>
public static class Check
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string what = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if (!condition) Fail(what, file, line);
    }

    /// <summary>Documents that <paramref name="condition"/> may hold or not at this point, and that both were thought
    /// of.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Maybe(bool condition) => That(condition || !condition);

    [DoesNotReturn]
    public static void Unreachable(
        string what = "unreachable", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Fail(what, file, line);

    [DoesNotReturn, MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(string what, string file, int line) => throw new CheckFailedException(what, file, line);
}

/// <summary>A broken invariant. Never caught inside the core.</summary>
public sealed class CheckFailedException(string what, string file, int line)
    : Exception($"check failed: {what} at {FileName(file)}:{line}")
{
    public string What { get; } = what;

    private static string FileName(string path)
    {
        int slash = path.LastIndexOfAny(['/', '\\']);
        return slash < 0 ? path : path[(slash + 1)..];
    }
}
