using System;
using System.Collections.Generic;
using System.IO;
using Deterministic.Core.Randomness;
using Deterministic.TestSupport;

namespace Deterministic.Fuzz;

/// <summary>Small inputs of every target in the source tree: valid ones written by the generators, and those that once
/// failed.</summary>
internal static class Corpus
{
    private const int Files = 4;
    private const int FileSizeMax = 4608;

    /// <summary>All files of a target in the order of their names.</summary>
    public static byte[][] Load(string target)
    {
        List<string> paths = Repository.Files([Path.Combine("fuzz", "corpus", target)], ".bin");
        byte[][] inputs = new byte[paths.Count][];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = File.ReadAllBytes(paths[i]);
        return inputs;
    }

    /// <summary>Writes the first small inputs that the target accepts.</summary>
    public static int Write(TargetDescription target)
    {
        string folder = Path.Combine(Repository.Root, "fuzz", "corpus", target.Name);
        Directory.CreateDirectory(folder);
        Target run = target.Make();
        int written = 0;
        for (ulong seed = 1; seed < 10_000 && written < Files; seed++)
        {
            byte[] input = target.Generate(Tape.Seeded(seed).Stream(TapeConsumer.Input));
            Tally tally = new();
            run(input, tally);
            if (input.Length > FileSizeMax || tally.Accepted == 0) continue;
            File.WriteAllBytes(Path.Combine(folder, $"seed-{seed}.bin"), input);
            written++;
        }
        Console.WriteLine($"{target.Name}: {written} files in {folder}");
        return written == Files ? 0 : 1;
    }
}
