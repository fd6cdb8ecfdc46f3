using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;

namespace Deterministic.Simulator.World;

/// <summary>The object stores of a run: each replica that keeps checkpoints has a place of its own.</summary>
internal sealed class Archives
{
    private readonly List<(SimulatedArchive Archive, ArchiveChecker Checker)> _all = [];

    public bool IsEmpty => _all.Count == 0;

    public void Add(SimulatedArchive archive, ArchiveChecker checker) => _all.Add((archive, checker));

    /// <summary>When the next request to a store ends; the greatest number if none is under way.</summary>
    public ulong NextDue
    {
        get
        {
            ulong next = ulong.MaxValue;
            foreach ((SimulatedArchive archive, _) in _all) next = ulong.Min(next, archive.Store.NextDue);
            return next;
        }
    }

    public void SetNow(ulong now)
    {
        foreach ((SimulatedArchive archive, _) in _all) archive.Store.Now = now;
    }

    /// <summary>No request fails any more.</summary>
    public void Heal()
    {
        foreach ((SimulatedArchive archive, _) in _all) archive.Store.Healed = true;
    }

    /// <summary>No replica that runs is uploading or repairing.</summary>
    public bool AreIdle => _all.TrueForAll(static each => each.Archive.Idle);

    /// <summary>Lets a request end that is due, of the drawn one of the stores that have any.</summary>
    /// <param name="now">The time.</param>
    /// <param name="order">Which one.</param>
    /// <param name="checks">A catalog that has changed is checked.</param>
    public void CompleteOne(ulong now, TapeStream order, bool checks)
    {
        List<(SimulatedArchive Archive, ArchiveChecker Checker)> due =
            _all.FindAll(each => each.Archive.Store.NextDue <= now);
        Check.That(due.Count > 0);
        (SimulatedArchive archive, ArchiveChecker checker) = due[order.Below(due.Count)];
        archive.CompleteOne();
        if (checks) checker.CheckChange();
    }

    /// <summary>Damages something in a store.</summary>
    public void Damage(TapeStream tape)
    {
        foreach ((SimulatedArchive archive, _) in _all) archive.Damage(tape);
    }

    /// <summary>Restores all checkpoints, or the newest of each store; says how many.</summary>
    public int Restore(bool newestOnly)
    {
        int restored = 0;
        foreach ((_, ArchiveChecker checker) in _all) restored += checker.Check(newestOnly);
        return restored;
    }

    /// <summary>Blocks of the checkpoint that was restored last.</summary>
    public List<BlockReference> BlocksRestored => _all[^1].Checker.Blocks;
}
