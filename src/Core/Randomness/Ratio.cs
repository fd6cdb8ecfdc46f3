namespace Deterministic.Core.Randomness;

/// <summary>A probability as a ratio of integers, so that no float decides anything.</summary>
public readonly struct Ratio
{
    public Ratio(uint numerator, uint denominator)
    {
        Check.That(denominator > 0);
        Check.That(numerator <= denominator);
        Numerator = numerator;
        Denominator = denominator;
    }

    public static Ratio Never { get; } = new(0, 1);
    public static Ratio Always { get; } = new(1, 1);

    public uint Numerator { get; }
    public uint Denominator { get; }

    public bool IsNever => Numerator == 0;
    public bool IsAlways => Numerator == Denominator;

    public static Ratio OneIn(uint denominator) => new(1, denominator);
    public static Ratio Percent(uint percent) => new(percent, 100);

    public override string ToString() => $"{Numerator}/{Denominator}";
}
