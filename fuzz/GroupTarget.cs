using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Fuzz;

/// <summary>Bodies of entries that hold requests of several clients.</summary>
internal static class GroupTarget
{
    private const int MembersMax = 5;
    private const int RequestSizeMax = 40;

    public static byte[] Generate(TapeStream tape)
    {
        byte[] body = new byte[1024];
        GroupMember[] members = new GroupMember[tape.Range(1, MembersMax)];
        byte[] request = new byte[RequestSizeMax];
        tape.Bytes(request);
        int used = 0;
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = new GroupMember
            {
                Client = (UInt128)tape.Below(4), RequestChecksum = (UInt128)tape.Range(1, 3),
                RequestNumber = (uint)tape.Range(1, 3), Reserved0 = tape.Chance(Ratio.OneIn(8)) ? 1u : 0,
            };
            int size = tape.Range(1, RequestSizeMax);
            Operation operation = tape.Chance(Ratio.OneIn(8)) ? Operation.Noop : Operation.Write;
            request.AsSpan(0, size).CopyTo(body.AsSpan(used));
            used = i == 0 ? GroupBody.Begin(body, operation, size)
                : GroupBody.Add(body, used, operation, request.AsSpan(0, size));
        }
        return body[..GroupBody.End(body, used, members)];
    }

    public static void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        bool whole = GroupBody.TryRead(input, out ReadOnlySpan<byte> batch, out ReadOnlySpan<GroupMember> members);
        tally.Count(whole);
        if (!whole) return;
        Check.That(batch.Length + members.Length * GroupMember.Size == input.Length);
        Check.That(members.Length == BinaryPrimitives.ReadUInt16LittleEndian(batch));
        int parts = 0;
        for (GroupParts rest = new(batch); !rest.AtEnd; parts++)
            Check.That(rest.TryNext(out Operation operation) && operation >= Operation.Write);
        Check.That(parts == members.Length);
        foreach (ref readonly GroupMember member in members) Check.That(member.Client != 0);
    }
}
