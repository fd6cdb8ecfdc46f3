using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>How long another's silence lasts before it is taken for a failure, in ticks: several times the longest gap
/// between two of its signs of life lately, so that it is short where they come evenly and long where they do not.
/// Somebody who is suspected, rightly or not, is given twice as long the next time.</summary>
public sealed class Patience
{
    private const int Factor = 4;

    private readonly int _leastTicks;
    private readonly int _mostTicks;
    private readonly int _windowTicks;

    /// <summary>Longest gap of the window before and of this one, so that none is forgotten at once.</summary>
    private int _before;
    private int _now;
    private int _windowLeft;

    /// <param name="leastTicks">Never shorter.</param>
    /// <param name="mostTicks">Never longer.</param>
    /// <param name="startTicks">At first, before anything is known.</param>
    /// <param name="windowTicks">A gap counts for one to two times as long.</param>
    public Patience(int leastTicks, int mostTicks, int startTicks, int windowTicks)
    {
        Check.That(leastTicks > 0 && startTicks >= leastTicks && startTicks <= mostTicks);
        Check.That(windowTicks > mostTicks, "a window holds several gaps");
        _leastTicks = leastTicks;
        _mostTicks = mostTicks;
        _windowTicks = windowTicks;
        _windowLeft = windowTicks;
        _before = startTicks / Factor;
    }

    public int Ticks => int.Clamp(Factor * int.Max(_before, _now), _leastTicks, _mostTicks);

    /// <summary>Ticks since the last sign of life.</summary>
    public int SilentTicks { get; private set; }

    public void Tick()
    {
        if (SilentTicks < _mostTicks) SilentTicks++;
        if (--_windowLeft > 0) return;
        _windowLeft = _windowTicks;
        _before = _now;
        _now = 0;
    }

    public void Heard()
    {
        _now = int.Max(_now, SilentTicks);
        SilentTicks = 0;
    }

    /// <summary>The silence was longer than this allowed.</summary>
    public void Suspect()
    {
        int next = int.Min(2 * Ticks, _mostTicks);
        _now = int.Max(_now, (next + Factor - 1) / Factor);
        SilentTicks = 0;
        Check.That(Ticks >= next);
    }

    /// <summary>Somebody else is listened to from now on.</summary>
    public void Restart() => SilentTicks = 0;
}
