using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Deterministic.Replica.Hosting;

/// <summary>The log of a service on its console: a line each, with the time. Whoever does not read it loses lines, of
/// which it tells; neither requests nor the replica's thread ever wait for a reader.</summary>
internal static class ConsoleLog
{
    public static void AddTo(ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(
            static options => options.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite);
    }
}
