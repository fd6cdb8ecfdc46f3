using System.CommandLine;
using System.Globalization;
using Deterministic.Replica.Objects;
using Deterministic.Vsr;
using Microsoft.Extensions.Configuration;

namespace Deterministic.Replica.Checkpoints;

/// <summary>Where a running replica keeps its checkpoints, as the command line, the environment or the configuration
/// file says.</summary>
/// <param name="Address">The object store.</param>
/// <param name="Keep">Checkpoints kept beside named snapshots.</param>
/// <param name="LagMax">Checkpoints that the store may lack before writes wait; null: not said.</param>
/// <param name="TakeOver">Go on also behind checkpoints that are not of this data file's past.</param>
internal sealed record ArchiveOptions(ObjectStoreAddress Address, int Keep, int? LagMax, bool TakeOver)
{
    public const int KeepDefault = 8;
    public const int KeepMax = 64;
    private const int LagDefault = 4;

    private static readonly Option<string?> Store = new("--object-store")
        { Description = "Keep checkpoints in dir:PATH or s3://BUCKET/PREFIX[?endpoint=URL], repair blocks from it" };
    private static readonly Option<string?> KeepCheckpoints = new("--keep-checkpoints")
        { Description = $"Checkpoints kept there beside named snapshots, 1 to {KeepMax} (default {KeepDefault})" };
    private static readonly Option<string?> LagCheckpoints = new("--lag-checkpoints")
    {
        Description = "Checkpoints that the store may lack before writes wait for it; 0: they never wait " +
            $"(default {LagDefault}; replicas of a cluster never wait)",
    };
    private static readonly Option<bool> TakesOver = new("--take-over")
        { Description = "Go on also behind checkpoints that are not of this file's past, after a recovery" };

    public static void AddTo(Command command)
    {
        command.Options.Add(Store);
        command.Options.Add(KeepCheckpoints);
        command.Options.Add(LagCheckpoints);
        command.Options.Add(TakesOver);
    }

    /// <summary>Null without an object store, or with an error text if a setting is wrong.</summary>
    public static ArchiveOptions? TryRead(ParseResult arguments, IConfiguration settings, out string error)
    {
        error = "";
        string? store = arguments.GetValue(Store) ?? settings["object_store"];
        string? keepText = arguments.GetValue(KeepCheckpoints) ?? settings["keep_checkpoints"];
        string? lagText = arguments.GetValue(LagCheckpoints) ?? settings["lag_checkpoints"];
        bool takesOver = arguments.GetValue(TakesOver);
        if (store is null)
        {
            if (keepText is not null || lagText is not null || takesOver)
                error = "--keep-checkpoints, --lag-checkpoints and --take-over go with --object-store";
            return null;
        }
        ObjectStoreAddress? address = ObjectStoreAddress.TryParse(store, out error);
        if (address is null)
        {
            error = $"--object-store: {error}";
            return null;
        }
        int keep = KeepDefault;
        int lag = 0;
        if (keepText is not null && (!TryNumber(keepText, out keep) || keep is < 1 or > KeepMax))
            error = $"--keep-checkpoints: \"{keepText}\" is not a whole number from 1 to {KeepMax}";
        else if (lagText is not null && !TryNumber(lagText, out lag))
            error = $"--lag-checkpoints: \"{lagText}\" is not a whole number from 0 on";
        int? lagMax = lagText is null ? null : lag == 0 ? int.MaxValue : lag;
        return error.Length > 0 ? null : new ArchiveOptions(address, keep, lagMax, takesOver);
    }

    /// <summary>What holds for one replica: those of a cluster have a place each under the address that all are told,
    /// and do not wait for it, for what the store lacks the others have.</summary>
    public ArchiveOptions Of(ReplicaOptions replica)
    {
        if (replica.ReplicaCount == 1) return this with { LagMax = LagMax ?? LagDefault };
        string place = string.Create(CultureInfo.InvariantCulture, $"replica-{replica.ReplicaIndex}");
        return this with { Address = Address.Under(place), LagMax = int.MaxValue };
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
