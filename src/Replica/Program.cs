using System.CommandLine;
using Deterministic.Replica.Commands;

RootCommand root = new("Deterministic: a replicated search database.");
ClientCommands.AddTo(root);
return await ClientCommands.InvokeAsync(root, args);
