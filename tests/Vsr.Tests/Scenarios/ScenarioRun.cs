using System;
using System.Globalization;
using System.Linq;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>Carries out a scenario, one line after the other.
/// <para>Replicas are R0, R1 and so on, standbys S0, S1; or by their part in the view that the last <c>elect</c> found:
/// P is its primary, B1 the replica that is the next view's primary, B2 the one after that; or primary, of the newest
/// view. Clients are C1, C2 and so on. Commands are those of the wire, as in <c>prepare_ok</c>. Always, whatever a
/// scenario says: no two replicas may reach different states by the same op, no request be answered in two ways, no
/// strong read miss what was answered before it.</para>
/// <code>
/// cluster N [standbys M]       N new replicas, and M standbys, started
/// elect                        waits until all that are up work in one view and binds P, B1, ...
/// tick N                       time passes; what is sent arrives, what a disk was told to do is done
/// until CONDITION              as many ticks as it takes, at most 6000
/// expect [for N] CONDITION     or else the scenario has failed; for N ticks on end
/// let NAME = SUM               NAME stands for this number, also where a replica is named
/// write N [by C] [to R]        N requests of C1 (or C), to all replicas (or R) until each is answered; before them
///                              one that is not answered yet
/// store N ...                  as write, with answers that are too large to be kept in memory
/// register C...                new sessions, as write
/// send C... to R               a new request of each client, once; nothing is waited for
/// resend C... to R             the last request of each client again, byte for byte
/// foreign C to R               the last request of C, for another cluster
/// read strong from R           a read outside of the log, once
/// read stale [least OP] [age MILLISECONDS] from R
/// garbage N to R               N messages of bytes by chance
/// absurd N to R                N messages with right checksums and fields by chance
/// cut R... [| R...]            nothing passes between these replicas and the others
/// cut R>R                      nothing passes on this way
/// drop|hold COMMAND [from R] [to R]   such messages are lost, or kept back; COMMAND may be all
/// heal                         cut, drop and hold end; what is kept back stays so
/// release [reversed|twice]     what is kept back is on its way
/// forget                       what is kept back is lost
/// stall R, resume R            writes and reads of the disk stay under way, or go on
/// step R N                     the next N operations of a stalled disk are done
/// fail R                       from now on writes of the disk fail
/// crash R|all [torn|written]   power off: writes under way leave nothing, or garbage, or are done
/// start R|all                  all that are down
/// replace R                    R, which is down, has a new disk
/// promote S to R               R, which is down, has the disk of S, which is down and gets a new one
/// corrupt R prepare|header OP  one byte of an entry of the journal, or of its header in the ring of headers
/// corrupt R entry|padding OP   both, or a byte behind the entry that is always 0
/// corrupt R superblock COPY    of 0 to 3
/// corrupt R reply C            the stored reply
/// corrupt R root, corrupt R blocks    the root block of the checkpoint, or every block
/// misdirect R OP OP            the entry of one op is in the slot of another
/// remember R                   the disk as it is now, for
/// revert R prepare|header|superblock N    what was written there since is lost
/// clock R NANOSECONDS          the time of day of R's machine
/// may stop                     replicas may stop for good
/// recover                      heal, resume and start all, elect, write 1, until level
/// </code>
/// A CONDITION compares two SUMs with = != &lt; &lt;= &gt; &gt;=, or is one term that is not 0, or is <c>not</c> and a
/// term. A SUM is terms with + and - between. Terms: numbers; names of let; replicas (their number), none (-1), primary
/// (of the newest view), committed (the last op that any replica has run), level (1 if all that are up have run all in
/// one view), settled (all that are up work in one view), held (messages kept back); names of <see
/// cref="ReplicaStatus"/>, <see cref="ReadResult"/> and <see cref="EvictionReason"/>; read (result of the last read, or
/// none) and read.op (of the state that it saw); mark.NAME of <see cref="Core.Tracing.Mark"/>; sent.COMMAND and
/// R.sent.COMMAND; C.answered, replies, evictions, reason, op, timestamp; R.up, op, commit (run), known (as committed),
/// view, checkpoint, incomplete, status, opened, sessions, writes (run), disk (operations under way), torn, fixed
/// (journal slots at opening), proved (journal slots since), copies (superblocks repaired); equal.R.R (1 if the blocks
/// and replies on the two disks are the same).</summary>
internal sealed class ScenarioRun : IDisposable
{
    private const int UntilTicksMax = 6000;
    private const int AnswerTriesMax = 100;
    private const int AnswerTicks = 20;

    private readonly Random _random = new(1);
    private readonly ScenarioReader _reader = new();
    private ClusterBench? _bench;
    private ScenarioNetwork _network = null!;
    private ScenarioTerms _terms = null!;
    private byte[] _remembered = [];
    private int _replies;

    private ClusterBench Cluster => _bench ?? throw new FormatException("there is no cluster");

    public static void Run(Scenario scenario)
    {
        using ScenarioRun run = new();
        foreach (ScenarioStep step in scenario.Steps.Skip(1))
        {
            try
            {
                run.Do(step.Words);
                run.TakeReplies();
            }
            catch (Exception exception)
            {
                string state = run._bench is null ? "" : ChaosRun.State(run._bench);
                bool cut = exception is IndexOutOfRangeException or ArgumentOutOfRangeException;
                string text = cut ? "words are missing" : exception.Message;
                throw Scenario.Problem(step, $"{text}\n{state}", exception);
            }
        }
    }

    private void Do(string[] words)
    {
        switch (words[0])
        {
            case "cluster":
                StartCluster(Number(words[1]), After(words, "standbys") is string standbys ? Number(standbys) : 0);
                break;
            case "elect": Elect(); break;
            case "tick": Tick(Number(words[1])); break;
            case "until": Until(words[1..]); break;
            case "expect" when words[1] == "for": ExpectFor(Number(words[2]), words[3..]); break;
            case "expect": Expect(words[1..]); break;
            case "let" when words[2] == "=": Terms.Let(words[1], words.AsSpan(3)); break;
            case "write" or "store":
                Write(Number(words[1]), After(words, "by") ?? "C1", After(words, "to"), words[0] == "store");
                break;
            case "register": Array.ForEach(words[1..], client => Register(client, to: null)); break;
            case "may" when words[1] == "stop": Cluster.MayStop = true; break;
            case "recover": Recover(); break;
            case "send" or "resend" or "foreign" or "garbage" or "absurd": Send(words); break;
            case "read": Read(words); break;
            case "cut" or "drop" or "hold" or "heal" or "release" or "forget": Network(words); break;
            default: Harm(words); break;
        }
    }

    private ScenarioTerms Terms => _terms ?? throw new FormatException("there is no cluster");

    private void Harm(string[] words)
    {
        bool all = words.Length > 1 && words[1] == "all";
        int replica = all || words.Length < 2 ? -1 : Terms.Replica(words[1]);
        switch (words[0])
        {
            case "crash":
                for (byte i = 0; i < Cluster.Nodes.Count; i++)
                    if (i == replica || (all && Cluster.Nodes[i].Replica is not null))
                        Crash(i, words.Length > 2 ? words[2] : "");
                break;
            case "start":
                for (byte i = 0; i < Cluster.Nodes.Count; i++)
                    if (i == replica || (all && Cluster.Nodes[i].Replica is null)) Cluster.Start(i);
                Cluster.Settle();
                break;
            case "replace": Cluster.Replace((byte)replica); break;
            case "promote": Cluster.Promote((byte)replica, (byte)Terms.Replica(After(words, "to") ?? "")); break;
            case "clock": Cluster.Nodes[replica].Clock.RealtimeNanoseconds = (ulong)Number(words[2]); break;
            default: HarmDisk(words, replica); break;
        }
    }

    private void HarmDisk(string[] words, int replica)
    {
        ClusterBench.Node node = replica < 0 ? throw new FormatException($"{words[0]} is no step")
            : Cluster.Nodes[replica];
        switch (words[0])
        {
            case "stall": node.DiskStalls = true; break;
            case "resume": Resume(replica); break;
            case "step":
                for (int i = 0; i < Number(words[2]); i++)
                    ClusterBench.Assert(Cluster.CompleteDisk((byte)replica), "the disk has nothing to do");
                Cluster.Settle();
                break;
            case "fail": node.Disk.FailWriteAfter = node.Disk.WritesCompleted; break;
            case "remember": _remembered = [.. node.File.Bytes]; break;
            case "revert":
                ScenarioDamage.Revert(Cluster, replica, _remembered, words[2], Terms.Value(words[3]));
                break;
            case "misdirect":
                ScenarioDamage.Misdirect(Cluster, replica, Terms.Value(words[2]), Terms.Value(words[3]));
                break;
            case "corrupt": Corrupt(replica, words[2..]); break;
            default: throw new FormatException($"{words[0]} is no step");
        }
    }

    private void Corrupt(int replica, string[] words)
    {
        switch (words[0])
        {
            case "prepare": ScenarioDamage.Prepare(Cluster, replica, Terms.Value(words[1])); break;
            case "header": ScenarioDamage.JournalHeader(Cluster, replica, Terms.Value(words[1])); break;
            case "padding": ScenarioDamage.Padding(Cluster, replica, Terms.Value(words[1])); break;
            case "entry":
                Corrupt(replica, ["prepare", words[1]]);
                Corrupt(replica, ["header", words[1]]);
                break;
            case "superblock": ScenarioDamage.Superblock(Cluster, replica, Number(words[1])); break;
            case "reply": ScenarioDamage.Reply(Cluster, replica, ScenarioTerms.ClientNumber(words[1])); break;
            case "root": ScenarioDamage.Root(Cluster, replica); break;
            case "blocks": ScenarioDamage.Blocks(Cluster, replica); break;
            default: throw new FormatException($"{words[0]} cannot be corrupted");
        }
    }

    private void Network(string[] words)
    {
        string? from = After(words, "from");
        string? to = After(words, "to");
        switch (words[0])
        {
            case "heal": _network.Heal(); break;
            case "forget": _network.Forget(); break;
            case "release": _network.Release(words[^1] == "reversed", words[^1] == "twice" ? 2 : 1); break;
            case "cut" when words[1].Contains('>'):
                string[] ends = words[1].Split('>');
                _network.Add(null, Terms.Replica(ends[0]), Terms.Replica(ends[1]), holds: false);
                break;
            case "cut":
                string[] side = words[1..].TakeWhile(word => word != "|").ToArray();
                _network.Cut([.. side.Select(Terms.Replica)]);
                break;
            default:
                _network.Add(
                    words[1] == "all" ? null : ScenarioTerms.Command(words[1]),
                    from is null ? ScenarioNetwork.Anybody : Terms.Replica(from),
                    to is null ? ScenarioNetwork.Anybody : Terms.Replica(to), words[0] == "hold");
                break;
        }
    }

    private void Send(string[] words)
    {
        if (words.Length < 4 || words[^2] != "to") throw new FormatException("whom to?");
        byte replica = (byte)Terms.Replica(words[^1]);
        foreach (string word in words[1..^2])
        {
            if (words[0] is "garbage" or "absurd")
            {
                bool garbage = words[0] == "garbage";
                for (int i = 0; i < Number(word); i++)
                {
                    Cluster.Send(replica, garbage ? ScenarioDamage.Garbage(_random)
                        : ScenarioDamage.Absurd(_random, Cluster.Nodes.Count));
                    Cluster.Settle();
                }
                continue;
            }
            ScenarioClient client = Terms.Client(word);
            if (words[0] == "send") client.MakeWrite();
            Cluster.Send(replica, words[0] == "foreign" ? ScenarioDamage.Foreign(client.Request) : client.Request);
        }
        Cluster.Settle();
    }

    private void Read(string[] words)
    {
        if (words[1] is not ("strong" or "stale")) throw new FormatException($"{words[1]} is no kind of read");
        ulong least = After(words, "least") is string op ? Terms.Value(op) : 0;
        uint age = After(words, "age") is string milliseconds ? (uint)Number(milliseconds) : 0;
        ulong answered = Terms.Clients.Select(client => client.Op).DefaultIfEmpty().Max();
        byte replica = (byte)Terms.Replica(After(words, "from") ?? throw new FormatException("from whom?"));
        Cluster.Send(replica, _reader.Make(words[1] == "strong", least, age, answered));
        Cluster.Settle();
    }

    private void StartCluster(int replicas, int standbys)
    {
        if (_bench is not null) throw new FormatException("there is a cluster already");
        _bench = new ClusterBench(replicas, standbys: standbys);
        _network = new ScenarioNetwork(_bench);
        _terms = new ScenarioTerms(_bench, _network, _reader);
    }

    private void Tick(int ticks)
    {
        Cluster.Run(ticks);
        TakeReplies();
    }

    private void Until(ReadOnlySpan<string> condition)
    {
        string values = "";
        for (int tick = 0; tick < UntilTicksMax; tick++)
        {
            if (Terms.Holds(condition, out values)) return;
            Tick(1);
        }
        throw new InvalidOperationException($"it never came to that: {values}");
    }

    private void Expect(ReadOnlySpan<string> condition)
    {
        if (!Terms.Holds(condition, out string values)) throw new InvalidOperationException($"it is not so: {values}");
    }

    private void ExpectFor(int ticks, ReadOnlySpan<string> condition)
    {
        for (int tick = 0; tick < ticks; tick++)
        {
            Expect(condition);
            Tick(1);
        }
        Expect(condition);
    }

    private void Elect()
    {
        Until(["settled"]);
        Terms.BindRoles(Cluster.Primary());
    }

    private void Write(int count, string name, string? to, bool large)
    {
        ScenarioClient client = Terms.Client(name);
        if (!client.Answered) Await(client, to);
        if (!client.Registered) Register(name, to);
        for (int i = 0; i < count; i++)
        {
            client.MakeWrite(large);
            Await(client, to);
        }
    }

    private void Register(string client, string? to)
    {
        Terms.Client(client).MakeRegister();
        Await(Terms.Client(client), to);
    }

    private void Await(ScenarioClient client, string? to)
    {
        int only = to is null ? -1 : Terms.Replica(to);
        for (int tries = 0; tries < AnswerTriesMax; tries++)
        {
            for (byte i = 0; i < Cluster.Nodes.Count; i++)
                if (to is null || i == only) Cluster.Send(i, client.Request);
            for (int tick = 0; tick < AnswerTicks && !client.Answered; tick++) Tick(1);
            if (client.Answered) return;
        }
        throw new InvalidOperationException("no answer");
    }

    private void Crash(byte replica, string fate)
    {
        Cluster.Crash(replica, new Fate(fate));
        Cluster.Nodes[replica].DiskStalls = false;
    }

    private void Resume(int replica)
    {
        Cluster.Nodes[replica].DiskStalls = false;
        Cluster.Settle();
    }

    private void Recover()
    {
        _network.Heal();
        for (byte i = 0; i < Cluster.Nodes.Count; i++)
        {
            Cluster.Nodes[i].DiskStalls = false;
            if (Cluster.Nodes[i].Replica is null) Cluster.Start(i);
        }
        Elect();
        Write(1, "C1", to: null, large: false);
        Until(["level"]);
    }

    private void TakeReplies()
    {
        for (; _bench is not null && _replies < _bench.Replies.Count; _replies++)
        {
            ClusterBench.Packet packet = _bench.Replies[_replies];
            Header header = packet.Header;
            if (packet.Client == ScenarioReader.Number) _reader.Take(in header);
            else Terms.Clients.SingleOrDefault(client => client.Number == packet.Client)?.Take(in header);
        }
    }

    /// <summary>The word behind this one.</summary>
    private static string? After(string[] words, string word)
    {
        int at = Array.IndexOf(words, word);
        return at < 0 ? null : words[at + 1];
    }

    private static int Number(string word) => int.TryParse(word, CultureInfo.InvariantCulture, out int number)
        ? number : throw new FormatException($"{word} is no number");

    public void Dispose() => _bench?.Dispose();
}
