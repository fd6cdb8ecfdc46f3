using System;
using System.Text;
using Deterministic.Accel;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.StateMachine;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Text;
using Deterministic.TestSupport;
using Deterministic.Vsr;
using Machine = Deterministic.StateMachine.StateMachine;

namespace Deterministic.Fuzz;

/// <summary>Gives a decoder one input; throws if the decoder misbehaves.</summary>
internal delegate void Target(ReadOnlySpan<byte> input);

/// <summary>Every decoder of bytes that others may have written, with a generator of inputs that get past its first
/// checks.</summary>
internal static class Targets
{
    private const int MessageSizeMax = 16 << 10;

    public static (string Name, Func<TapeStream, byte[]> Generate, Func<Target> Make)[] All { get; } =
    [
        ("header", Headers, () => Header),
        ("model", Requests, () => Model),
        ("machine", Requests, () => new MachineTarget().Run),
        ("json", Json, () => Text),
        ("superblock", Superblocks, () => Superblock),
        ("slot", Headers, () => Slot),
        ("tokenizer", Texts, () => new TokenizerTarget().Run),
        ("tape", Random, () => Tapes),
    ];

    /// <summary>Fails on the bytes 'b' and 'u' among the first eight: shows that a bug would be found.</summary>
    public static void Canary(ReadOnlySpan<byte> input)
    {
        ReadOnlySpan<byte> front = input[..int.Min(8, input.Length)];
        Check.That(!(front.Contains((byte)'b') && front.Contains((byte)'u')), "the planted bug");
    }

    public static byte[] Random(TapeStream tape)
    {
        byte[] bytes = new byte[tape.Below(300)];
        tape.Bytes(bytes);
        return bytes;
    }

    /// <summary>A message whose checksums are right and whose fields are anything.</summary>
    private static byte[] Headers(TapeStream tape)
    {
        byte[] message = new byte[Limits.SectorSize];
        int size = Limits.HeaderSize + tape.Below(Limits.SectorSize - Limits.HeaderSize);
        Header header = default;
        header.Size = (uint)size;
        header.Protocol = tape.Boolean() ? Core.Wire.Header.ProtocolVersion : (ushort)tape.Below(3);
        header.Release = (uint)tape.Below(3);
        header.Command = (Command)tape.Below(26);
        header.Replica = (byte)tape.Below(8);
        header.Prepare.Op = (ulong)tape.Below(80);
        header.Prepare.Commit = (ulong)tape.Below(80);
        header.Prepare.Operation = (Operation)tape.Below(256);
        header.Prepare.Client = (ulong)tape.Below(2);
        header.SetChecksumBody(message.AsSpan(Limits.HeaderSize, size - Limits.HeaderSize));
        header.SetChecksum();
        header.WriteTo(message);
        return message;
    }

    private static byte[] Requests(TapeStream tape)
    {
        RequestGenerator generator = new(tape);
        byte[] buffer = new byte[MessageSizeMax];
        WireWriter writer = new(buffer);
        writer.U8(tape.Boolean() ? (byte)Operation.Write : (byte)Operation.Query);
        if (buffer[0] == (byte)Operation.Write) generator.WriteRequest("fuzz").Write(ref writer);
        else generator.QueryRequest("fuzz").Write(ref writer);
        return writer.Written.ToArray();
    }

    private static byte[] Json(TapeStream tape)
    {
        string[] parts =
        [
            "{", "}", "[", "]", ",", ":", "\"rank_by\"", "\"filters\"", "\"upsert_rows\"", "\"id\"", "\"And\"",
            "\"Eq\"",
            "\"title\"", "\"BM25\"", "\"ANN\"", "\"vector\"", "\"top_k\"", "\"schema\"", "1", "-0.5",
            "1e400", "null", "true",
        ];
        StringBuilder text = new("{\"rank_by\":[\"vector\",\"ANN\",[1,2]],\"top_k\":10,");
        for (int i = tape.Below(30); i > 0; i--) text.Append(tape.Pick<string>(parts));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static byte[] Superblocks(TapeStream tape)
    {
        byte[] bytes = new byte[Limits.SuperblockCopies * SuperblockCopy.Size];
        for (int i = 0; i < Limits.SuperblockCopies; i++)
        {
            Span<byte> copy = bytes.AsSpan(i * SuperblockCopy.Size, SuperblockCopy.Size);
            if (tape.Chance(Ratio.OneIn(4))) continue;
            tape.Bytes(copy[16..48]);
        }
        return bytes;
    }

    private static byte[] Texts(TapeStream tape)
    {
        StringBuilder text = new();
        for (int i = tape.Below(40); i > 0; i--)
            text.Append(tape.Boolean() ? (char)tape.Range(32, 126) : (char)tape.Below(0xD800));
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static void Header(ReadOnlySpan<byte> input)
    {
        if (input.Length < Limits.HeaderSize) return;
        Header header = Core.Wire.Header.Read(input);
        if (!header.ValidChecksum() || header.Invalid(MessageSizeMax) is not null) return;
        Check.That(header.Size >= Limits.HeaderSize && header.Size <= MessageSizeMax);
    }

    private static void Slot(ReadOnlySpan<byte> input)
    {
        if (input.Length < Limits.SectorSize) return;
        Header header = Core.Wire.Header.Read(input);
        SlotContent content = JournalSlot.Examine(in header, 0, (int)(header.Prepare.Op % 32), 32, Limits.SectorSize);
        if (content != SlotContent.Bad) JournalSlot.ValidBody(in header, input);
    }

    private static void Model(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return;
        WireReader writes = new(input[1..]);
        WriteRequest.Read(ref writes);
        WireReader queries = new(input[1..]);
        QueryRequest.Read(ref queries);
        WireReader replies = new(input[1..]);
        QueryReply.Read(ref replies);
    }

    private static void Text(ReadOnlySpan<byte> input)
    {
        try
        {
            QueryRequestJson.Parse("fuzz", input);
        }
        catch (JsonRequestException)
        {
            // The typed refusal is the answer that bad text must get.
        }
        try
        {
            WriteRequestJson.Parse("fuzz", input);
        }
        catch (JsonRequestException)
        {
            // As above.
        }
    }

    private static void Superblock(ReadOnlySpan<byte> input)
    {
        if (input.Length != Limits.SuperblockCopies * SuperblockCopy.Size) return;
        SuperblockQuorum.Decide(input, SuperblockQuorum.ThresholdOpen);
    }

    private static void Tapes(ReadOnlySpan<byte> input)
    {
        if (TapeRecording.TryLoad(input, out TapeRecording recording)) Check.That(recording.Length <= input.Length);
    }

    /// <summary>Runs requests on one state machine; each must be refused or answered with a status.</summary>
    private sealed class MachineTarget
    {
        private readonly byte[] _reply = new byte[Configuration.Tiny.MessageBodySizeMax];
        private readonly Machine _machine = new(new StaticMemory(), Configuration.Tiny, ComputeBackends.Select());
        private ulong _op;

        public void Run(ReadOnlySpan<byte> input)
        {
            if (input.IsEmpty || input.Length > _reply.Length) return;
            Operation operation = (Operation)input[0];
            if (!_machine.Accepts(operation, input[1..])) return;
            _op++;
            OperationContext context = new(_op, _op, operation);
            while (!_machine.Prefetch(in context, input[1..])) Check.That(_op > 0);
            int size = _machine.Commit(in context, input[1..], _reply);
            Check.That(size >= 2 && size <= _reply.Length);
        }
    }

    private sealed class TokenizerTarget
    {
        private readonly StaticMemory _memory = new();
        private readonly Analyzer _analyzer;
        private readonly TokenBuffer _tokens;

        public TokenizerTarget()
        {
            _analyzer = new Analyzer(_memory);
            _tokens = new TokenBuffer(_memory, 256, 4096);
        }

        public void Run(ReadOnlySpan<byte> input)
        {
            foreach (Tokenizer tokenizer in (ReadOnlySpan<Tokenizer>)[Tokenizer.WordV1, Tokenizer.WordV4])
            {
                TextOptions options = default;
                options.Tokenizer = tokenizer;
                options.Language = Language.English;
                options.TokenSizeMax = Limits.TokenSizeDefault;
                options.Flags = TextOptions.StemmingFlag | TextOptions.AsciiFoldingFlag;
                _tokens.Clear();
                _analyzer.Analyze(in options, input, _tokens);
            }
            DatetimeText.TryParse(input, out _);
            Span<byte> uuid = stackalloc byte[16];
            UuidText.TryParse(input, uuid);
        }
    }
}
