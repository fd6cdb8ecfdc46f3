using System;
using System.Text;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Client.Tests.Json;

/// <summary>A model said in JSON reads back as the same wire bytes; damaged JSON is refused with a typed
/// error.</summary>
public sealed class RoundTripProperties
{
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(500);

    [Fact]
    public void Writes() => Prop.ForAll(Seeds, seed =>
    {
        WriteRequest request = new ModelGenerator(seed).Write();
        WriteRequest read = WriteRequestJson.Parse("ns", RequestJsonWriter.Write(request));
        return JsonText.Bytes(read).AsSpan().SequenceEqual(JsonText.Bytes(request));
    }).Check(Runs);

    [Fact]
    public void Queries() => Prop.ForAll(Seeds, seed =>
    {
        QueryRequest request = new ModelGenerator(seed).Query();
        ParsedQuery read = QueryRequestJson.Parse("ns", RequestJsonWriter.Write(request));
        return JsonText.Bytes(read.Request).AsSpan().SequenceEqual(JsonText.Bytes(request));
    }).Check(Runs);

    [Fact]
    public void OtherAttributesChangeNothingElse() => Prop.ForAll(Seeds, seed =>
    {
        QueryRequest request = new ModelGenerator(seed).Query();
        byte[] before = JsonText.Bytes(request);
        for (int i = 0; i < request.Queries.Length; i++)
        {
            Query query = request.Queries[i];
            request.Queries[i] = query.WithInclude(IncludeMode.All, []).WithInclude(query.Include, query.IncludeNames);
        }
        return JsonText.Bytes(request).AsSpan().SequenceEqual(before);
    }).Check(Runs);

    [Fact]
    public void DamageIsRefusedOrHarmless() => Prop.ForAll(Seeds, seed =>
    {
        Random random = new(seed);
        bool write = random.Next(2) == 0;
        byte[] json = write
            ? RequestJsonWriter.Write(new ModelGenerator(seed).Write())
            : RequestJsonWriter.Write(new ModelGenerator(seed).Query());
        for (int i = random.Next(1, 4); i > 0; i--) json[random.Next(json.Length)] = (byte)random.Next(256);
        ReadOnlySpan<byte> cut = json.AsSpan(0, random.Next(4) == 0 ? random.Next(json.Length) : json.Length);
        try
        {
            if (write) WriteRequestJson.Parse("ns", cut);
            else QueryRequestJson.Parse("ns", cut);
            return true;
        }
        catch (JsonRequestException exception)
        {
            return exception.Message.Length > 0 && Encoding.UTF8.GetByteCount(exception.Message) < 4096;
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
}
