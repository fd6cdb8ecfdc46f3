using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Namespaces;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>Asks for what trees have about the windows with live documents. Chunks and rows of windows that have died
/// lie in the tables until merges come to them; a walk over live windows does not see them, and nobody waits for
/// them. Neighbouring windows are asked for together.</summary>
internal static class WindowTouch
{
    /// <summary>The windows' bits.</summary>
    public static bool Liveness(Trees trees, NamespaceView view)
    {
        Keys key = new(stackalloc byte[8]);
        return Run(trees.Liveness, view, trees.Liveness, key.Namespace(view.Number).Key, numbers: 1);
    }

    /// <summary>Rows.</summary>
    public static bool Documents(Trees trees, NamespaceView view)
    {
        Keys key = new(stackalloc byte[8]);
        return Run(trees.Documents, view, trees.Liveness, key.Namespace(view.Number).Key, Limits.WindowDocuments);
    }

    /// <summary>Chunks of a column, or of vectors.</summary>
    public static bool Chunks(Trees trees, NamespaceView view, Tree tree, int column)
    {
        Check.That(column <= (Limits.AttributesPerNamespaceMax | Keys.TokenCountColumn));
        Keys key = new(stackalloc byte[10]);
        return Run(
            tree, view, trees.Liveness, key.Namespace(view.Number).Attribute((ushort)column).Key, numbers: 1);
    }

    private static bool Run(Tree tree, NamespaceView view, Tree liveness, ReadOnlySpan<byte> prefix, uint numbers)
    {
        Span<byte> first = stackalloc byte[14];
        Span<byte> last = stackalloc byte[14];
        prefix.CopyTo(first);
        prefix.CopyTo(last);
        int size = prefix.Length + 4;
        LiveWindows windows = new(liveness, view.Number, view.Record.NextDocument);
        bool resident = true;
        bool more = windows.MoveNext();
        while (more)
        {
            uint start = windows.Window;
            uint end = start;
            while ((more = windows.MoveNext()) && windows.Window == end + 1) end++;
            BinaryPrimitives.WriteUInt32BigEndian(first[prefix.Length..], start * numbers);
            BinaryPrimitives.WriteUInt32BigEndian(last[prefix.Length..], end * numbers + (numbers - 1));
            resident &= tree.TouchRange(first[..size], last[..size]);
        }
        return resident;
    }
}
