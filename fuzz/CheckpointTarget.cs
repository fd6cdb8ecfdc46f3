using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;

namespace Deterministic.Fuzz;

/// <summary>Opens forged checkpoints of a forest. The input: which checkpoint, then changes, each with
/// checksums made right up to the root. A forest must open and serve, or refuse, or find a damaged block.</summary>
internal sealed class CheckpointTarget
{
    private readonly List<(byte[] Grid, BlockReference Root)> _checkpoints = CheckpointProbe.MakeCheckpoints();
    private readonly List<ForgedCheckpoint> _forged = [];

    public CheckpointTarget()
    {
        foreach ((byte[] grid, BlockReference root) in _checkpoints)
            _forged.Add(new ForgedCheckpoint(grid, CheckpointProbe.BlockSize, root, CheckpointProbe.TreeCount));
    }

    public static byte[] Generate(TapeStream tape)
    {
        byte[] input = new byte[1 + CheckpointEdit.Size * tape.Below(3)];
        tape.Bytes(input);
        return input;
    }

    public void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        if (input.IsEmpty) return;
        int chosen = input[0] % _checkpoints.Count;
        ForgedCheckpoint checkpoint = _forged[chosen];
        bool forged = input.Length > CheckpointEdit.Size;
        for (input = input[1..]; input.Length >= CheckpointEdit.Size; input = input[CheckpointEdit.Size..])
            CheckpointEdit.Apply(input, checkpoint);
        OpenResult result;
        bool used;
        try
        {
            result = CheckpointProbe.Try(_checkpoints[chosen].Grid, checkpoint.Root, out used);
        }
        finally
        {
            checkpoint.Restore();
        }
        tally.Count(result == OpenResult.Opened);
        Check.That(forged || used, "a checkpoint that is none the worse does not serve");
    }
}
