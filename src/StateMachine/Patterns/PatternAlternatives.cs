using Deterministic.Core;

namespace Deterministic.StateMachine.Patterns;

/// <summary>Joins blocks of code, one behind the other, into alternatives: call <see cref="Add"/> behind each, then
/// <see cref="End"/>.</summary>
public ref struct PatternAlternatives(PatternCode code)
{
    /// <summary>Where the last block begins, or -1.</summary>
    private int _last = -1;

    /// <summary>The last jump to the common end, whose target is the jump before it for now; or -1.</summary>
    private int _jump = -1;

    /// <summary>Takes the code from <paramref name="begin"/> on as the next alternative.</summary>
    public void Add(int begin)
    {
        if (code.Overflowed) return;
        if (_last < 0)
        {
            _last = begin;
            return;
        }
        code.Insert(begin, PatternOperation.Jump, _jump);
        code.Insert(_last, PatternOperation.Split, 1, begin - _last + 2);
        _jump = begin + 1;
        _last = begin + 2;
    }

    public readonly void End()
    {
        if (code.Overflowed) return;
        int end = code.Count;
        for (int jump = _jump; jump >= 0;)
        {
            int before = code[jump].X;
            Check.That(code[jump].Operation == PatternOperation.Jump && before < jump);
            code.SetTarget(jump, end - jump);
            jump = before;
        }
    }
}
