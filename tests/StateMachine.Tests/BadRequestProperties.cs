using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Deterministic.TestSupport;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests;

/// <summary>Whatever bytes a client sends, it gets OK or an error with a readable text, an error changes nothing, and
/// the trees stay whole.</summary>
public sealed class BadRequestProperties
{
    private static readonly Operation[] Operations =
    [
        Operation.Write, Operation.Write, Operation.Write, Operation.Query, Operation.Query, Operation.UpdateSchema,
        Operation.ListNamespaces, Operation.Metadata, Operation.Schema, Operation.DeleteNamespace,
        Operation.CreateKey, Operation.ListKeys, Operation.RevokeKey, Operation.Explain, Operation.Branch,
        Operation.Batch,
    ];

    private readonly byte[] _body = new byte[Configuration.Tiny.MessageBodySizeMax];
    private readonly byte[] _part = new byte[1024];

    [Fact]
    public void Noise_gets_an_error() => Run(2000, (tape, _) =>
    {
        int size = 1 + tape.Below(tape.Boolean() ? 16 : 256);
        tape.Bytes(_body.AsSpan(0, size));
        for (int i = 0; i < size; i++) if (tape.Boolean()) _body[i] = (byte)tape.Below(12);
        return size;
    });

    [Fact]
    public void Sensible_and_silly_requests_get_an_answer() =>
        Run(2000, (tape, operation) => Valid(tape, operation, _body));

    [Fact]
    public void Mutated_requests_get_an_answer() => Run(6000, (tape, operation) =>
    {
        int size = Valid(tape, operation, _body);
        for (int i = 1 + tape.Below(4); i > 0 && size > 0; i--) size = Mutate(tape, size);
        return Math.Max(1, size);
    });

    private void Run(int cases, Func<TapeStream, Operation, int> fill)
    {
        using Machine machine = new(Configuration.Tiny);
        int done = 0;
        int accepted = 0;
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            TapeStream tape = Tape.Seeded((ulong)seed).Stream(TapeConsumer.Input);
            Operation operation = tape.Pick<Operation>(Operations);
            int size = fill(tape, operation);
            if (Commit(machine, operation, _body.AsSpan(0, size)) == ErrorCode.Ok) accepted++;
            if (++done % 100 == 0) machine.Verify();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(cases));
        machine.Verify();
        Assert.InRange(accepted, 1, done - 1);
    }

    private static ErrorCode Commit(Machine machine, Operation operation, ReadOnlySpan<byte> body)
    {
        bool purging = machine.State.Trees.Garbage.Count > 0;
        UInt128 before = machine.StateChecksum();
        machine.Commit(operation, body);
        if (operation == Operation.Batch) return ErrorCode.Ok;
        WireReader reader = new(machine.Reply);
        ErrorCode code = (ErrorCode)reader.U16();
        Assert.True(Enum.IsDefined(code));
        if (code == ErrorCode.Ok) return code;
        string text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(reader.Bytes(reader.U16()));
        Assert.NotEmpty(text);
        Assert.True(reader.AtEnd);
        if (!purging) Assert.Equal(before, machine.StateChecksum());
        return code;
    }

    private int Valid(TapeStream tape, Operation operation, Span<byte> to)
    {
        RequestGenerator generator = new(tape);
        string name = tape.Pick<string>(["a", "b", "b", "c"]);
        WireWriter writer = new(to);
        switch (operation)
        {
            case Operation.Write: generator.WriteRequest(name).Write(ref writer); break;
            case Operation.Query or Operation.Explain: generator.QueryRequest(name).Write(ref writer); break;
            case Operation.UpdateSchema:
                new UpdateSchemaRequest { Namespace = name, Schema = generator.Schema() }.Write(ref writer);
                break;
            case Operation.Branch:
                new BranchRequest { Namespace = tape.Boolean() ? "d" : name, Source = name }.Write(ref writer);
                break;
            case Operation.ListNamespaces:
                new ListNamespacesRequest { Prefix = "b", PageSize = (uint)tape.Below(3) }.Write(ref writer);
                break;
            case Operation.CreateKey:
                ApiKey key = new()
                {
                    Id = name, Scopes = (KeyScopes)tape.Below(9), Hash = new byte[Limits.KeyHashSize], Prefix = name,
                };
                new CreateKeyRequest { Key = key }.Write(ref writer);
                break;
            case Operation.ListKeys:
                new ListKeysRequest { Cursor = name, PageSize = (uint)tape.Below(3) }.Write(ref writer);
                break;
            case Operation.Batch:
                int parts = tape.Below(4);
                writer.U16(parts);
                for (int i = 0; i < parts; i++)
                {
                    Operation part = tape.Pick<Operation>(Operations.AsSpan(0, Operations.Length - 1));
                    int size = Valid(tape, part, _part);
                    writer.U32((uint)part);
                    writer.U32((uint)size);
                    writer.Bytes(_part.AsSpan(0, size));
                }
                break;
            default: new NamespaceRequest { Namespace = name }.Write(ref writer); break;
        }
        return writer.Position;
    }

    private int Mutate(TapeStream tape, int size)
    {
        int at = tape.Below(size);
        int length = 1 + tape.Below(Math.Min(8, size - at));
        switch (tape.Below(6))
        {
            case 0: _body[at] ^= (byte)(1 << tape.Below(8)); return size;
            case 1: _body[at] = (byte)tape.U64(); return size;
            case 2: _body[at] = (byte)tape.Below(12); return size;
            case 3: return at;
            case 4:
                _body.AsSpan(at + length, size - at - length).CopyTo(_body.AsSpan(at));
                return size - length;
            default:
                if (size + length > _body.Length) return size;
                _body.AsSpan(at, size - at).CopyTo(_body.AsSpan(at + length));
                return size + length;
        }
    }
}
