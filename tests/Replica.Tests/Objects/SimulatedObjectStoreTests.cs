using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Objects;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

public sealed class SimulatedObjectStoreTests : ObjectStoreContract
{
    private const ulong Second = 1_000_000_000;
    private const int Seeds = 200;

    private static readonly ObjectFaults Faultless = new(Second / 100, Second);

    private static readonly ObjectFaults Nasty = new(Second / 100, Second)
    {
        Throttled = Ratio.OneIn(5), Unknown = Ratio.OneIn(3), LateMax = 5 * Second, ListingLagMax = 10 * Second,
    };

    private protected override ObjectClient TryOpen() => Open(1, Faultless, Plant.None);

    private static ObjectClient Open(ulong seed, ObjectFaults faults, Plant plant) =>
        new(new SimulatedObjectWorld(seed, faults, plant));

    private static SimulatedObjectStore StoreOf(ObjectClient client) => ((SimulatedObjectWorld)client.World).Simulated;

    /// <summary>Puts objects with all the patience it takes and reads them back; gives those that were acknowledged
    /// and are not there.</summary>
    private static List<string> PutAndAudit(ObjectClient client, int objects)
    {
        List<string> lost = [];
        for (int i = 0; i < objects; i++)
        {
            string key = $"key/{i}";
            while (client.Put(key, key).Status != ObjectStatus.Ok)
            {
            }
            ObjectResult got;
            byte[] content;
            do got = client.Get(key, out content);
            while (got.Status is ObjectStatus.Throttled or ObjectStatus.Unknown);
            if (got.Status != ObjectStatus.Ok || Encoding.ASCII.GetString(content) != key) lost.Add(key);
        }
        return lost;
    }

    [Fact]
    public void NothingAcknowledgedIsLostWhateverElseGoesWrong()
    {
        ulong failures = 0;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using ObjectClient client = Open(seed, Nasty, Plant.None);
            Assert.Empty(PutAndAudit(client, 10));
            failures += StoreOf(client).Failures;
        }
        Assert.True(failures > 10 * Seeds, $"only {failures} requests failed");
    }

    [Fact]
    public void AForgottenPutIsNoticed()
    {
        using ObjectClient client = Open(1, Faultless, new ForgetsThirdPut());
        Assert.Equal(["key/2"], PutAndAudit(client, 5));
    }

    private sealed class ForgetsThirdPut : Plant
    {
        public override bool ForgetsPut(ulong number) => number == 3;
    }

    [Fact]
    public void OneSeedIsOneRun()
    {
        List<ulong> Run(ulong seed)
        {
            using ObjectClient client = Open(seed, Nasty, Plant.None);
            PutAndAudit(client, 10);
            return [StoreOf(client).Now, StoreOf(client).Failures];
        }
        Assert.Equal(Run(5), Run(5));
        Assert.NotEqual(Run(5), Run(6));
    }

    /// <summary>A put that ended with Unknown is there at once, comes later, or never comes: each of them
    /// happens.</summary>
    [Fact]
    public void AnUnknownPutHasItsEffectOrNotOrLate()
    {
        ObjectFaults unknown = new(1, Second) { Unknown = Ratio.Always, LateMax = Second };
        int atOnce = 0;
        int late = 0;
        int never = 0;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using ObjectClient client = Open(seed, unknown, Plant.None);
            Assert.Equal(ObjectStatus.Unknown, client.Put("key", "x").Status);
            SimulatedObjectStore store = StoreOf(client);
            bool now = store.Find("key") is not null;
            store.Now += Second + 1;
            bool then = store.Find("key") is not null;
            if (now) atOnce++;
            else if (then) late++;
            else never++;
        }
        Assert.True(atOnce > 0 && late > 0 && never > 0, $"{atOnce} at once, {late} late, {never} never");
    }

    [Fact]
    public void AThrottledRequestHasNoEffect()
    {
        ObjectFaults throttled = new(1, Second) { Throttled = Ratio.Always, LateMax = Second };
        using ObjectClient client = Open(1, throttled, Plant.None);
        for (int i = 0; i < 20; i++) Assert.Equal(ObjectStatus.Throttled, client.Put($"{i}", "x").Status);
        StoreOf(client).Now += 10 * Second;
        Assert.Empty(StoreOf(client).Keys());
    }

    /// <summary>Each update that was acknowledged counts, and each in doubt may.</summary>
    [Fact]
    public void ACounterNeverLosesAnAcknowledgedUpdate()
    {
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using ObjectClient client = Open(seed, Nasty, Plant.None);
            StoreOf(client).Healed = true;
            client.Put("counter", "0");
            StoreOf(client).Healed = false;
            int acknowledged = 0;
            int inDoubt = 0;
            for (int round = 0; round < 20; round++)
            {
                ObjectResult got = client.Get("counter", out byte[] content);
                if (got.Status != ObjectStatus.Ok) continue;
                int next = int.Parse(Encoding.ASCII.GetString(content)) + 1;
                ObjectStatus status = client.Put("counter", $"{next}", PutCondition.IfMatch, got.Tag).Status;
                if (status == ObjectStatus.Ok) acknowledged++;
                if (status == ObjectStatus.Unknown) inDoubt++;
            }
            int final = int.Parse(Encoding.ASCII.GetString(StoreOf(client).Find("counter")!));
            Assert.InRange(final, acknowledged, acknowledged + inDoubt);
        }
    }

    [Fact]
    public void AListingMayLagAndCatchesUp()
    {
        ObjectFaults lagging = new(1, 1) { ListingLagMax = 10 * Second };
        bool lagged = false;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using ObjectClient client = Open(seed, lagging, Plant.None);
            client.Put("here", "");
            client.Put("gone", "");
            client.Delete("gone");
            List<string> keys = [];
            client.List("", "", 1000, keys);
            lagged |= !keys.Contains("here") || keys.Contains("gone");
            StoreOf(client).Now += 10 * Second;
            keys.Clear();
            client.List("", "", 1000, keys);
            Assert.Equal(["here"], keys);
        }
        Assert.True(lagged);
    }

    [Fact]
    public void ACrashLeavesUploadsBehindAndNothingHalfDoneIsSeen()
    {
        bool arrived = false;
        bool vanished = false;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            using ObjectClient client = Open(seed, Faultless, Plant.None);
            SimulatedObjectStore store = StoreOf(client);
            uint upload = client.StartUpload("large");
            client.Part(upload, 1, [1]);
            client.Store.MultipartPart(1, upload, 2, client.Native([2]));
            client.Store.Put(2, ObjectClient.Key("small"), client.Native([3]), PutCondition.None, default);
            store.Crash();
            Assert.Equal(ulong.MaxValue, store.NextDue);
            store.Now += 10 * Second;
            Assert.False(store.TryComplete(out _, out _));
            Assert.Equal(1, store.UploadsOpen);
            Assert.Null(store.Find("large"));
            arrived |= store.Find("small") is not null;
            vanished |= store.Find("small") is null;
        }
        Assert.True(arrived && vanished);
    }
}
