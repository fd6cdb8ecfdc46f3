using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Access;

/// <summary>Creations and revocations leave the keys of a dictionary, before and after a restart.</summary>
public sealed class KeyProperties
{
    private static Arbitrary<(bool Create, int Id, int Scopes)[]> Steps => (
        from create in Gen.Frequency<bool>((2, Gen.Constant(true)), (1, Gen.Constant(false)))
        from id in Gen.Choose(0, 20)
        from scopes in Gen.Choose(1, 7)
        select (create, id, scopes)).ArrayOf().ToArbitrary();

    [Fact]
    public void The_keys_are_those_that_were_created_and_not_revoked() => Prop.ForAll(Steps, steps =>
    {
        using Machine machine = new(Configuration.Tiny);
        SortedDictionary<string, int> model = new(System.StringComparer.Ordinal);
        foreach ((bool create, int id, int scopes) in steps)
        {
            string name = $"k{id}";
            ErrorCode expected = create
                ? model.TryAdd(name, scopes) ? ErrorCode.Ok : ErrorCode.KeyExists
                : model.Remove(name) ? ErrorCode.Ok : ErrorCode.KeyNotFound;
            ApiKey key = new() { Id = name, Scopes = (KeyScopes)scopes, Hash = new byte[Limits.KeyHashSize] };
            ErrorCode code = create
                ? machine.CodeOf(Operation.CreateKey, new CreateKeyRequest { Key = key }.Write)
                : machine.CodeOf(Operation.RevokeKey, new RevokeKeyRequest { Id = name }.Write);
            Assert.Equal(expected, code);
        }
        machine.Verify();
        AssertKeys(machine, model);
        using Machine restarted = machine.Restart();
        AssertKeys(restarted, model);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(100).WithEndSize(60));

    private static void AssertKeys(Machine machine, SortedDictionary<string, int> model)
    {
        WireReader reader = machine.Commit(Operation.ListKeys, new ListKeysRequest().Write, out _);
        ListKeysReply reply = ListKeysReply.Read(ref reader);
        Assert.False(reply.More);
        Assert.Equal(model, reply.Keys.ToDictionary(key => key.Id, key => (int)key.Scopes));
    }
}
