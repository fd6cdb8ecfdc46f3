namespace Deterministic.StateMachine;

/// <summary>The integer helpers that the state machine uses in place of System.Math.</summary>
internal static class Math32
{
    public static int Min(int a, int b) => a < b ? a : b;
    public static int Max(int a, int b) => a > b ? a : b;
}
