using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Timeline;

/// <summary>What a message says, in a few words.</summary>
internal static class MessageText
{
    public static string Of(in Header header) => header.Command switch
    {
        Command.Request => $"request {header.Request.RequestNumber} {header.Request.Operation}",
        Command.Reply => $"reply op {header.Reply.Op}",
        Command.Prepare => $"prepare op {header.Prepare.Op} of view {header.View}",
        Command.PrepareOk => $"prepare_ok op {header.PrepareOk.Op} in view {header.View}",
        Command.Commit => $"commit {header.Commit.Commit} in view {header.View}",
        Command.ExitView => $"exit_view {header.View}",
        Command.JoinView => $"join_view {header.View}, log of view {header.JoinView.LogView}, " +
            $"op {header.JoinView.Op}, commit {header.JoinView.CommitMin}",
        Command.View => $"view {header.View}, op {header.ViewChange.Op}, commit {header.ViewChange.CommitMax}",
        Command.GetHeaders => $"get_headers {header.GetHeaders.OpMin} to {header.GetHeaders.OpMax}",
        Command.GetPrepare => $"get_prepare op {header.GetPrepare.Op}",
        Command.Read => $"{header.ReadRequest.Consistency} read {header.ReadRequest.Number}",
        Command.ReadReply => $"{header.ReadReply.Result} at op {header.ReadReply.Commit}",
        _ => header.Command.ToString(),
    };
}
