using System;
using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Deterministic.Core.Objects;
using Deterministic.Replica.Commands;
using Deterministic.Storage.Packs;

namespace Deterministic.Replica.Checkpoints;

/// <summary>`deterministic snapshot`: keeps checkpoints in an object store under names, also while a replica is adding
/// to it.</summary>
internal static class SnapshotCommand
{
    private static readonly Option<string> Store = new("--object-store")
        { Description = "Where the checkpoints are: dir:PATH or s3://BUCKET/PREFIX[?endpoint=URL]", Required = true };
    private static readonly Option<string> Checkpoint = new("--checkpoint")
    {
        Description = "latest, or the op of a checkpoint that is kept (default latest)",
        DefaultValueFactory = _ => "latest",
    };
    private static readonly Argument<string> Name = new("NAME") { Description = "Name of the snapshot" };

    public static Command Create()
    {
        Command create = new("create", "Keep a checkpoint under a name until the name is deleted.\n\n" +
            "Example: deterministic snapshot create before-upgrade --object-store dir:/backup/objects")
        {
            Name, Store, Checkpoint,
        };
        create.SetAction(RunCreate);
        Command list = new("list", "List the snapshots.\n\n" +
            "Example: deterministic snapshot list --object-store dir:/backup/objects") { Store };
        list.SetAction(arguments =>
            new CheckpointList(Console.Out).Run(arguments.GetRequiredValue(Store), namedOnly: true));
        Command delete = new("delete", "Let go of a snapshot; its space is free once no checkpoint needs it.\n\n" +
            "Example: deterministic snapshot delete before-upgrade --object-store dir:/backup/objects")
        {
            Name, Store,
        };
        delete.SetAction(RunDelete);
        return new Command("snapshot", "Checkpoints in an object store that are kept under names.")
        {
            create, list, delete,
        };
    }

    private static int RunCreate(ParseResult arguments)
    {
        string checkpoint = arguments.GetRequiredValue(Checkpoint);
        bool known = CheckpointChoice.TryParse(Encoding.UTF8.GetBytes(checkpoint), out CheckpointChoice choice);
        if (!known || !choice.Name.IsEmpty)
            return Fail($"--checkpoint: \"{checkpoint}\" is neither latest nor an op above 0", ExitCode.Usage);
        if (!TryReadName(arguments, out ObjectKey name, out string error)) return Fail(error, ExitCode.Usage);
        using ObjectStoreSession? session =
            ObjectStoreSession.TryOpen(arguments.GetRequiredValue(Store), out error);
        if (session is null) return Fail(error, ExitCode.Failed);
        SnapshotEditor editor = NewEditor(session);
        editor.Create(in choice, name.Bytes);
        if (!TryFinish(session, editor, out error)) return Fail(error, ExitCode.Failed);
        Console.WriteLine($"snapshot {name}: checkpoint {editor.Catalog[editor.Catalog.Find(name.Bytes)].Op}");
        return ExitCode.Ok;
    }

    private static int RunDelete(ParseResult arguments)
    {
        if (!TryReadName(arguments, out ObjectKey name, out string error)) return Fail(error, ExitCode.Usage);
        string store = arguments.GetRequiredValue(Store);
        using ObjectStoreSession? session = ObjectStoreSession.TryOpen(store, out error);
        if (session is null) return Fail(error, ExitCode.Failed);
        if (session.Catalog.Find(name.Bytes) < 0)
            return Fail($"{store}: there is no snapshot \"{name}\"; `deterministic snapshot list --object-store " +
                $"{store}` lists those there are", ExitCode.Failed);
        SnapshotEditor editor = NewEditor(session);
        editor.Delete(name.Bytes);
        if (!TryFinish(session, editor, out error)) return Fail(error, ExitCode.Failed);
        Console.WriteLine($"snapshot {name}: deleted");
        return ExitCode.Ok;
    }

    private static bool TryReadName(ParseResult arguments, out ObjectKey name, out string error)
    {
        string text = arguments.GetRequiredValue(Name);
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        bool valid = CatalogEntry.IsName(bytes);
        name = valid ? new ObjectKey(bytes) : default;
        error = valid ? "" : $"NAME: \"{text}\" cannot name a snapshot; use 1 to {CatalogEntry.NameSizeMax} of a-z, " +
            "0-9, dot, underscore and hyphen, not a dot first, not digits alone, and not latest";
        return valid;
    }

    private static SnapshotEditor NewEditor(ObjectStoreSession session) => new(session.Memory, new RestorerOptions
    {
        Store = session.Store, Prefix = default, Cluster = session.Cluster,
    });

    /// <summary>Passes on what the store answers until the change is made; false and why if it cannot be.</summary>
    private static bool TryFinish(ObjectStoreSession session, SnapshotEditor editor, out string error)
    {
        long answered = Stopwatch.GetTimestamp();
        error = "";
        while (!editor.IsDone && editor.Failure.IsNone)
        {
            bool any = false;
            while (session.Store.TryTakeCompletion(out uint token, out ObjectResult result))
            {
                if (result.Status is not (ObjectStatus.Throttled or ObjectStatus.Unknown))
                    answered = Stopwatch.GetTimestamp();
                editor.OnObject(token, in result);
                any = true;
            }
            if (any) continue;
            if (Stopwatch.GetElapsedTime(answered) > ObjectStoreSession.Patience) error = session.NoAnswerText();
            if (error.Length > 0) return false;
            session.Wake.Wait(ObjectStoreSession.TickInterval);
            editor.Tick();
        }
        if (!editor.Failure.IsNone) error = session.TextOf(editor.Failure);
        return editor.Failure.IsNone;
    }

    private static int Fail(string error, int code)
    {
        Console.Error.WriteLine(error);
        return code;
    }
}
