using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>Whose disk operation has completed: the kind in bits 24 to 30, the part's own index below. Tokens with
/// bit 31 set are not the replica's; they are free for the storage under the state machine.</summary>
public static class Token
{
    public const uint ForeignBit = 1u << 31;
    private const int KindShift = 24;
    private const uint IndexMask = (1u << KindShift) - 1;

    internal static uint Of(TokenKind kind, int index)
    {
        Check.That(index >= 0 && index <= IndexMask);
        return (uint)kind << KindShift | (uint)index;
    }

    internal static TokenKind Kind(uint token) => (TokenKind)(token >> KindShift);

    internal static int Index(uint token) => (int)(token & IndexMask);
}

internal enum TokenKind : byte
{
    Superblock = 1,
    JournalRecoveryHeaders = 2,
    JournalRecoveryPrepare = 3,
    JournalRepair = 4,
    JournalWrite = 5,
    JournalRead = 6,
    ReplyWrite = 7,
    ReplyRead = 8,
    BlockRead = 9,
    JournalClean = 10,
}
