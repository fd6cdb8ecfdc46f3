using System;
using System.CommandLine;
using System.Threading.Tasks;
using Deterministic.Replica.Benchmark;
using Deterministic.Replica.Checkpoints;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Demo;
using Deterministic.Replica.Hosting;

namespace Deterministic.Replica;

internal static class Program
{
    private static Task<int> Main(string[] arguments)
    {
        if (!BitConverter.IsLittleEndian)
        {
            Console.Error.WriteLine("this machine is big-endian; file format and protocol are little-endian only");
            return Task.FromResult(1);
        }
        RootCommand root = new("Deterministic: a search database on one totally ordered log.")
        {
            FormatCommand.Create(),
            ReplaceCommand.Create(),
            PromoteCommand.Create(),
            StartCommand.Create(),
            GatewayCommand.Create(),
            InspectCommand.Create(),
            RecoverCommand.Create(),
            SnapshotCommand.Create(),
            VersionCommand.Create(),
            BenchmarkCommand.Create(),
            DemoCommand.Create(),
        };
        ClientCommands.AddTo(root);
        return ClientCommands.InvokeAsync(root, arguments);
    }
}
