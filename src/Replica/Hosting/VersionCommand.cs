using System;
using System.CommandLine;
using System.Runtime.InteropServices;
using Deterministic.Core.Wire;
using Command = System.CommandLine.Command;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic version`.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        Command command = new("version", "Print the version of the software, of its protocol, and what it runs on.");
        command.SetAction(_ =>
        {
            Console.WriteLine($"deterministic {typeof(VersionCommand).Assembly.GetName().Version?.ToString(3)}");
            Console.WriteLine($"release {Header.ReleaseCurrent}, protocol {Header.ProtocolVersion}");
            Console.WriteLine($"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}");
        });
        return command;
    }
}
