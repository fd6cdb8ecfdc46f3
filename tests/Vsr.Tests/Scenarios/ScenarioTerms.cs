using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>The words of a scenario that stand for numbers, and comparisons of them. <see cref="ScenarioRun"/> lists
/// them.</summary>
internal sealed class ScenarioTerms(ClusterBench bench, ScenarioNetwork network, ScenarioReader reader)
{
    private const int None = -1;

    /// <summary>P, B1, B2 and so on, as the last election made them.</summary>
    private readonly Dictionary<string, int> _roles = [];
    private readonly Dictionary<string, long> _variables = [];
    private readonly SortedDictionary<string, ScenarioClient> _clients = new(StringComparer.Ordinal);

    public IEnumerable<ScenarioClient> Clients => _clients.Values;

    public void BindRoles(int primary)
    {
        _roles.Clear();
        _roles["P"] = primary;
        for (int i = 1; i < bench.Replicas; i++) _roles["B" + i] = (primary + i) % bench.Replicas;
    }

    public void Let(string name, ReadOnlySpan<string> sum) => _variables[name] = Sum(sum);

    public int Replica(string word)
    {
        if (_roles.TryGetValue(word, out int index)) return index;
        if (_variables.TryGetValue(word, out long number) && number >= 0 && number < bench.Nodes.Count)
            return (int)number;
        if (word == "primary" && bench.Primary() >= 0) return bench.Primary();
        bool standby = word[0] == 'S';
        int count = standby ? bench.Standbys : bench.Replicas;
        bool known = word.Length == 2 && (standby || word[0] == 'R') && word[1] - '0' < count && word[1] >= '0';
        if (!known) throw new FormatException($"{word} is no replica");
        return word[1] - '0' + (standby ? bench.Replicas : 0);
    }

    public ScenarioClient Client(string word)
    {
        if (_clients.TryGetValue(word, out ScenarioClient? client)) return client;
        client = new ScenarioClient(ClientNumber(word));
        _clients.Add(word, client);
        return client;
    }

    public static byte ClientNumber(string word)
    {
        bool known = word.Length > 1 && word[0] == 'C' &&
            byte.TryParse(word.AsSpan(1), CultureInfo.InvariantCulture, out byte number) &&
            number is > 0 and < ScenarioReader.Number;
        return known ? byte.Parse(word.AsSpan(1), CultureInfo.InvariantCulture)
            : throw new FormatException($"{word} is no client");
    }

    public ulong Value(string word) => checked((ulong)Term(word));

    public static Command Command(string word) =>
        Enum.TryParse(word.Replace("_", "", StringComparison.Ordinal), ignoreCase: true, out Command command) &&
        Enum.IsDefined(command) ? command : throw new FormatException($"{word} is no command");

    /// <summary>A comparison of two sums, or a term, which is true unless it is 0, or `not` and a term.</summary>
    public bool Holds(ReadOnlySpan<string> words, out string values)
    {
        int at = words.IndexOfAny("=", "<", ">");
        if (at < 0) at = words.IndexOfAny("!=", "<=", ">=");
        bool negated = at < 0 && words is ["not", ..];
        long left = Sum(negated ? words[1..] : at < 0 ? words : words[..at]);
        values = left.ToString(CultureInfo.InvariantCulture);
        if (at < 0) return left != 0 != negated;
        long right = Sum(words[(at + 1)..]);
        values += $" {words[at]} {right}";
        return words[at] switch
        {
            "=" => left == right,
            "!=" => left != right,
            "<" => left < right,
            "<=" => left <= right,
            ">" => left > right,
            _ => left >= right,
        };
    }

    private long Sum(ReadOnlySpan<string> words)
    {
        if (words.Length % 2 == 0) throw new FormatException("a sum is expected");
        long sum = Term(words[0]);
        for (int i = 1; i < words.Length; i += 2)
        {
            if (words[i] is not ("+" or "-")) throw new FormatException($"{words[i]} is neither + nor -");
            sum += words[i] == "+" ? Term(words[i + 1]) : -Term(words[i + 1]);
        }
        return sum;
    }

    private long Term(string word)
    {
        if (long.TryParse(word, CultureInfo.InvariantCulture, out long number)) return number;
        if (_variables.TryGetValue(word, out number)) return number;
        if (Enum.TryParse(word, out ReplicaStatus status)) return (long)status;
        if (Enum.TryParse(word, out ReadResult result)) return (long)result;
        if (Enum.TryParse(word, out EvictionReason reason)) return (long)reason;
        switch (word)
        {
            case "none": return None;
            case "primary": return bench.Primary();
            case "level": return IsLevel() ? 1 : 0;
            case "settled": return IsSettled() ? 1 : 0;
            case "held": return network.Held;
            case "committed": return (long)bench.CommittedMax;
            case "read": return reader.Result is ReadResult of ? (long)of : None;
            case "read.op": return (long)reader.Commit;
            default: return TermOfParts(word.Split('.'));
        }
    }

    private long TermOfParts(string[] parts) => parts switch
    {
        [string replica] => Replica(replica),
        ["mark", string name] when Enum.TryParse(name, out Mark mark) => (long)bench.Marks.Count(mark),
        ["sent", string command] => network.Sent(ScenarioNetwork.Anybody, Command(command)),
        ["equal", string one, string other] => AreEqual(one, other) ? 1 : 0,
        [['C', ..] client, string property] => OfClient(Client(client), property),
        [string replica, "sent", string command] => network.Sent(Replica(replica), Command(command)),
        [string replica, string property] => OfReplica(Replica(replica), property),
        _ => throw new FormatException($"{string.Join('.', parts)} stands for nothing"),
    };

    private static long OfClient(ScenarioClient client, string property) => property switch
    {
        "answered" => client.Answered ? 1 : 0,
        "replies" => client.Replies,
        "evictions" => client.Evictions,
        "reason" => (long)client.Reason,
        "op" => (long)client.Op,
        "timestamp" => (long)client.Timestamp,
        _ => throw new FormatException($"clients have no {property}"),
    };

    private long OfReplica(int index, string property)
    {
        ClusterBench.Node node = bench.Nodes[index];
        if (property == "up") return node.Replica is null ? 0 : 1;
        if (node.Replica is not { } replica) throw new FormatException($"replica {index} is down");
        return property switch
        {
            "op" => (long)replica.Op,
            "commit" => (long)replica.CommitMin,
            "known" => (long)replica.CommitMax,
            "view" => replica.View,
            "checkpoint" => (long)replica.CheckpointOp,
            "incomplete" => (long)replica.IncompleteOp,
            "status" => (long)replica.Status,
            "opened" => replica.IsStateOpen ? 1 : 0,
            "sessions" => replica.SessionsCount,
            "writes" => (long)node.Machine.Count,
            "disk" => node.Disk.Pending,
            "torn" => replica.TornJournalSlots,
            "fixed" => replica.FixedJournalHeaders,
            "proved" => replica.ProvedJournalSlots,
            "copies" => replica.RepairedSuperblockCopies,
            _ => throw new FormatException($"replicas have no {property}"),
        };
    }

    private bool AreEqual(string one, string other) => ScenarioDamage.AreEqual(bench, Replica(one), Replica(other));

    /// <summary>Every replica that is up works in one view that has a primary.</summary>
    private bool IsSettled()
    {
        int primary = bench.Primary();
        return primary >= 0 && bench.Nodes.All(node => node.Replica is null ||
            (node.Replica.Status == ReplicaStatus.Normal && node.Replica.View == bench.Nodes[primary].Replica!.View));
    }

    /// <summary>And has run everything.</summary>
    private bool IsLevel() => IsSettled() && bench.Nodes.All(node => node.Replica is null ||
        (node.Replica.IsStateOpen && node.Replica.CommitMin == bench.CommittedMax));
}
