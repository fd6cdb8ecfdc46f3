using Deterministic.Replica.Objects;
using Deterministic.Storage.Packs;

namespace Deterministic.Replica.Checkpoints;

/// <summary>Failures of work on checkpoints in an object store, as lines for people that say what to do.</summary>
internal static class FailureText
{
    /// <param name="address">Of the store.</param>
    /// <param name="failure">What is wrong.</param>
    /// <param name="storeError">What the store said last.</param>
    /// <param name="advice">What to do about it, if anything is known.</param>
    public static string Of(
        ObjectStoreAddress address, in PacksFailure failure, string storeError, string advice)
    {
        string key = failure.Key.IsEmpty ? "" : $": {failure.Key}";
        string content = failure.Content == ContentProblem.None ? "" : $" ({failure.Content})";
        bool told = failure.Problem == PacksProblem.Refused && storeError.Length > 0;
        string store = told ? $" ({storeError})" : "";
        return $"{address}: {failure.Text}{key}{content}{store}{(advice.Length > 0 ? "; " : "")}{advice}";
    }

    /// <summary>What to do when checkpoints can no longer be put there.</summary>
    public static string UploadAdvice(in PacksFailure failure) => failure.Problem switch
    {
        PacksProblem.AnotherHistory =>
            "if this data file was recovered from an older checkpoint and is to go on from there, start it once " +
            "with --take-over; otherwise choose another prefix",
        PacksProblem.Superseded =>
            "only one replica may put checkpoints under a prefix: stop the other one or choose another prefix, then " +
            "restart",
        PacksProblem.Refused => "put that right, then restart",
        PacksProblem.CatalogFull => "remove snapshots with `deterministic snapshot delete`, then restart",
        PacksProblem.ObjectDamaged when failure.Content == ContentProblem.WrongCluster =>
            "the checkpoints there are of another cluster: choose another prefix, then restart",
        PacksProblem.ObjectDamaged or PacksProblem.ObjectMissing or PacksProblem.NoCatalog =>
            "restart to go on from what is there, or choose another prefix",
        PacksProblem.TooLarge => "choose another prefix, where packs begin anew, then restart",
        _ => "",
    };
}
