using System.Threading.Tasks;
using Deterministic.Replica.Hosting;

namespace Deterministic.Replica.Tests.Process;

/// <summary>What a command printed and how it ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    public string All => Output + Errors;

    public static async Task<CommandResult> RunAsync(params string[] arguments)
    {
        using System.Diagnostics.Process process = ChildReplica.Run(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new CommandResult(process.ExitCode, await output, await errors);
    }
}
