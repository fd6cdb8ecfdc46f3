using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>What the end of the log becomes when a view changes, for clusters small enough to think through.</summary>
public sealed class JoinViewQuorumTests
{
    private const int MessageSizeMax = 1 << 20;
    private const int HeadersMax = 5;

    /// <summary>What one replica knows of one op.</summary>
    private enum Slot
    {
        /// <summary>Nothing was ever here.</summary>
        Never,

        /// <summary>The header is known, the entry was never durable here.</summary>
        Dirty,
        Durable,

        /// <summary>Something was here and cannot be read.</summary>
        Faulty,
    }

    private static readonly Header[] Chain = MakeChain(view: 1, from: Header.Root(7), count: 12);

    private static Header[] MakeChain(uint view, Header from, int count)
    {
        Header[] chain = new Header[count + 1];
        chain[0] = from;
        for (int i = 1; i <= count; i++)
        {
            Header entry = Header.Create(Command.Prepare, 7, view, 0);
            entry.Prepare = new PrepareFields
            {
                Parent = chain[i - 1].Checksum, Op = from.Prepare.Op + (ulong)i, Timestamp = (ulong)i,
                Operation = Operation.Noop,
            };
            entry.SetChecksumBody([]);
            entry.SetChecksum();
            chain[i] = entry;
        }
        return chain;
    }

    private static bool Join(
        JoinViewQuorum quorum, int replica, uint logView, ulong commitMin, Header[] chain, params Slot[] slots)
    {
        int head = slots.Length;
        while (head > 0 && slots[head - 1] == Slot.Never) head--;
        ulong op = commitMin + (ulong)head;
        int count = (int)ulong.Min(HeadersMax, op + 1);
        byte[] body = new byte[count * Limits.HeaderSize];
        UInt128 present = 0;
        UInt128 nack = 0;
        for (int i = 0; i < count; i++)
        {
            ulong at = op - (ulong)i;
            Slot slot = at <= commitMin ? Slot.Durable : slots[(int)(at - commitMin) - 1];
            if (slot is Slot.Dirty or Slot.Durable) chain[at].WriteTo(body.AsSpan(i * Limits.HeaderSize));
            if (slot == Slot.Durable) present |= UInt128.One << i;
            if (slot is Slot.Never or Slot.Dirty) nack |= UInt128.One << i;
        }
        Header join = Header.Create(Command.JoinView, 7, view: 9, (byte)replica, body.Length);
        join.JoinView = new JoinViewFields
        {
            Op = op, CommitMin = commitMin, LogView = logView, Present = present, Nack = nack,
        };
        join.SetChecksumBody(body);
        join.SetChecksum();
        Assert.Null(join.Invalid(MessageSizeMax));
        return quorum.TryAdd(in join, body, MessageSizeMax);
    }

    private static (JoinViewOutcome Outcome, ulong Op, ulong CommitMax) Decide(JoinViewQuorum quorum)
    {
        JoinViewOutcome outcome = quorum.Decide(out ulong op, out ulong commitMax);
        return (outcome, op, commitMax);
    }

    [Fact]
    public void One_of_three_is_no_quorum()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Assert.True(Join(quorum, 0, 1, 4, Chain, Slot.Durable));
        Assert.Equal(JoinViewOutcome.Awaiting, Decide(quorum).Outcome);
    }

    [Fact]
    public void An_entry_that_one_of_two_holds_stays()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 1, 4, Chain, Slot.Durable, Slot.Durable);
        Join(quorum, 1, 1, 4, Chain);
        Assert.Equal((JoinViewOutcome.Complete, 6UL, 4UL), Decide(quorum));
        Assert.Equal(Chain[6].Checksum, quorum.Log(6)[0].Checksum);
        Assert.Equal(HeadersMax, quorum.Log(6).Length);
    }

    [Fact]
    public void An_entry_that_two_of_three_never_had_is_cut_and_all_after_it()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 1, 4, Chain, Slot.Dirty, Slot.Durable);
        Join(quorum, 1, 1, 4, Chain);
        Assert.Equal((JoinViewOutcome.Complete, 4UL, 4UL), Decide(quorum));
    }

    [Fact]
    public void A_damaged_entry_is_not_cut_but_waited_for()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 1, 4, Chain, Slot.Faulty, Slot.Durable);
        Join(quorum, 1, 1, 4, Chain);
        Assert.Equal(JoinViewOutcome.Awaiting, Decide(quorum).Outcome);
        Join(quorum, 2, 1, 4, Chain, Slot.Durable, Slot.Dirty);
        Assert.Equal((JoinViewOutcome.Complete, 5UL, 4UL), Decide(quorum));
        Assert.Equal(Chain[5].Checksum, quorum.Log(5)[0].Checksum);
    }

    [Fact]
    public void With_all_heard_and_the_entry_nowhere_the_cluster_stays_unavailable()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 1, 4, Chain, Slot.Faulty);
        Join(quorum, 1, 1, 4, Chain);
        Join(quorum, 2, 1, 4, Chain, Slot.Faulty, Slot.Durable);
        Assert.Equal(JoinViewOutcome.Lost, Decide(quorum).Outcome);
    }

    [Fact]
    public void The_log_of_the_newest_view_counts_not_the_longest()
    {
        Header[] newer = MakeChain(view: 2, Chain[4], count: 4);
        Header[] other = [.. Chain[..5], .. newer[1..]];
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 1, 4, Chain, Slot.Durable, Slot.Durable, Slot.Durable);
        Join(quorum, 1, 2, 4, other, Slot.Durable);
        Assert.Equal((JoinViewOutcome.Complete, 5UL, 4UL), Decide(quorum));
        Assert.Equal(other[5].Checksum, quorum.Log(5)[0].Checksum);
    }

    [Fact]
    public void A_committed_head_that_is_damaged_in_the_newest_log_is_told_by_who_has_run_it()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 2, 4, Chain, Slot.Faulty);
        Join(quorum, 1, 1, 5, Chain);
        Assert.Equal((JoinViewOutcome.Complete, 5UL, 5UL), Decide(quorum));
        Assert.Equal(Chain[5].Checksum, quorum.Log(5)[0].Checksum);
    }

    [Fact]
    public void A_committed_head_that_nobody_can_tell_is_waited_for()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Join(quorum, 0, 2, 4, Chain, Slot.Faulty);
        Join(quorum, 1, 1, 5, Chain, Slot.Durable, Slot.Durable, Slot.Durable, Slot.Durable, Slot.Durable);
        Assert.Equal(JoinViewOutcome.Awaiting, Decide(quorum).Outcome);
        Join(quorum, 2, 1, 5, Chain);
        Assert.Equal((JoinViewOutcome.Complete, 5UL, 5UL), Decide(quorum));
    }

    [Fact]
    public void A_header_at_the_wrong_place_is_refused()
    {
        JoinViewQuorum quorum = new(3, HeadersMax);
        Header[] shifted = [Chain[0], .. Chain];
        Assert.False(Join(quorum, 0, 1, 4, shifted, Slot.Durable));
        Assert.Equal(0, quorum.Count);
    }

    /// <summary>Whatever was acknowledged by a quorum is in every log that any set of replicas may decide on, however
    /// much of it is damaged since.</summary>
    [Fact]
    public void What_may_be_committed_is_never_cut()
    {
        Gen<(int Replicas, int[] Draws)> cases =
            from replicas in Gen.Choose(2, 6)
            from drawn in Gen.ArrayOf(Gen.Choose(0, 999), 64)
            select (replicas, drawn);
        int cut = 0;
        int kept = 0;
        Prop.ForAll(cases.ToArbitrary(), at =>
        {
            (int replicas, int[] drawn) = at;
            Quorums quorums = new(replicas);
            int ops = 1 + drawn[0] % 4;
            Slot[][] slots = new Slot[replicas][];
            for (int r = 0; r < replicas; r++)
            {
                slots[r] = new Slot[ops];
                for (int i = 0; i < ops; i++)
                {
                    int draw = drawn[1 + r * ops + i] % 10;
                    slots[r][i] = draw < 5 ? Slot.Durable : draw < 7 ? Slot.Dirty : draw < 9 ? Slot.Never : Slot.Faulty;
                }
            }
            // A damaged entry had been acknowledged. An op is committed with a quorum for it and for all before.
            int committed = 0;
            while (committed < ops && Acknowledged(slots, committed) >= quorums.Replication) committed++;
            JoinViewQuorum quorum = new(replicas, HeadersMax);
            int first = drawn[60] % replicas;
            for (int r = 0; r < replicas; r++)
            {
                int replica = (first + r) % replicas;
                // A head that is damaged is no head: such a replica does not take part.
                if (HeadDamaged(slots[replica])) continue;
                Join(quorum, replica, 1, 4, Chain, slots[replica]);
                (JoinViewOutcome outcome, ulong op, _) = Decide(quorum);
                if (outcome != JoinViewOutcome.Complete) continue;
                if (op < 4UL + (ulong)committed) return false;
                cut += op < 4UL + (ulong)ops ? 1 : 0;
                kept += op == 4UL + (ulong)ops ? 1 : 0;
            }
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
        Assert.True(cut > 100 && kept > 100, $"{cut} cut, {kept} kept");
    }

    private static int Acknowledged(Slot[][] slots, int op)
    {
        int count = 0;
        foreach (Slot[] replica in slots) count += replica[op] is Slot.Durable or Slot.Faulty ? 1 : 0;
        return count;
    }

    private static bool HeadDamaged(Slot[] slots)
    {
        int head = slots.Length;
        while (head > 0 && slots[head - 1] == Slot.Never) head--;
        return head > 0 && slots[head - 1] == Slot.Faulty;
    }
}
