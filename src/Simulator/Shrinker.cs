using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;

namespace Deterministic.Simulator;

/// <summary>Makes a failing recording smaller while the same check fails: shortens the streams, deletes spans of them,
/// and sets choices to zero or halves them, the parameters of the world first.</summary>
internal sealed class Shrinker(
    Plant plant, Action<string> report, SimulationOptions? options = null, int attemptsMax = 600)
{
    private ulong _stepsMax = ulong.MaxValue;
    private SimulationResult? _best;
    private string _failure = "";

    public int Attempts { get; private set; }

    /// <summary>False if the recording does not fail at all.</summary>
    public bool TryShrink(TapeRecording recording, out SimulationResult smallest)
    {
        smallest = Replay(recording);
        if (smallest.Passed) return false;
        _failure = smallest.Failure;
        _best = smallest;
        // A world without delays can keep its replicas busy with each other for hours.
        _stepsMax = checked(2 * smallest.Steps);
        Best.Recording.Trim();
        int before = Weight(Best.Recording);
        report($"shrink   {Best.Recording.Length} choices: {_failure}");
        int round = int.MaxValue;
        while (Weight(Best.Recording) < round && Attempts < attemptsMax)
        {
            round = Weight(Best.Recording);
            for (TapeConsumer consumer = 0; consumer < TapeConsumer.Count; consumer++)
            {
                Zero(consumer);
                Delete(consumer);
                Lower(consumer);
            }
            report($"shrink   {Best.Recording.Length} choices after {Attempts} attempts");
        }
        Check.That(Weight(Best.Recording) <= before);
        smallest = Best;
        return true;
    }

    private SimulationResult Best => _best!;

    private SimulationResult Replay(TapeRecording recording) =>
        SimulationResult.Of(
            Tape.Replay(recording), plant, options ?? SimulationOptions.Default, static _ => { }, _stepsMax);

    /// <summary>Sets spans to zero, half of the stream first, then ever smaller ones.</summary>
    private void Zero(TapeConsumer consumer) => ForSpans(consumer, static (choices, start, size) =>
    {
        for (int i = start; i < start + size; i++) choices[i] = 0;
    });

    private void Delete(TapeConsumer consumer) =>
        ForSpans(consumer, static (choices, start, size) => choices.RemoveRange(start, size));

    private void ForSpans(TapeConsumer consumer, Action<List<ulong>, int, int> edit)
    {
        const int perStream = 24;
        int tried = 0;
        for (int size = Best.Recording[consumer].Count; size > 0 && tried < perStream; size /= 2)
        {
            int start = Best.Recording[consumer].Count - size;
            for (; start >= 0 && tried < perStream; start -= size, tried++)
            {
                if (start + size > Best.Recording[consumer].Count) continue;
                TapeRecording edited = Best.Recording.Copy();
                edit(edited[consumer], start, size);
                Try(edited);
            }
        }
    }

    /// <summary>Halves single choices of the short streams.</summary>
    private void Lower(TapeConsumer consumer)
    {
        const int choicesMax = 64;
        for (int i = 0; i < Best.Recording[consumer].Count && Best.Recording[consumer].Count <= choicesMax; i++)
        {
            TapeRecording edited = Best.Recording.Copy();
            if (edited[consumer][i] == 0) continue;
            edited[consumer][i] /= 2;
            Try(edited);
        }
    }

    private void Try(TapeRecording edited)
    {
        edited.Trim();
        if (Attempts >= attemptsMax || Weight(edited) >= Weight(Best.Recording)) return;
        Attempts++;
        SimulationResult result = Replay(edited);
        if (result.Failure != _failure) return;
        result.Recording.Trim();
        if (Weight(result.Recording) < Weight(Best.Recording)) _best = result;
    }

    /// <summary>Fewer choices that are not zero are smaller; then lower ones.</summary>
    private static int Weight(TapeRecording recording)
    {
        int weight = 0;
        for (TapeConsumer consumer = 0; consumer < TapeConsumer.Count; consumer++)
        {
            foreach (ulong choice in recording[consumer])
                weight += choice == 0 ? 1 : 2 + 64 - System.Numerics.BitOperations.LeadingZeroCount(choice);
        }
        return weight;
    }
}
