using Deterministic.Core;

namespace Deterministic.Accel;

/// <summary>The constants of the canonical sum L16B1024, and what every kernel demands of its arguments.</summary>
public static class KernelShape
{
    /// <summary>Lane l takes the elements i ≡ l (mod 16) of a block.</summary>
    public const int Lanes = 16;

    /// <summary>Dimensions per block; block results are added in ascending order. A multiple of
    /// <see cref="Lanes"/>.</summary>
    public const int BlockDimensions = 1024;

    /// <summary>Checks that <paramref name="rowsLength"/> elements are one row of <paramref name="dimensions"/> per
    /// score, and that no integer kernel can overflow: 255² · DimensionsMax is below 2³¹.</summary>
    internal static void CheckRows(int dimensions, int rowsLength, int scoresLength)
    {
        Check.That(dimensions > 0 && dimensions <= Limits.DimensionsMax);
        Check.That(rowsLength == (long)dimensions * scoresLength);
    }
}
