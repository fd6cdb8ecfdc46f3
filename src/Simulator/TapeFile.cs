using System.Diagnostics.CodeAnalysis;
using System.IO;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator;

/// <summary>Recordings of failing runs, as files. Files are outside the simulation: nothing in a run reads or writes
/// one.</summary>
[SuppressMessage(
    "ApiDesign", "RS0030:Do not use banned APIs", Justification = "the command's own files, before and after runs")]
internal static class TapeFile
{
    public static string NameOf(ulong seed) => $"simulation-{seed}.tape";

    public static void Save(string path, TapeRecording recording) => File.WriteAllBytes(path, recording.Save());

    /// <summary>False if there is no such file or if it is not a whole recording.</summary>
    public static bool TryLoad(string path, out TapeRecording recording)
    {
        recording = new TapeRecording();
        return File.Exists(path) && TapeRecording.TryLoad(File.ReadAllBytes(path), out recording);
    }
}
