using System;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.StateMachine;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Text;
using Deterministic.Vsr;

namespace Deterministic.Fuzz;

/// <summary>What became of inputs, or of the parts of one input.</summary>
internal sealed class Tally
{
    public long Executions { get; set; }
    public long Accepted { get; set; }
    public long Refused { get; set; }

    public void Count(bool accepted)
    {
        if (accepted) Accepted++;
        else Refused++;
    }
}

/// <summary>Gives a decoder one input and counts what became of it; throws if the decoder misbehaves. The same input
/// has the same outcome whatever ran before.</summary>
internal delegate void Target(ReadOnlySpan<byte> input, Tally tally);

/// <summary>A decoder, and a generator of inputs that get past its first checks.</summary>
internal sealed record TargetDescription(string Name, Func<TapeStream, byte[]> Generate, Func<Target> Make);

/// <summary>Every decoder of bytes that others may have written.</summary>
internal static class Targets
{
    public static TargetDescription[] All { get; } =
    [
        new("header", Generators.Message, () => Header),
        new("handshake", HandshakeTarget.Generate, () => HandshakeTarget.Run),
        new("group", GroupTarget.Generate, () => GroupTarget.Run),
        new("model", Generators.Request, () => Model),
        new("machine", MachineRequests.Generate, () => new MachineTarget().Run),
        new("json", JsonText.Generate, () => Json),
        new("superblock", SuperblockTarget.Generate, () => SuperblockTarget.Run),
        new("slot", Generators.Message, () => Slot),
        new("journal", JournalTarget.Generate, () => new JournalTarget().Run),
        new("tokenizer", Generators.Text, () => new TokenizerTarget().Run),
        new("pattern", PatternTarget.Generate, () => new PatternTarget().Run),
        new("tape", Generators.Recording, () => Tapes),
        new("pack", PacksTargets.GeneratePack, () => PacksTargets.Pack),
        new("manifest", PacksTargets.GenerateManifest, () => PacksTargets.ReadManifest),
        new("catalog", PacksTargets.GenerateCatalog, () => PacksTargets.ReadCatalog),
        new("checkpoint", CheckpointTarget.Generate, () => new CheckpointTarget().Run),
    ];

    /// <summary>Has a planted bug, the bytes 'b' and 'u' among the first eight: shows that a bug is found, saved and
    /// reproduced.</summary>
    public static TargetDescription Canary { get; } = new("canary", Generators.Bytes, () => Planted);

    public static TargetDescription? Find(string name) =>
        name == Canary.Name ? Canary : Array.Find(All, target => target.Name == name);

    private static void Planted(ReadOnlySpan<byte> input, Tally tally)
    {
        ReadOnlySpan<byte> front = input[..int.Min(8, input.Length)];
        Check.That(!(front.Contains((byte)'b') && front.Contains((byte)'u')), "the planted bug");
        tally.Count(accepted: true);
    }

    private static void Header(ReadOnlySpan<byte> input, Tally tally)
    {
        if (input.Length < Limits.HeaderSize) return;
        Header header = Core.Wire.Header.Read(input);
        bool accepted = header.ValidChecksum() && header.Invalid(Generators.MessageSizeMax) is null;
        if (accepted) Check.That(header.Size is >= Limits.HeaderSize and <= Generators.MessageSizeMax);
        tally.Count(accepted);

        // With a good checksum, so that damaged fields get to be looked at too.
        header.SetChecksum();
        tally.Count(header.Invalid(Generators.MessageSizeMax) is null);
    }

    private static void Slot(ReadOnlySpan<byte> input, Tally tally)
    {
        const int slots = 32;
        if (input.Length < Limits.HeaderSize) return;
        byte[] slot = new byte[Generators.MessageSizeMax];
        input[..int.Min(slot.Length, input.Length)].CopyTo(slot);
        Header header = Core.Wire.Header.Read(slot);
        int place = (int)(header.Prepare.Op % slots);
        SlotContent content = JournalSlot.Examine(in header, header.Cluster, place, slots, slot.Length);
        tally.Count(content != SlotContent.Bad && JournalSlot.ValidBody(in header, slot));
        Check.That(JournalSlot.Examine(in header, ~header.Cluster, place, slots, slot.Length) == SlotContent.Bad);
        int wrong = (place + 1) % slots;
        Check.That(JournalSlot.Examine(in header, header.Cluster, wrong, slots, slot.Length) == SlotContent.Bad);
    }

    private static void Model(ReadOnlySpan<byte> input, Tally tally)
    {
        WireReader writes = new(input);
        WriteRequest.Read(ref writes);
        WireReader queries = new(input);
        QueryRequest.Read(ref queries);
        WireReader schemas = new(input);
        UpdateSchemaRequest.Read(ref schemas);
        WireReader lists = new(input);
        ListNamespacesRequest.Read(ref lists);
        WireReader keys = new(input);
        CreateKeyRequest.Read(ref keys);
        WireReader branches = new(input);
        BranchRequest.Read(ref branches);
        tally.Count(writes.AtEnd || queries.AtEnd || schemas.AtEnd || lists.AtEnd || keys.AtEnd);
        WireReader replies = new(input);
        QueryReply.Read(ref replies);
        WireReader counts = new(input);
        WriteReply.Read(ref counts);
        WireReader metadata = new(input);
        MetadataReply.Read(ref metadata);
        WireReader names = new(input);
        ListNamespacesReply.Read(ref names);
        WireReader listed = new(input);
        ListKeysReply.Read(ref listed);
        WireReader plans = new(input);
        _ = PlanText.Of(ExplainReply.Read(ref plans));
    }

    /// <summary>What is accepted can also be encoded.</summary>
    private static void Json(ReadOnlySpan<byte> input, Tally tally)
    {
        bool accepted = false;
        byte[] room = new byte[Generators.MessageSizeMax];
        try
        {
            WireWriter encoded = new(room);
            QueryRequestJson.Parse("fuzz", input).Request.Write(ref encoded);
            accepted = true;
        }
        catch (JsonRequestException)
        {
            // The typed refusal is the answer that bad text must get.
        }
        try
        {
            WireWriter encoded = new(room);
            WriteRequestJson.ParseWithCopy("fuzz", input).Request.Write(ref encoded);
            accepted = true;
        }
        catch (JsonRequestException)
        {
            // As above.
        }
        try
        {
            RecallJson.Parse(input);
            accepted = true;
        }
        catch (JsonRequestException)
        {
            // As above.
        }
        tally.Count(accepted);
    }

    private static void Tapes(ReadOnlySpan<byte> input, Tally tally)
    {
        bool accepted = TapeRecording.TryLoad(input, out TapeRecording recording);
        tally.Count(accepted);
        if (!accepted) return;
        Check.That(recording.Length <= input.Length);
        Check.That(TapeRecording.TryLoad(recording.Save(), out TapeRecording again));
        Check.That(again.Length == recording.Length && again.Seed == recording.Seed);
    }

    private sealed class TokenizerTarget
    {
        private const int TokensMax = 256;
        private readonly StaticMemory _memory = new();
        private readonly Analyzer _analyzer;
        private readonly TokenBuffer _tokens;

        public TokenizerTarget()
        {
            _analyzer = new Analyzer(_memory);
            _tokens = new TokenBuffer(_memory, TokensMax, 4096);
        }

        public void Run(ReadOnlySpan<byte> input, Tally tally)
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
                tally.Count(_tokens.Count > 0);
            }
            DatetimeText.TryParse(input, out _);
            Span<byte> uuid = stackalloc byte[16];
            UuidText.TryParse(input, uuid);
        }
    }
}
