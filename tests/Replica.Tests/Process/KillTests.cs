using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Replica.Hosting;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Replica.Tests.Process;

/// <summary>A real process on a real file, killed with SIGKILL under load, again and again.
/// DETERMINISTIC_KILL_CYCLES sets how often; the default keeps the suite short.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int DocumentsPerWrite = 50;
    private const int CyclesDefault = 8;

    private static int Cycles =>
        int.TryParse(Environment.GetEnvironmentVariable("DETERMINISTIC_KILL_CYCLES"), CultureInfo.InvariantCulture,
            out int cycles)
            ? cycles : CyclesDefault;

    [Fact]
    public async Task NothingAcknowledgedIsLostAndNothingIsHalfApplied()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        await replica.StartAsync();
        int version = 0;
        int acknowledged = 0;
        int answers = 0;
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            using CancellationTokenSource killed = new();
            await using DeterministicClient writer = Documents.Connect(replica);
            // Versions go on ascending over all cycles, so an old answer can never look like a new one.
            Task load = WriteUntilKilledAsync();
            int target = acknowledged + 1 + cycle * 7 % 40;
            while (Volatile.Read(ref acknowledged) < target && !load.IsCompleted) await Task.Yield();
            await replica.KillAsync();
            await killed.CancelAsync();
            await load.ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            int sent = version;
            int confirmed = acknowledged;

            await replica.StartAsync();
            await using DeterministicClient reader = Documents.Connect(replica);
            (long found, ulong count) = await Documents.ReadAsync(reader);
            Assert.InRange(found, confirmed, sent);
            Assert.Equal((ulong)DocumentsPerWrite, count);

            async Task WriteUntilKilledAsync()
            {
                while (!killed.IsCancellationRequested)
                {
                    version++;
                    WriteRequest request = Documents.Write(version, DocumentsPerWrite);
                    await writer.WriteAsync(request, cancellation: killed.Token);
                    answers++;
                    Volatile.Write(ref acknowledged, version);
                }
            }
        }
        output.WriteLine($"{Cycles} kills, {answers} acknowledged writes of {version} sent");
    }
}
